//! A student's secret key.
//!
//! A Fernet key is 32 bytes, written as 44 characters of base64url with one `=`
//! (<https://github.com/fernet/spec/blob/master/Spec.md#key-format>). Here it is a type that cannot
//! be printed: no `Debug`, no `Display`. It is zeroed when it is dropped.

use base64_simd::{Out, URL_SAFE};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::seal::NoRandomness;

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
    /// More than a key and the one before it.
    #[error("holds more than two keys")]
    TooMany,
    /// A key and the same one again.
    #[error("holds the same key twice")]
    Same,
}

/// The keys of one student: while a key is being replaced, the one before is good as well.
#[derive(Clone)]
pub struct StudentKeys {
    pub(crate) current: Key,
    pub(crate) old: Option<Key>,
}

impl StudentKeys {
    /// One key and no other.
    pub fn new(current: Key) -> Self {
        Self { current, old: None }
    }

    /// One new random key.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        Key::generate().map(Self::new)
    }

    /// Reads what a class file has: a key, or `NEW;OLD`.
    ///
    /// # Errors
    /// [`KeyError`] for anything else.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        // Nearly nobody has two.
        if memchr::memchr(b';', text).is_none() {
            return Key::parse(text).map(Self::new);
        }
        let mut keys = text.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let current = Key::parse(keys.next().unwrap_or_default())?;
        let old = keys.next().map(Key::parse).transpose()?;
        if keys.next().is_some() {
            return Err(KeyError::TooMany);
        }
        match old {
            Some(old) if old.is(&current) => Err(KeyError::Same),
            old => Ok(Self { current, old }),
        }
    }

    /// The key that answers are for.
    pub fn current(&self) -> &Key {
        &self.current
    }

    /// The key before, as long as it is good.
    pub fn old(&self) -> Option<&Key> {
        self.old.as_ref()
    }

    /// A new key in front of the current one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn rotated(self) -> Result<Self, NoRandomness> {
        Ok(Self { current: Key::generate()?, old: Some(self.current) })
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.old)
    }

    /// As a class file has them.
    pub(crate) fn expose_text(&self) -> Zeroizing<String> {
        let current = self.current.expose_text();
        match &self.old {
            None => current,
            Some(old) => Zeroizing::new([current.as_str(), &old.expose_text()].join(";")),
        }
    }
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

    /// A new random key.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(NoRandomness::from)?;
        Ok(Self::from_bytes(*bytes))
    }

    /// A short text that tells keys apart and gives none away: the first 8 bytes of the key's SHA-256, as
    /// four groups of hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.expose().as_slice()).into();
        let (groups, _) = digest.as_chunks::<2>();
        let groups =
            groups.iter().take(4).map(|group| format!("{:04x}", u16::from_be_bytes(*group)));
        groups.collect::<Vec<_>>().join("-")
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

    /// The secret in its text form, for the one file or slip of paper that it is meant for.
    pub fn expose_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE.encode_to_string(self.expose().as_slice()))
    }
}

/// Makes room for one more, should there be none. A vector that grows by itself leaves its old memory
/// behind as it was; here what was in it is dropped, which wipes keys. There is room for many more then:
/// memory that is not used yet costs nothing, and moving often would.
pub(crate) fn reserve_wiped<T: Clone>(secrets: &mut Vec<T>) {
    if secrets.len() == secrets.capacity() {
        let mut roomier = Vec::with_capacity(secrets.len().saturating_mul(8).max(16));
        roomier.extend_from_slice(secrets);
        *secrets = roomier;
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

    #[test]
    fn a_cell_holds_a_key_or_a_new_one_and_the_one_before() {
        let [new, old] =
            [b'n', b'o'].map(|byte| Key::from_bytes([byte; 32]).expose_text().to_string());
        let read = |text: &str| StudentKeys::parse(text.as_bytes());
        let keys = read(&format!("{new} ; {old}")).ok().unwrap();
        assert_eq!(*keys.expose_text(), format!("{new};{old}"));
        assert_eq!(*read(&new).ok().unwrap().expose_text(), new);
        assert_eq!(read(&format!("{new};{new}")).err(), Some(KeyError::Same));
        assert_eq!(read(&format!("{new};{old};{new}")).err(), Some(KeyError::TooMany));
        assert_eq!(read(&format!("{new};")).err(), Some(KeyError::Length(0)));
        assert_eq!(read(&format!(";{new}")).err(), Some(KeyError::Length(0)));
        let rotated = keys.rotated().unwrap();
        assert!(rotated.expose_text().ends_with(&format!(";{new}")), "the oldest is gone");
    }

    #[test]
    fn a_fingerprint_is_that_of_the_key_s_bytes() {
        // The beginning of `printf n%.0s {1..32} | sha256sum`.
        assert_eq!(Key::from_bytes([b'n'; 32]).fingerprint(), "fe06-271a-cc7d-35b9");
        assert_ne!(Key::generate().unwrap().fingerprint(), Key::generate().unwrap().fingerprint());
    }
}
