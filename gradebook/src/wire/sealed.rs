//! The line of a sealed request: a student ID, a blank and a token.

use fernet_batch::frame::frame_bytes;
use fernet_batch::token::{is_base64url, token_bytes};

use crate::request::{Command, LineError, Request, StudentId};

/// The bytes of the text in every sealed request's token.
pub const REQUEST_TEXT_BYTES: usize = 255;
/// The characters of every sealed request's token.
pub const REQUEST_TOKEN_BYTES: usize = token_bytes(REQUEST_FRAME_BYTES);

/// The bytes of the token's frame.
pub(crate) const REQUEST_FRAME_BYTES: usize = frame_bytes(REQUEST_TEXT_BYTES);

/// Reads one whole line, without its line end, as a sealed request. Its token has the length of a request's
/// and is canonical base64url; whether the student made it is checked by the book.
///
/// # Errors
/// Returns [`LineError::NotSealed`] if the line has another form.
pub fn parse_sealed_line(line: &[u8]) -> Result<Request<'_>, LineError> {
    let text = std::str::from_utf8(line).map_err(|_| LineError::NotSealed)?;
    let (id, token) = text.split_once(' ').ok_or(LineError::NotSealed)?;
    let id = StudentId::of_text(id).ok_or(LineError::NotSealed)?;
    if token.len() != REQUEST_TOKEN_BYTES || !is_base64url(token.as_bytes()) {
        return Err(LineError::NotSealed);
    }
    Ok(Request { id, command: Command::Sealed(token) })
}
