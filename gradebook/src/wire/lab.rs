//! Requests of the lab's clients, which end with their last byte.
//!
//! ```text
//! ID CMD   ID,CMD   IDCMD   CMD ID      ID: exactly `id_digits` digits; CMD: one of the seven
//! NUL b b b CMD                         the same ID as a 32-bit big-endian number
//! ```

use super::grammar::Grammar;
use crate::request::{Request, StudentId, lab_command_prefix};

/// A complete request, and the bytes it took.
type Complete<'a> = (Request<'a>, usize);

/// Reads one of the forms that end with their last byte; `None` if the bytes do not begin with one that
/// is complete.
pub(super) fn complete_form(grammar: Grammar, bytes: &[u8]) -> Option<Complete<'_>> {
    match bytes.first() {
        Some(b'0'..=b'9') => id_then_command(grammar, bytes),
        Some(0) => binary_id_then_command(grammar, bytes),
        _ => command_then_id(grammar, bytes),
    }
}

/// `ID CMD`, `ID,CMD`, `IDCMD`.
fn id_then_command(grammar: Grammar, bytes: &[u8]) -> Option<Complete<'_>> {
    let (id, rest) = digits(grammar, bytes)?;
    command_of(id, bytes, rest)
}

/// The ID as four bytes, most significant first, then the command. The first byte is NUL, with which
/// no text begins; so only IDs below 2^24 can be sent this way.
fn binary_id_then_command(grammar: Grammar, bytes: &[u8]) -> Option<Complete<'_>> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    let id = StudentId::from_number(u32::from_be_bytes(*number));
    let has_length = id.as_str().len() == usize::from(grammar.id_digits);
    if has_length { command_of(id, bytes, rest) } else { None }
}

/// The separator and a lab command at the front of `rest`, the tail of `bytes`.
fn command_of<'a>(id: StudentId<'a>, bytes: &[u8], rest: &[u8]) -> Option<Complete<'a>> {
    let (command, rest) = lab_command_prefix(skip_separator(rest))?;
    Some((Request { id, command }, bytes.len() - rest.len()))
}

/// `CMD ID`: with at least one blank or a comma between them.
fn command_then_id(grammar: Grammar, bytes: &[u8]) -> Option<Complete<'_>> {
    let (command, after_command) = lab_command_prefix(bytes)?;
    let rest = skip_separator(after_command);
    if rest.len() == after_command.len() {
        return None;
    }
    let (id, rest) = digits(grammar, rest)?;
    Some((Request { id, command }, bytes.len() - rest.len()))
}

/// An ID of exactly `id_digits` digits at the front of `bytes`, and the bytes behind it.
fn digits(grammar: Grammar, bytes: &[u8]) -> Option<(StudentId<'_>, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(usize::from(grammar.id_digits))?;
    let id = std::str::from_utf8(digits).ok().and_then(StudentId::of_digits)?;
    Some((id, rest))
}

/// The bytes behind the blanks and the one comma that may stand between ID and command.
fn skip_separator(bytes: &[u8]) -> &[u8] {
    let rest = skip_blanks(bytes);
    skip_blanks(rest.strip_prefix(b",").unwrap_or(rest))
}

pub(super) fn skip_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}
