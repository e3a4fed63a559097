//! Texts that several sinks use.

use std::net::SocketAddr;

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

/// Where browsers reach the page on this machine.
pub(super) fn page_address(address: SocketAddr, is_secure: bool) -> String {
    format!("{}://{address}/", if is_secure { "https" } else { "http" })
}

/// A number with its noun: `1 connection`, `2 connections`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
