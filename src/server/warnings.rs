//! What an operator should know at the start, and what `--check` prints as well.

use std::net::SocketAddr;

use grade_actors::{LabProfile, Profile};

use super::file_limit::possible_connections;
use crate::settings::Settings;

/// The warnings of a server that listens on these addresses; `of_class` are those about the class.
pub(crate) fn start_warnings(
    settings: &Settings,
    of_class: &[String],
    addresses: &[SocketAddr],
) -> Vec<String> {
    let mut warnings = settings.warnings.clone();
    let wanted = settings.connections.total;
    let listeners = settings.listeners();
    let threads = settings.workers.saturating_mul(listeners);
    let possible = possible_connections(wanted.saturating_mul(listeners), threads) / listeners;
    if possible < wanted {
        warnings.push(format!(
            "limits.connections = {wanted} is lowered to {possible}, the most that the limit of open \
             descriptors allows; raise that limit (ulimit -n, LimitNOFILE=)"
        ));
    }
    let is_remote = addresses.iter().any(|address| !address.ip().is_loopback());
    warnings.extend(profile_warning(&settings.profile, is_remote).map(str::to_owned));
    warnings.extend(of_class.iter().cloned());
    warnings.extend(statistics_warning(settings).map(str::to_owned));
    warnings
}

/// What class statistics give away, or why there are none.
fn statistics_warning(settings: &Settings) -> Option<&'static str> {
    match (settings.policy.is_private(), &settings.history) {
        (false, _) => Some(
            "gradebook.statistics = \"plain\" releases exact statistics, which can reveal single marks; \
             \"private\" does not",
        ),
        (true, None) => Some(
            "gradebook.statistics = \"private\" needs gradebook.history: without it, all class statistics are \
             withheld",
        ),
        (true, Some(_)) => None,
    }
}

/// What a profile exposes.
fn profile_warning(profile: &Profile, is_remote: bool) -> Option<&'static str> {
    match profile {
        Profile::Lab(LabProfile { reveal_pause: Some(_), .. }) => Some(
            "lab.reveal_key = true sends the key behind the answer to a request like 2158999 GG, as the \
             student report's clients expect; nothing is secret",
        ),
        Profile::Lab(_) if is_remote => {
            Some("requests travel in clear: anyone on the way sees who asks, but no mark")
        }
        _ => None,
    }
}
