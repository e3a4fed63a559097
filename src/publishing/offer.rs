//! Another file than the configured one, for a command to compare or to publish.

use editions::Content;

use super::candidate::Candidate;
use super::error::PublisherError;
use super::publisher::read_keys;
use crate::files::load::Sources;
use crate::settings::Settings;

/// Another file than the configured one.
#[derive(Clone)]
pub(crate) struct Offer {
    /// What it says.
    pub(crate) content: Content,
    /// When it was exported, in seconds since 1970, if it says so.
    pub(crate) exported_at: Option<u64>,
}

/// Reads such a file. Returns also what the instructor
/// should know of it.
///
/// # Errors
/// Returns an error if a file cannot be read or is invalid.
pub(crate) fn read_offer(
    settings: &Settings,
    sources: &Sources,
) -> Result<(Offer, Vec<String>), PublisherError> {
    let keys = read_keys(settings)?;
    let Candidate { content, exported_at, warnings, .. } =
        Candidate::read(sources, &keys.keys, &settings.read_limits)?;
    Ok((Offer { content, exported_at }, warnings))
}
