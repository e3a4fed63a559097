//! Texts that several sinks use.

use grade_actors::event::Part;
use gradebook::Rejection;

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

/// A number with its noun: `1 connection`, `2 connections`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
