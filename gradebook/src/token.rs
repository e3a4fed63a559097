//! The layout of a Fernet token, before it is written in base64url
//! (<https://github.com/fernet/spec/blob/master/Spec.md#token-format>).
//!
//! ```text
//! 0x80 | time, 8 bytes | IV, 16 bytes | padded text, 16 bytes each | HMAC-SHA256, 32 bytes
//! ```
//!
//! A text is written straight into such a frame, with room around it for the rest, and becomes a
//! token where it stands.

use base64_simd::URL_SAFE;

/// The version that a token begins with.
pub(crate) const VERSION: u8 = 0x80;
/// Version, time and IV, which stand before the text.
pub(crate) const HEADER_BYTES: usize = 1 + 8 + IV_BYTES;
pub(crate) const IV_BYTES: usize = BLOCK_BYTES;
/// The text is padded to whole blocks of AES.
pub(crate) const BLOCK_BYTES: usize = 16;
/// The MAC, which stands behind the text and covers all before it.
pub(crate) const MAC_BYTES: usize = 32;

/// Appends a frame that is sealed in base64url: a token.
pub(crate) fn write(out: &mut Vec<u8>, frame: &[u8]) {
    URL_SAFE.encode_append(frame, out);
}

/// The size of a frame in base64url.
pub(crate) const fn token_bytes(frame_bytes: usize) -> usize {
    frame_bytes.div_ceil(3) * 4
}

/// Begins a frame at the end of `frames`; its text is to be appended. Gives where the frame starts.
pub(crate) fn open_frame(frames: &mut Vec<u8>) -> usize {
    let start = frames.len();
    frames.extend_from_slice(&[0; HEADER_BYTES]);
    start
}

/// Ends the frame that begins at `start`: pads its text (PKCS #7: each byte of the padding says how
/// many there are) and leaves room for the MAC.
pub(crate) fn close_frame(frames: &mut Vec<u8>, start: usize) {
    let text_bytes = frames.len().saturating_sub(start + HEADER_BYTES);
    let padding = BLOCK_BYTES - text_bytes % BLOCK_BYTES;
    // From 1 to 16.
    let byte = u8::try_from(padding).unwrap_or_default();
    // A whole block of it is one instruction, and what is too much is cut off again.
    let end = frames.len() + padding;
    frames.extend_from_slice(&[byte; BLOCK_BYTES]);
    frames.truncate(end);
    frames.extend_from_slice(&[0; MAC_BYTES]);
}
