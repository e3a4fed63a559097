//! The wire: bytes in, [`Request`]s out, and the lines of rejections.
//!
//! The lab's clients send no line end, so a request is complete as soon as its bytes form one
//! (`lab`). A line end in the buffer takes precedence: then the whole line is read as a line, which
//! may use any student ID and any command (`line`). In the profile `sealed` each request is a line
//! with a student ID and a token (`sealed`). White space and line ends between requests are skipped.
//! `docs/PROTOCOL.md` is the full text.
//!
//! This module knows neither sockets nor marks. The caller keeps the bytes and calls [`parse`] again
//! when there are more.

mod grammar;
mod lab;
mod line;
mod sealed;
#[cfg(test)]
mod tests;

use crate::request::{MalformedLine, Rejection, Request, StudentId, lab_command_prefix};
pub use grammar::Grammar;
use line::Line;
pub(crate) use sealed::REQUEST_FRAME_BYTES;
pub use sealed::{REQUEST_TEXT_BYTES, REQUEST_TOKEN_BYTES, parse_sealed_line};

/// The byte that ends every reply.
pub const LINE_END: u8 = b'\n';

/// What the bytes received so far begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// No complete request yet. The first `blank` bytes are white space and may be dropped.
    Incomplete {
        /// The bytes of white space.
        blank: usize,
    },
    /// A request in the first `used` bytes.
    Request {
        /// The request.
        request: Request<'a>,
        /// The bytes it took.
        used: usize,
    },
    /// A line in the first `used` bytes that is not a request.
    Malformed {
        /// What is wrong with it.
        malformed: MalformedLine,
        /// The bytes it took.
        used: usize,
    },
    /// More than `line_bytes` bytes without a line end.
    TooLong,
}

/// Reads one request from the front of `bytes`.
pub fn parse(grammar: Grammar, bytes: &[u8]) -> Parsed<'_> {
    let rest = skip_white_space(bytes);
    let blank = bytes.len() - rest.len();
    if rest.is_empty() {
        return Parsed::Incomplete { blank };
    }
    if grammar.sealed {
        return parse_sealed(grammar, rest, blank);
    }
    let form = lab::complete_form(grammar, rest);
    if let Some((request, used)) = form
        && let Some(line_end) = line::line_end_len(rest.get(used..).unwrap_or_default())
    {
        return Parsed::Request { request, used: blank + used + line_end };
    }
    match (line::split_line(grammar, rest), form) {
        (Line::Whole { line, used }, _) => match line::first_request(grammar, line, used) {
            Ok((request, used)) => Parsed::Request { request, used: blank + used },
            Err(error) => {
                let malformed = MalformedLine { error, bytes: line.len() };
                Parsed::Malformed { malformed, used: blank + used }
            }
        },
        (_, Some((request, used))) => Parsed::Request { request, used: blank + used },
        (Line::Unended, _) => Parsed::Incomplete { blank },
        (Line::TooLong, _) => Parsed::TooLong,
    }
}

fn parse_sealed(grammar: Grammar, rest: &[u8], blank: usize) -> Parsed<'_> {
    let (line, used) = match line::split_line(grammar, rest) {
        Line::Whole { line, used } => (line, blank + used),
        Line::Unended => return Parsed::Incomplete { blank },
        Line::TooLong => return Parsed::TooLong,
    };
    match parse_sealed_line(line) {
        Ok(request) => Parsed::Request { request, used },
        Err(error) => {
            let malformed = MalformedLine { error, bytes: line.len() };
            Parsed::Malformed { malformed, used }
        }
    }
}

/// Appends the line of a rejection: `ERR <word> <text>`.
pub fn write_rejection(out: &mut Vec<u8>, rejection: Rejection) {
    for part in rejection_line(rejection) {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The length of the line of a rejection, in bytes.
pub(crate) fn rejection_bytes(rejection: Rejection) -> usize {
    rejection_line(rejection).map(str::len).iter().sum()
}

fn rejection_line(rejection: Rejection) -> [&'static str; 5] {
    ["ERR ", rejection.word(), " ", rejection.text(), "\n"]
}

/// Returns true if the bytes of a request have the form `ID CMD`, with blanks between the two, and the
/// command is one of the seven.
pub fn is_blank_form(request: &[u8]) -> bool {
    let request = request.trim_ascii();
    let blank = request.iter().position(|byte| matches!(byte, b' ' | b'\t'));
    let Some((id, rest)) = blank.and_then(|at| request.split_at_checked(at)) else { return false };
    let is_command = |text| matches!(lab_command_prefix(text), Some((_, b"")));
    StudentId::new(id).is_some() && !is_command(id) && is_command(rest.trim_ascii_start())
}

/// The bytes behind the white space that may stand before a request.
pub fn skip_white_space(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}
