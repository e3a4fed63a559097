//! The text of a key: base64url of 32 bytes, in its one canonical spelling.

use base64_simd::{Out, URL_SAFE};
use zeroize::Zeroizing;

use crate::key::{Key, KeyError};
use crate::wide::WideLanes;

impl Key {
    /// Reads a key's text.
    ///
    /// # Errors
    /// Returns an error if the text is not canonical base64url of 32 bytes that are not all zero.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        Self::parse_by(WideLanes::detect(), text)
    }

    fn parse_by(wide: Option<WideLanes>, text: &[u8]) -> Result<Self, KeyError> {
        let mut key = Self::unread();
        let is_read = match (wide, text.try_into()) {
            (Some(wide), Ok(text)) => wide.decode_key(text, key.expose_words_mut()),
            _ => false,
        };
        if !is_read {
            key = parse_any(text)?;
        }
        if key.is_zero() { Err(KeyError::Zero) } else { Ok(key) }
    }

    /// The secret's text.
    pub fn expose_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE.encode_to_string(self.expose_bytes().as_slice()))
    }
}

/// Reads a key's text on any processor, or finds out why it is none.
fn parse_any(text: &[u8]) -> Result<Key, KeyError> {
    let length = URL_SAFE.decoded_length(text).map_err(|_| KeyError::NotBase64)?;
    if length != Key::BYTES {
        URL_SAFE.check(text).map_err(|_| not_base64(text))?;
        return Err(KeyError::Length(length));
    }
    let mut key = Key::unread();
    let out = Out::from_slice(key.expose_bytes_mut());
    URL_SAFE.decode(text, out).map_err(|_| not_base64(text))?;
    Ok(key)
}

/// Distinguishes a text with a wrong last character from any other text that is not a key.
fn not_base64(text: &[u8]) -> KeyError {
    match text.strip_suffix(b"=") {
        Some(chars) if text.len() == Key::TEXT_BYTES && chars.iter().all(is_base64url) => {
            KeyError::NotCanonical
        }
        _ => KeyError::NotBase64,
    }
}

fn is_base64url(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wide::ways;

    /// The bytes of a key, or why a text is none, found in every way.
    fn read(text: &[u8]) -> Result<[u8; 32], KeyError> {
        let mut read =
            ways().into_iter().map(|wide| Key::parse_by(wide, text).map(|key| *key.expose_bytes()));
        let first = read.next().unwrap();
        read.for_each(|other| assert_eq!(other, first, "{text:?}"));
        first
    }

    fn error(text: &str) -> Option<KeyError> {
        read(text.as_bytes()).err()
    }

    #[test]
    fn a_key_is_the_canonical_base64url_of_32_bytes() {
        let text = format!("{}8=", "_-Az09".repeat(7));
        assert_eq!(*Key::parse(text.as_bytes()).unwrap().expose_text(), text);
        for n in 0..=255 {
            let bytes = std::array::from_fn(|at| n ^ u8::try_from(at * 7 + 1).unwrap());
            let text = Key::from_bytes(bytes).expose_text();
            assert_eq!(read(text.as_bytes()), Ok(bytes));
        }
    }

    #[test]
    fn every_character_in_every_place_is_read_in_the_same_way() {
        let text = Key::from_bytes([0xa5; 32]).expose_text();
        let mut keys = 0;
        for at in 0..text.len() {
            for byte in 0..=255 {
                let mut text = text.as_bytes().to_vec();
                text[at] = byte;
                keys += usize::from(read(&text).is_ok());
            }
        }
        // The last of 43 characters has four of its six bits; then there is one `=`.
        assert_eq!(keys, 42 * 64 + 16 + 1);
    }

    #[test]
    fn every_other_text_is_rejected() {
        let good = format!("{}8=", "_-Az09".repeat(7));
        assert_eq!(error(""), Some(KeyError::Length(0)));
        assert_eq!(error("AAAA"), Some(KeyError::Length(3)));
        assert_eq!(error(&format!("{good}{good}")), Some(KeyError::NotBase64));
        assert_eq!(error(&"A".repeat(48)), Some(KeyError::Length(36)));
        assert_eq!(error(&good.replace('=', "")), Some(KeyError::NotBase64), "no padding");
        assert_eq!(error(&good.replace("8=", "9=")), Some(KeyError::NotCanonical), "stray bits");
        assert_eq!(error(&good.replace('_', "/")), Some(KeyError::NotBase64), "other alphabet");
        assert_eq!(error(&format!("{good}\n")), Some(KeyError::NotBase64));
        assert_eq!(error(&format!("{}=", "A".repeat(43))), Some(KeyError::Zero));
    }
}
