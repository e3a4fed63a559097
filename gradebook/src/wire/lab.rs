//! Requests of the lab's clients, which end with their last byte.
//!
//! ```text
//! ID CMD   ID,CMD   IDCMD   CMD ID      ID: exactly `id_digits` digits; CMD: one of the seven
//! NUL b b b CMD                         the same ID as a 32-bit big-endian number
//! ```

use super::grammar::Grammar;
use crate::request::{Command, LAB_COMMANDS, Request, StudentId, lab_command_prefix};

/// Whether bytes begin with a request that needs no line end.
#[derive(Clone, Copy)]
pub(super) enum FormMatch<'a> {
    /// They do.
    Complete {
        /// The request.
        request: Request<'a>,
        /// The bytes it took.
        used: usize,
    },
    /// They may, with more bytes.
    Partial,
    /// They do not, whatever follows.
    No,
}

/// Reads one of the forms that end with their last byte.
pub(super) fn complete_form(grammar: Grammar, bytes: &[u8]) -> FormMatch<'_> {
    match bytes.first() {
        Some(b'0'..=b'9') => id_then_command(grammar, bytes),
        Some(0) => binary_id_then_command(grammar, bytes),
        _ => command_then_id(grammar, bytes),
    }
}

/// `ID CMD`, `ID,CMD`, `IDCMD`.
fn id_then_command(grammar: Grammar, bytes: &[u8]) -> FormMatch<'_> {
    match digits(grammar, bytes) {
        Digits::Complete { id, rest } => command_of(id, bytes, rest),
        Digits::Partial => FormMatch::Partial,
        Digits::No => FormMatch::No,
    }
}

/// The ID as four bytes, most significant first, then the command. The first byte is NUL, with which
/// no text begins; so only IDs below 2^24 can be sent this way.
fn binary_id_then_command(grammar: Grammar, bytes: &[u8]) -> FormMatch<'_> {
    let Some((number, rest)) = bytes.split_first_chunk::<4>() else {
        return FormMatch::Partial;
    };
    let id = StudentId::from_number(u32::from_be_bytes(*number));
    if id.as_str().len() == usize::from(grammar.id_digits) {
        command_of(id, bytes, rest)
    } else {
        FormMatch::No
    }
}

/// The separator and a lab command at the front of `rest`, the tail of `bytes`.
fn command_of<'a>(id: StudentId<'a>, bytes: &[u8], rest: &[u8]) -> FormMatch<'a> {
    match command_prefix(skip_separator(rest)) {
        CommandPrefix::Complete { command, rest } => {
            let used = bytes.len() - rest.len();
            FormMatch::Complete { request: Request { id, command }, used }
        }
        CommandPrefix::Partial => FormMatch::Partial,
        CommandPrefix::No => FormMatch::No,
    }
}

/// `CMD ID`: with at least one blank or a comma between them.
fn command_then_id(grammar: Grammar, bytes: &[u8]) -> FormMatch<'_> {
    let (command, after_command) = match command_prefix(bytes) {
        CommandPrefix::Complete { command, rest } => (command, rest),
        CommandPrefix::Partial => return FormMatch::Partial,
        CommandPrefix::No => return FormMatch::No,
    };
    let rest = skip_separator(after_command);
    let separated = rest.len() < after_command.len();
    match digits(grammar, rest) {
        Digits::Complete { id, rest } if separated => {
            let used = bytes.len() - rest.len();
            FormMatch::Complete { request: Request { id, command }, used }
        }
        Digits::Partial if separated || rest.is_empty() => FormMatch::Partial,
        _ => FormMatch::No,
    }
}

/// Whether bytes begin with an ID of exactly `id_digits` digits.
enum Digits<'a> {
    Complete { id: StudentId<'a>, rest: &'a [u8] },
    Partial,
    No,
}

fn digits(grammar: Grammar, bytes: &[u8]) -> Digits<'_> {
    match bytes.split_at_checked(usize::from(grammar.id_digits)) {
        Some((digits, rest)) => match StudentId::from_digits(digits) {
            Some(id) => Digits::Complete { id, rest },
            None => Digits::No,
        },
        None if bytes.iter().all(u8::is_ascii_digit) => Digits::Partial,
        None => Digits::No,
    }
}

/// Whether bytes begin with a lab command.
enum CommandPrefix<'a> {
    Complete { command: Command<&'static str>, rest: &'a [u8] },
    Partial,
    No,
}

fn command_prefix(bytes: &[u8]) -> CommandPrefix<'_> {
    if let Some((command, rest)) = lab_command_prefix(bytes) {
        return CommandPrefix::Complete { command, rest };
    }
    if LAB_COMMANDS.iter().any(|command| command.word().as_bytes().starts_with(bytes)) {
        CommandPrefix::Partial
    } else {
        CommandPrefix::No
    }
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
