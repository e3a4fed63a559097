//! A student's secret key.
//!
//! A Fernet key is 32 bytes, written as 44 characters of base64url with one `=`
//! (<https://github.com/fernet/spec/blob/master/Spec.md#key-format>). Here it is a type that cannot
//! be printed: no `Debug`, no `Display`. It is zeroed when it is dropped.

use base64_simd::{Out, URL_SAFE};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 32 secret bytes that one student and the server share.
///
/// ```compile_fail
/// let key = gradebook::Key::parse(b"invented").unwrap();
/// println!("{key:?}"); // a key has no Debug
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u64; Key::WORDS]);

/// Why a text is no key. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not base64url, or not in its one canonical spelling.
    #[error("not base64url (44 characters of A-Z a-z 0-9 - _ that end in =)")]
    NotBase64,
    /// Decodes to another length.
    #[error("decodes to {0} bytes instead of 32")]
    Length(usize),
    /// 32 zero bytes: what an unset key looks like.
    #[error("is all zeros")]
    Zero,
}

impl Key {
    /// A key's length in bytes.
    pub const BYTES: usize = 32;
    /// It is held in words, which are wiped in a quarter of the time.
    const WORDS: usize = Self::BYTES / 8;

    /// Reads a key in its text form.
    ///
    /// # Errors
    /// [`KeyError`] for anything but canonical base64url of 32 bytes that are not all zero.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let length = URL_SAFE.decoded_length(text).map_err(|_| KeyError::NotBase64)?;
        if length != Self::BYTES {
            URL_SAFE.check(text).map_err(|_| KeyError::NotBase64)?;
            return Err(KeyError::Length(length));
        }
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        let out = Out::from_slice(bytes.as_mut_slice());
        URL_SAFE.decode(text, out).map_err(|_| KeyError::NotBase64)?;
        let key = Self::from_bytes(*bytes);
        if key.0 == [0; Self::WORDS] { Err(KeyError::Zero) } else { Ok(key) }
    }

    /// A key from its bytes.
    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let mut words = [0; Self::WORDS];
        let (parts, _) = bytes.as_chunks();
        words.iter_mut().zip(parts).for_each(|(word, part)| *word = u64::from_ne_bytes(*part));
        Self(words)
    }

    /// The secret itself. A caller is part of the sealer or of the class file's checks.
    pub(crate) fn expose(&self) -> Zeroizing<[u8; Self::BYTES]> {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        let (parts, _) = bytes.as_chunks_mut();
        parts.iter_mut().zip(self.0).for_each(|(part, word)| *part = word.to_ne_bytes());
        bytes
    }

    /// Its words, which are the same for the same key, in an order that means nothing.
    pub(crate) fn expose_words(&self) -> &[u64; Self::WORDS] {
        &self.0
    }

    /// Whether it is the same key as another; not in constant time.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// The half that signs and the half that encrypts.
    pub(crate) fn halves(&self) -> Zeroizing<[[u8; Self::BYTES / 2]; 2]> {
        let mut halves = Zeroizing::new([[0; Self::BYTES / 2]; 2]);
        let parts = halves.as_flattened_mut();
        parts.copy_from_slice(self.expose().as_slice());
        halves
    }

    /// The secret in its text form.
    pub(crate) fn expose_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE.encode_to_string(self.expose().as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<KeyError> {
        Key::parse(text.as_bytes()).err()
    }

    #[test]
    fn a_key_is_the_canonical_base64url_of_32_bytes() {
        let text = format!("{}8=", "_-Az09".repeat(7));
        assert_eq!(*Key::parse(text.as_bytes()).unwrap().expose_text(), text);
    }

    #[test]
    fn every_other_text_is_refused_without_repeating_it() {
        let good = format!("{}8=", "_-Az09".repeat(7));
        assert_eq!(fault(""), Some(KeyError::Length(0)));
        assert_eq!(fault("AAAA"), Some(KeyError::Length(3)));
        assert_eq!(fault(&format!("{good}{good}")), Some(KeyError::NotBase64));
        assert_eq!(fault(&"A".repeat(48)), Some(KeyError::Length(36)));
        assert_eq!(fault(&good.replace('=', "")), Some(KeyError::NotBase64), "no padding");
        assert_eq!(fault(&good.replace("8=", "9=")), Some(KeyError::NotBase64), "stray bits");
        assert_eq!(fault(&good.replace('_', "/")), Some(KeyError::NotBase64), "other alphabet");
        assert_eq!(fault(&format!("{good}\n")), Some(KeyError::NotBase64));
        assert_eq!(fault(&format!("{}=", "A".repeat(43))), Some(KeyError::Zero));
    }
}
