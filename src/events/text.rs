//! Texts that several sinks use.

use std::net::SocketAddr;

use grade_actors::event::{Part, PublishingEvent};
use gradebook::{EditionNumber, Rejection};

use crate::command_line::CommandLine;

/// Why a line is not a request. Never the line's text: it may be a key.
pub(super) fn rejection_text(rejection: Rejection) -> String {
    match rejection {
        Rejection::Malformed(malformed) => malformed.to_string(),
        other => other.text().to_owned(),
    }
}

pub(super) fn part_name(part: Part) -> &'static str {
    match part {
        Part::GradeStore => "store of grades",
        Part::Encryptor => "encryptor",
    }
}

/// Where browsers reach the page on this machine.
pub(super) fn page_address(address: SocketAddr, is_secure: bool) -> String {
    format!("{}://{address}/", if is_secure { "https" } else { "http" })
}

/// A number with its noun: `1 connection`, `2 connections`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// What publishes a class file that waits.
pub(super) const PUBLISH: &str = "publish";
/// What publishes a class file that looks wrong.
pub(super) const ACCEPT: &str = "publish --accept";

/// What happened to the editions, as a sentence without its full stop.
pub(super) fn publishing_text(event: &PublishingEvent<'_>, command_line: &CommandLine) -> String {
    match event {
        PublishingEvent::Published { edition, by, of: None } => {
            format!("Published edition {} (by {by})", edition.0)
        }
        PublishingEvent::Published { edition, by, of: Some(of) } => {
            format!("Published edition {} (by {by}, the content of edition {})", edition.0, of.0)
        }
        PublishingEvent::Held { edition, rules, reason } => format!(
            "Kept edition {}: the class file is held ({rules}): {reason}; {} publishes it",
            edition.0,
            command_line.with(ACCEPT)
        ),
        PublishingEvent::Staged { edition, digest } => format!(
            "Kept edition {}: the class file is staged (digest {digest}); {} publishes it",
            edition.0,
            command_line.with(PUBLISH)
        ),
        PublishingEvent::Pruned(editions) => {
            format!("Removed the content of the oldest editions: {}", numbers(editions))
        }
    }
}

/// The numbers of editions, separated by commas.
pub(super) fn numbers(editions: &[EditionNumber]) -> String {
    editions.iter().map(|edition| edition.0.to_string()).collect::<Vec<_>>().join(", ")
}
