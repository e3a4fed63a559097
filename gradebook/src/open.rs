//! The other end of sealing: reading a token with the student's key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use fernet::Fernet;

use crate::key::Key;
use crate::seal::Timestamp;

/// What stands before the padded text in a token: version, time and IV; and behind it the MAC.
const FRAME_BYTES: usize = 1 + 8 + 16 + 32;
const VERSION: u8 = 0x80;
/// How far in the future the fernet crate lets a token be.
const SKEW_SECONDS: u64 = 60;

/// What a token says.
pub struct Opened {
    /// When it was made.
    pub time: Timestamp,
    /// The text.
    pub text: String,
}

/// Why a token cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It has not the form of a token.
    #[error("is not a token")]
    NotAToken,
    /// It was not made with this key, or has been changed since; or what it holds is no text.
    #[error("cannot be opened with this key")]
    WrongKey,
}

/// Opens a token. Whether its time is acceptable is for the caller to say.
///
/// # Errors
/// [`OpenError`]; nothing of the token's content is given then.
pub fn open(key: &Key, token: &str) -> Result<Opened, OpenError> {
    let bytes = URL_SAFE.decode(token).map_err(|_| OpenError::NotAToken)?;
    let time = match bytes.split_first() {
        Some((&VERSION, rest)) => rest.first_chunk().copied().map(u64::from_be_bytes),
        _ => None,
    };
    let padded = bytes.len().checked_sub(FRAME_BYTES).filter(|bytes| *bytes > 0 && bytes % 16 == 0);
    let (Some(time), Some(_)) = (time, padded) else {
        return Err(OpenError::NotAToken);
    };
    let fernet = Fernet::new(&key.expose_text()).ok_or(OpenError::WrongKey)?;
    // The crate compares the time before it checks the MAC, and by adding the skew it tolerates: so
    // it is told a time that passes and cannot overflow.
    let passing = time.saturating_sub(SKEW_SECONDS);
    let text = fernet.decrypt_at_time(token, None, passing).map_err(|_| OpenError::WrongKey)?;
    let text = String::from_utf8(text).map_err(|_| OpenError::WrongKey)?;
    Ok(Opened { time: Timestamp(time), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn token(text: &[u8]) -> String {
        let key = URL_SAFE.encode(KEY);
        Fernet::new(&key).unwrap().encrypt_at_time(text, 1_800_000_000)
    }

    fn opened(token: &str) -> Result<(u64, String), OpenError> {
        open(&Key::from_bytes(KEY), token).map(|opened| (opened.time.0, opened.text))
    }

    #[test]
    fn a_token_says_its_text_and_time() {
        assert_eq!(opened(&token(b"Lab 1: 7")), Ok((1_800_000_000, "Lab 1: 7".into())));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_refused() {
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
    fn another_key_opens_nothing() {
        let other = open(&Key::from_bytes([8; 32]), &token(b"Lab 1: 7"));
        assert_eq!(other.err(), Some(OpenError::WrongKey));
        assert_eq!(opened(&token(b"\xff")), Err(OpenError::WrongKey), "no text");
        assert_eq!(opened("ERR unknown no student has this ID"), Err(OpenError::NotAToken));
    }

    #[test]
    fn a_forged_time_is_no_fault_of_arithmetic() {
        let mut bytes = URL_SAFE.decode(token(b"x")).unwrap();
        bytes[1..9].fill(0xff);
        assert_eq!(opened(&URL_SAFE.encode(bytes)), Err(OpenError::WrongKey));
    }
}
