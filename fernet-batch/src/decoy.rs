//! Keys for students who do not exist.
//!
//! A server that answers unknown students with a decoy seals it under a key that nobody holds, so
//! that an outsider cannot tell the decoy from an answer.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::key::Key;
use crate::random::{self, NoRandomness};

/// Derives decoy keys from a random secret of this process.
///
/// The key for an ID is the same throughout a process, so that two requests with the same unknown ID
/// look as related as two requests by one student.
#[derive(Clone)]
pub struct DecoyKeys(Hmac<Sha256>);

impl DecoyKeys {
    /// Draws a new secret.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes.
    pub fn new() -> Result<Self, NoRandomness> {
        // As long as HMAC's block, so that it is used as it is.
        let mut secret = Zeroizing::new([0; 64]);
        random::fill(secret.as_mut_slice())?;
        Ok(Self(Hmac::new(&(*secret).into())))
    }

    /// The decoy key for an ID.
    pub fn key_for(&self, id: &str) -> Key {
        let mut mac = self.0.clone();
        mac.update(id.as_bytes());
        Key::from_bytes(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoy_key_belongs_to_one_id_and_one_process() {
        let (one, other) = (DecoyKeys::new().unwrap(), DecoyKeys::new().unwrap());
        assert!(one.key_for("7").is(&one.key_for("7")));
        assert!(!one.key_for("7").is(&one.key_for("8")));
        assert!(!one.key_for("7").is(&other.key_for("7")));
    }
}
