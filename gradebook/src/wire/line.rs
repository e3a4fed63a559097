//! Lines: requests with any student ID and any command, in clear.

use super::grammar::Grammar;
use super::lab;
use super::sealed;
use crate::request::{Command, LineError, Request, StudentId, lab_command};

/// The characters between words.
const BLANKS: [char; 2] = [' ', '\t'];

/// Whether bytes begin with a line.
pub(super) enum Line<'a> {
    /// They do.
    Whole {
        /// The line without its end.
        line: &'a [u8],
        /// The bytes it took, its end included.
        used: usize,
    },
    /// There is no line end yet.
    Unended,
    /// The line is longer than allowed.
    TooLong,
}

/// Splits the first line off.
pub(super) fn split_line(grammar: Grammar, bytes: &[u8]) -> Line<'_> {
    // A line of the greatest length may still end in CR LF.
    let window = bytes.get(..grammar.line_bytes.saturating_add(2)).unwrap_or(bytes);
    let end = memchr::memchr(b'\n', window);
    let line = end.and_then(|end| window.get(..end)).unwrap_or(window);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match end {
        _ if line.len() > grammar.line_bytes => Line::TooLong,
        Some(end) => Line::Whole { line, used: end + 1 },
        None => Line::Unended,
    }
}

/// The length of the line end that `rest` begins with; 0 if nothing follows at all. Returns `None`
/// if something else follows.
pub(super) fn line_end_len(rest: &[u8]) -> Option<usize> {
    match rest {
        [] => Some(0),
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// Reads a line as one request; or, where it is several complete ones without line ends, as the first
/// of them. Returns the request and how many of the line's `line_used` bytes it took.
pub(super) fn first_request(
    grammar: Grammar,
    line: &[u8],
    line_used: usize,
) -> Result<(Request<'_>, usize), LineError> {
    if let Some((request, used)) = lab::complete_form(grammar, line)
        && more_requests_follow(grammar, line.get(used..).unwrap_or_default())
    {
        return Ok((request, used));
    }
    match parse_line(line) {
        Err(LineError::UnknownCommand) if sealed::parse_sealed_line(line).is_ok() => {
            Err(LineError::Sealed)
        }
        parsed => parsed.map(|request| (request, line_used)),
    }
}

/// Returns true if the rest of a line begins with another complete request, or is blank.
fn more_requests_follow(grammar: Grammar, rest: &[u8]) -> bool {
    let rest = lab::skip_blanks(rest);
    rest.is_empty() || lab::complete_form(grammar, rest).is_some() || parse_line(rest).is_ok()
}

/// Reads a whole line as one request with any student ID and any command.
fn parse_line(line: &[u8]) -> Result<Request<'_>, LineError> {
    let text = std::str::from_utf8(line).map_err(|_| LineError::NotText)?;
    if has_control_character(text) {
        return Err(LineError::ControlCharacter);
    }
    let (first, rest) = split_id(text);
    let Some(id) = StudentId::of_text(first) else {
        return Err(LineError::BadId);
    };
    let error = match Command::parse(rest) {
        Ok(command) => return Ok(Request { id, command }),
        Err(error) => error,
    };
    if let Some(command) = lab_command(first)
        && let Some(id) = StudentId::new(rest.as_bytes())
    {
        return Ok(Request { id, command });
    }
    Err(error)
}

fn has_control_character(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t');
    }
    text.chars().any(|char| char.is_control() && char != '\t')
}

/// The first word of a line and the rest, without the separator between them and blanks at the end.
fn split_id(text: &str) -> (&str, &str) {
    let text = text.trim_end_matches(BLANKS);
    let split = text.find([' ', '\t', ',']).and_then(|end| text.split_at_checked(end));
    let (first, rest) = split.unwrap_or((text, ""));
    let rest = rest.trim_start_matches(BLANKS);
    (first, rest.strip_prefix(',').unwrap_or(rest).trim_start_matches(BLANKS))
}
