//! A student's secret key.
//!
//! A Fernet key is 32 bytes, written as 44 characters of base64url that end in one `=`
//! (<https://github.com/fernet/spec/blob/master/Spec.md#key-format>). [`Key`] has no `Debug` and no
//! `Display`, and is zeroed when it is dropped. Reading the secret is called `expose_...`.

use bytemuck::{bytes_of_mut, cast};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::random::{self, NoRandomness};

/// 32 secret bytes that one student and the server share.
///
/// ```compile_fail
/// let key = fernet_batch::Key::parse(b"invented").unwrap();
/// println!("{key:?}"); // a key has no Debug
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u64; Key::WORDS]);

/// Why a text is not a key. The error never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not base64url.
    #[error("is not base64url: a key is 44 characters from A-Z a-z 0-9 - _ that end in =")]
    NotBase64,
    /// 44 characters of base64url whose last one has bits that belong to no byte.
    #[error("was changed in its last character; copy it again as it was issued")]
    NotCanonical,
    /// Decodes to another length.
    #[error("decodes to {0} byte{s} instead of 32", s = if *.0 == 1 { "" } else { "s" })]
    Length(usize),
    /// 32 zero bytes: what an unset key looks like.
    #[error("is all zeros; copy the key as it was issued")]
    Zero,
    /// More than a new key and the key before it.
    #[error("holds more than two keys; keep the new one and the one before it")]
    TooMany,
    /// The same key as new and old.
    #[error("holds the same key twice; keep it once")]
    Same,
}

/// The keys of one student. While a key is being replaced, the key before it is valid too.
#[derive(Clone)]
pub struct StudentKeys {
    current: Key,
    old: Option<Key>,
}

impl StudentKeys {
    /// One key and no old one.
    pub fn new(current: Key) -> Self {
        Self { current, old: None }
    }

    /// One new random key.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        Key::generate().map(Self::new)
    }

    /// Reads a cell of a class file or key file: `KEY` or `NEW;OLD`.
    ///
    /// # Errors
    /// Returns an error if the text is anything else.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        // Few students have two.
        if memchr::memchr(b';', text).is_none() {
            return Key::parse(text).map(Self::new);
        }
        let mut keys = text.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let current = Key::parse(keys.next().unwrap_or_default())?;
        let old = keys.next().map(Key::parse).transpose()?;
        if keys.next().is_some() {
            return Err(KeyError::TooMany);
        }
        if old.as_ref().is_some_and(|old| old.is(&current)) {
            return Err(KeyError::Same);
        }
        Ok(Self { current, old })
    }

    /// The key that answers are sealed under.
    pub fn current(&self) -> &Key {
        &self.current
    }

    /// The key before the current one, while it is valid.
    pub fn old(&self) -> Option<&Key> {
        self.old.as_ref()
    }

    /// Both keys, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.old)
    }

    /// The current key and the old one by value.
    pub fn into_parts(self) -> (Key, Option<Key>) {
        (self.current, self.old)
    }

    /// Puts a new key in front of the current one, which becomes the old one.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes.
    pub fn rotate(self) -> Result<Self, NoRandomness> {
        Ok(Self { current: Key::generate()?, old: Some(self.current) })
    }

    /// The text of a cell: `KEY` or `NEW;OLD`. It is secret.
    pub fn expose_text(&self) -> Zeroizing<String> {
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
    /// The length of its text in characters.
    pub const TEXT_BYTES: usize = 44;
    /// A key is held in words, which are wiped in a quarter of the time.
    pub(crate) const WORDS: usize = Self::BYTES / 8;

    /// A key that is not read yet: all zeros.
    pub(crate) fn unread() -> Self {
        Self([0; Self::WORDS])
    }

    /// Returns true if all bytes are zeros.
    pub(crate) fn is_zero(&self) -> bool {
        self.0 == [0; Self::WORDS]
    }

    /// A new random key.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut key = Self::unread();
        random::fill(key.expose_bytes_mut())?;
        Ok(key)
    }

    /// A short text that identifies a key and does not reveal it: the first 8 bytes of the SHA-256
    /// of its 32 bytes, as four groups of hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.expose_bytes().as_slice()).into();
        let (groups, _) = digest.as_chunks::<2>();
        let groups: Vec<_> = groups
            .iter()
            .take(4)
            .map(|group| format!("{:04x}", u16::from_be_bytes(*group)))
            .collect();
        groups.join("-")
    }

    /// A key from its bytes.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(cast(bytes))
    }

    /// Returns true if both are the same key. The time depends on the keys.
    pub fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// The secret bytes.
    pub fn expose_bytes(&self) -> Zeroizing<[u8; Self::BYTES]> {
        Zeroizing::new(cast(self.0))
    }

    /// The secret bytes, to be written.
    pub(crate) fn expose_bytes_mut(&mut self) -> &mut [u8] {
        bytes_of_mut(&mut self.0)
    }

    /// The secret as words: equal for equal keys, in an order that means nothing.
    pub fn expose_words(&self) -> &[u64; Self::WORDS] {
        &self.0
    }

    /// The secret as words, to be written.
    pub(crate) fn expose_words_mut(&mut self) -> &mut [u64; Self::WORDS] {
        &mut self.0
    }

    /// The half that signs and the half that encrypts.
    pub(crate) fn expose_halves(&self) -> Zeroizing<[[u8; Self::BYTES / 2]; 2]> {
        Zeroizing::new(cast(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_of_a_student_can_be_read() {
        let [new, old] = [1, 2].map(|n| Key::from_bytes([n; 32]));
        let keys = StudentKeys::new(old.clone());
        assert!(keys.old().is_none() && keys.iter().count() == 1);
        let rotated = keys.rotate().unwrap();
        assert!(rotated.old().is_some_and(|key| key.is(&old)) && !rotated.current().is(&old));
        let both: Vec<_> = rotated.iter().collect();
        assert!(both.len() == 2 && both[0].is(rotated.current()) && both[1].is(&old));
        assert_ne!(new.expose_words(), old.expose_words());
        assert_eq!(old.expose_words(), &[0x0202_0202_0202_0202; 4]);
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
        let rotated = keys.rotate().unwrap();
        assert!(rotated.expose_text().ends_with(&format!(";{new}")), "the oldest is dropped");
    }

    #[test]
    fn a_fingerprint_is_that_of_the_key_s_bytes() {
        // The beginning of `printf n%.0s {1..32} | sha256sum`.
        assert_eq!(Key::from_bytes([b'n'; 32]).fingerprint(), "fe06-271a-cc7d-35b9");
        assert_ne!(Key::generate().unwrap().fingerprint(), Key::generate().unwrap().fingerprint());
    }
}
