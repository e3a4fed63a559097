//! Answers that look alike, whether or not the student exists.
//!
//! With a [`DecoyKeys`] an unknown student gets a decoy: a token of the usual length under a key that
//! nobody holds. The book pads every answer to the decoy's length with trailing blanks, which the
//! lab's clients print unharmed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::key::Key;
use crate::request::StudentId;

/// The secret of one server process from which decoy keys are made.
///
/// The key for an ID is always the same within a process, so that two questions by the same unknown
/// student look as related as those of a known one.
#[derive(Clone)]
pub struct DecoyKeys(Hmac<Sha256>);

impl DecoyKeys {
    /// A decoy_keys with a new random secret.
    pub fn new() -> Self {
        let secret = Zeroizing::new(fernet::Fernet::generate_key());
        // HMAC pads a key that is shorter than a block with zeros.
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(secret.bytes()).for_each(|(place, byte)| *place = byte);
        Self(Hmac::new(&(*block).into()))
    }

    /// The key to seal a decoy for `id` under.
    pub(crate) fn decoy_key(&self, id: &StudentId<'_>) -> Key {
        let mut mac = self.0.clone();
        mac.update(id.as_str().as_bytes());
        Key::from_bytes(mac.finalize().into_bytes().into())
    }
}

impl Default for DecoyKeys {
    fn default() -> Self {
        Self::new()
    }
}
