//! Frames: the bytes of a token before they are written in base64url
//! (<https://github.com/fernet/spec/blob/master/Spec.md#token-format>).
//!
//! ```text
//! 0x80 | time, 8 bytes | IV, 16 bytes | padded text, 16 bytes each | HMAC-SHA256, 32 bytes
//! ```
//!
//! The caller begins a frame at the end of a buffer, appends the text, and ends the frame. A
//! [`Sealer`](crate::Sealer) then encrypts the text where it stands.

/// The version that every token begins with.
pub const VERSION: u8 = 0x80;
/// The bytes of version, time and IV, which stand before the text.
pub const HEADER_BYTES: usize = 1 + 8 + IV_BYTES;
/// The bytes of the HMAC, which stands behind the text and covers everything before it.
pub const MAC_BYTES: usize = 32;
/// The bytes of an AES block; a text is padded to whole blocks.
pub const BLOCK_BYTES: usize = 16;
pub(crate) const IV_BYTES: usize = BLOCK_BYTES;

/// Begins a frame at the end of `frames` and returns where it starts. The caller appends the text.
pub fn begin_frame(frames: &mut Vec<u8>) -> usize {
    let start = frames.len();
    frames.extend_from_slice(&[0; HEADER_BYTES]);
    start
}

/// Ends the frame that starts at `start`: pads its text (PKCS #7: each padding byte is the number
/// of padding bytes) and leaves room for the MAC.
pub fn end_frame(frames: &mut Vec<u8>, start: usize) {
    let text_bytes = frames.len().saturating_sub(start + HEADER_BYTES);
    let padding_bytes = BLOCK_BYTES - text_bytes % BLOCK_BYTES;
    let padded_end = frames.len() + padding_bytes;
    #[expect(clippy::cast_possible_truncation, reason = "a block has 16 bytes")]
    let padding_byte = padding_bytes as u8;
    // Copying a whole block is one instruction; the excess is cut off.
    frames.extend_from_slice(&[padding_byte; BLOCK_BYTES]);
    frames.truncate(padded_end);
    frames.extend_from_slice(&[0; MAC_BYTES]);
}

/// Returns true if the frame in these bytes has been sealed: then it begins with the version.
pub fn is_sealed(frame: &[u8]) -> bool {
    frame.first() == Some(&VERSION)
}

/// The bytes of the frame of a text with so many bytes.
pub const fn frame_bytes(text_bytes: usize) -> usize {
    HEADER_BYTES + (text_bytes / BLOCK_BYTES + 1) * BLOCK_BYTES + MAC_BYTES
}

/// The text in a frame that has been decrypted; `None` if its padding is not valid. The time depends on the text, so
/// the frame must be known to be authentic.
pub fn unpadded_text(frame: &[u8]) -> Option<&[u8]> {
    let padded = frame.get(HEADER_BYTES..frame.len().checked_sub(MAC_BYTES)?)?;
    let padding_byte = *padded.last()?;
    let padding_bytes = usize::from(padding_byte);
    let (text, padding) = padded.split_at_checked(padded.len().checked_sub(padding_bytes)?)?;
    let is_valid = (1..=BLOCK_BYTES).contains(&padding_bytes)
        && padding.iter().all(|byte| *byte == padding_byte);
    is_valid.then_some(text)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;
    use fernet::Fernet;

    use super::*;

    #[test]
    fn a_frame_is_as_long_as_one_of_the_fernet_crate_s_and_holds_its_text() {
        let fernet = Fernet::new(&Fernet::generate_key()).unwrap();
        for text_bytes in 0..200 {
            let token = fernet.encrypt(&vec![7; text_bytes]);
            let mut frames = vec![1, 2, 3];
            let start = begin_frame(&mut frames);
            frames.extend(vec![7; text_bytes]);
            end_frame(&mut frames, start);
            assert_eq!((start, frames.len() - start), (3, frame_bytes(text_bytes)));
            assert_eq!(URL_SAFE.decode(token).unwrap().len(), frame_bytes(text_bytes));
            assert_eq!(unpadded_text(&frames[start..]), Some(&vec![7; text_bytes][..]));
        }
    }

    #[test]
    fn a_padding_is_1_to_16_bytes_that_say_how_many_they_are() {
        let text_bytes = |last: &[u8]| {
            let mut frame = vec![0; HEADER_BYTES + 2 * BLOCK_BYTES - last.len()];
            frame.extend_from_slice(last);
            frame.extend_from_slice(&[0; MAC_BYTES]);
            unpadded_text(&frame).map(<[u8]>::len)
        };
        assert_eq!(text_bytes(&[1]), Some(31));
        assert_eq!(text_bytes(&[2, 2]), Some(30));
        assert_eq!(text_bytes(&[16; 16]), Some(16));
        for last in [&[0][..], &[3, 2], &[17; 17], &[32; 32], &[33]] {
            assert_eq!(text_bytes(last), None, "{last:?}");
        }
        assert_eq!(unpadded_text(&[0; HEADER_BYTES + MAC_BYTES]), None, "no block");
        assert_eq!(unpadded_text(&[0; 7]), None);
    }
}
