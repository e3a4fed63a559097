//! Opening one token with the student's key, as a client does.

use base64_simd::URL_SAFE;
use fernet::Fernet;

use crate::frame::{MAC_BYTES, VERSION};
use crate::key::Key;
use crate::plain_frame::has_whole_blocks;
use crate::time::Timestamp;

/// How far in the future the `fernet` crate lets a token be, in seconds.
const FERNET_SKEW_SECONDS: u64 = 60;

/// What a token says.
pub struct Opened {
    /// When the token was made.
    pub time: Timestamp,
    /// The text.
    pub text: String,
}

/// Why a token cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The bytes do not have the form of a token.
    #[error("is not a token")]
    NotAToken,
    /// Another key made the token, it was changed, or its content is not UTF-8 text.
    #[error("cannot be opened with this key")]
    WrongKey,
}

/// Opens a token. The caller decides whether its time is acceptable.
///
/// # Errors
/// Returns an error if this key did not make the token; nothing of its content is returned then.
pub fn open(key: &Key, token: &str) -> Result<Opened, OpenError> {
    let frame = URL_SAFE.decode_to_vec(token).map_err(|_| OpenError::NotAToken)?;
    if !has_whole_blocks(frame.len().saturating_sub(MAC_BYTES)) {
        return Err(OpenError::NotAToken);
    }
    let time = match frame.split_first() {
        Some((&VERSION, rest)) => rest.first_chunk().copied().map(u64::from_be_bytes),
        _ => None,
    };
    let time = time.ok_or(OpenError::NotAToken)?;
    let fernet = Fernet::new(&key.expose_text()).ok_or(OpenError::WrongKey)?;
    // The crate compares the time before it checks the MAC, by adding the skew that it tolerates. So
    // it is given a time that passes and cannot overflow.
    let passing = time.saturating_sub(FERNET_SKEW_SECONDS);
    let text = fernet.decrypt_at_time(token, None, passing).map_err(|_| OpenError::WrongKey)?;
    let text = String::from_utf8(text).map_err(|_| OpenError::WrongKey)?;
    Ok(Opened { time: Timestamp(time), text })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;

    use super::*;
    use crate::frame::HEADER_BYTES;

    const KEY: [u8; 32] = [7; 32];

    fn token(text: &[u8]) -> String {
        let key = URL_SAFE.encode(KEY);
        Fernet::new(&key).unwrap().encrypt_at_time(text, 1_800_000_000)
    }

    fn opened(token: &str) -> Result<(u64, String), OpenError> {
        open(&Key::from_bytes(KEY), token).map(|opened| (opened.time.0, opened.text))
    }

    #[test]
    fn a_token_opens_to_its_text_and_time() {
        assert_eq!(opened(&token(b"Lab 1: 7")), Ok((1_800_000_000, "Lab 1: 7".into())));
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_rejected() {
        let token = token(b"Lab 1: 7");
        for cut in 0..token.len() {
            let cut_off = token.get(..cut).unwrap();
            assert!(opened(cut_off).is_err(), "cut at {cut}");
        }
        let bytes = URL_SAFE.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit < 8 { OpenError::NotAToken } else { OpenError::WrongKey };
            assert_eq!(opened(&URL_SAFE.encode(bytes)), Err(expected), "bit {bit}");
        }
    }

    #[test]
    fn a_token_has_whole_blocks_and_at_least_one() {
        for (text_bytes, expected) in [
            (0, OpenError::NotAToken),
            (15, OpenError::NotAToken),
            (16, OpenError::WrongKey),
            (17, OpenError::NotAToken),
        ] {
            let mut bytes = vec![0; HEADER_BYTES + text_bytes + MAC_BYTES];
            bytes[0] = VERSION;
            assert_eq!(opened(&URL_SAFE.encode(bytes)), Err(expected), "{text_bytes}");
        }
    }

    #[test]
    fn a_token_does_not_open_under_another_key() {
        let other = open(&Key::from_bytes([8; 32]), &token(b"Lab 1: 7"));
        assert_eq!(other.err(), Some(OpenError::WrongKey));
        assert_eq!(opened(&token(b"\xff")), Err(OpenError::WrongKey), "not text");
        assert_eq!(opened("ERR unknown no student has this ID"), Err(OpenError::NotAToken));
    }

    #[test]
    fn a_forged_time_does_not_overflow() {
        let mut bytes = URL_SAFE.decode(token(b"x")).unwrap();
        bytes[1..9].fill(0xff);
        assert_eq!(opened(&URL_SAFE.encode(bytes)), Err(OpenError::WrongKey));
    }
}
