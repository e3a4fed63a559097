//! Checking whether a key made a token, and decrypting the token in place.

use aes::Aes128Dec;
use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::ZeroizeOnDrop;

use crate::frame::{BLOCK_BYTES, HEADER_BYTES, MAC_BYTES, VERSION};
use crate::hmac::{HASH_BLOCK_BYTES, HASH_BYTES, HashState};
use crate::key::Key;
use crate::mac_states::KeyRef;
use crate::plain_frame::has_whole_blocks;
use crate::time::Timestamp;

/// A key expanded for verifying and decrypting.
#[derive(ZeroizeOnDrop)]
pub(crate) struct TokenVerifier {
    #[zeroize(skip)] // The cipher wipes itself.
    cipher: Aes128Dec,
    inner: HashState,
    outer: HashState,
}

impl TokenVerifier {
    /// Expands a key.
    pub(crate) fn new(key: KeyRef<'_>) -> Self {
        let [inner, outer] = key.expose_mac_states();
        let [_, encryption] = *key.key.expose_halves();
        Self { cipher: Aes128Dec::new(&encryption.into()), inner, outer }
    }

    /// Verifies and decrypts the frame of a token, and returns when it was made. Returns `None` if this key did not
    /// make it, or it has not one to `BLOCKS` blocks of text; what `frame` contains then means nothing. The padding is
    /// left for the caller to check.
    ///
    /// A token that another key made costs the same time as one of this key's.
    pub(crate) fn open<const BLOCKS: usize>(&self, frame: &mut [u8]) -> Option<Timestamp> {
        let (covered, mac) = frame.split_last_chunk_mut::<MAC_BYTES>()?;
        let is_authentic = self.verify_mac(covered, mac);
        // A token that another key made is decrypted, too.
        decrypt::<BLOCKS>(&self.cipher, covered)?;
        time_of_authentic::<BLOCKS>(is_authentic, covered)
    }

    /// Returns true if `mac` is the MAC of a header and a text. The time does not depend on where
    /// they differ.
    fn verify_mac(&self, covered: &[u8], mac: &[u8; MAC_BYTES]) -> bool {
        let mut inner = self.inner.clone();
        let mut outer = self.outer.clone();
        let (blocks, last) = covered.as_chunks();
        for block in blocks {
            inner.update(block);
        }
        inner.finish(last, HASH_BLOCK_BYTES + covered.len());
        outer.finish(&inner.to_bytes(), HASH_BLOCK_BYTES + HASH_BYTES);
        outer.to_bytes().ct_eq(mac).into()
    }
}

/// When a token was made, if its MAC was found right, it has the version, and one to `BLOCKS` whole blocks of text.
pub(crate) fn time_of_authentic<const BLOCKS: usize>(
    is_authentic: bool,
    covered: &[u8],
) -> Option<Timestamp> {
    let is_authentic = is_authentic & (covered.first() == Some(&VERSION));
    if !has_whole_blocks(covered.len()) || covered.len() > HEADER_BYTES + BLOCKS * BLOCK_BYTES {
        return None;
    }
    let time = covered.get(1..)?.first_chunk().copied().map(u64::from_be_bytes)?;
    is_authentic.then_some(Timestamp(time))
}

/// Decrypts the blocks behind the header in CBC mode, at most `BLOCKS` of them.
fn decrypt<const BLOCKS: usize>(cipher: &Aes128Dec, covered: &mut [u8]) -> Option<()> {
    let (header, text) = covered.split_at_mut_checked(HEADER_BYTES)?;
    let iv = *header.last_chunk::<BLOCK_BYTES>()?;
    let (blocks, _) = text.as_chunks_mut::<BLOCK_BYTES>();
    let mut ciphertext = [[0; BLOCK_BYTES]; BLOCKS];
    ciphertext.get_mut(..blocks.len())?.copy_from_slice(blocks);
    // All at once: unlike encryption, no block waits for the one before.
    cipher.decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    let before = std::iter::once(&iv).chain(&ciphertext);
    for (block, before) in blocks.iter_mut().zip(before) {
        *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*before)).to_ne_bytes();
    }
    Some(())
}

/// The verifier of the key that was used last: one student usually sends all requests of a batch.
#[derive(Default)]
pub(crate) struct CachedVerifier {
    last: Option<(Key, TokenVerifier)>,
    keys_expanded: u64,
}

impl CachedVerifier {
    /// The verifier of this key. Another key's verifier is wiped first.
    pub(crate) fn for_key(&mut self, key: KeyRef<'_>) -> &TokenVerifier {
        drop(self.last.take_if(|(last, _)| !last.is(key.key)));
        if self.last.is_none() {
            self.keys_expanded = self.keys_expanded.saturating_add(1);
        }
        let expand = || (key.key.clone(), TokenVerifier::new(key));
        let (_, verifier) = self.last.get_or_insert_with(expand);
        verifier
    }

    /// The number of keys expanded so far. Tests compare it to show that a forged token costs the
    /// same work whoever it names.
    pub(crate) fn keys_expanded(&self) -> u64 {
        self.keys_expanded
    }
}

#[cfg(test)]
mod tests {
    use fernet::Fernet;

    use super::*;
    use crate::{base64url, frame};

    const FRAME_BYTES: usize = HEADER_BYTES + 32 + MAC_BYTES;

    fn open<const BLOCKS: usize>(key: &Key, token: &str, frame: &mut [u8]) -> Option<Timestamp> {
        base64url::decode(None, token.as_bytes(), frame)?;
        TokenVerifier::new(key.into()).open::<BLOCKS>(frame)
    }

    #[test]
    fn a_token_opens_under_the_key_that_made_it_and_no_other() {
        let key = Key::from_bytes([7; 32]);
        let token =
            Fernet::new(&key.expose_text()).unwrap().encrypt_at_time(b"twenty bytes of text", 9);
        let mut bytes = [0; FRAME_BYTES];
        assert_eq!(open::<2>(&key, &token, &mut bytes), Some(Timestamp(9)));
        assert_eq!(frame::unpadded_text(&bytes), Some(&b"twenty bytes of text"[..]));
        assert_eq!(open::<2>(&Key::from_bytes([8; 32]), &token, &mut bytes), None);
    }

    #[test]
    fn a_verifier_is_kept_for_the_key_that_was_used_last() {
        let (one, other) = (Key::from_bytes([7; 32]), Key::from_bytes([8; 32]));
        let mut cached = CachedVerifier::default();
        let mut expanded = |key: &Key| {
            cached.for_key(key.into());
            cached.keys_expanded()
        };
        assert_eq!([expanded(&one), expanded(&one)], [1, 1]);
        assert_eq!([expanded(&other), expanded(&other), expanded(&one)], [2, 2, 3]);
    }

    #[test]
    fn a_frame_of_another_length_is_not_opened() {
        let key = Key::from_bytes([7; 32]);
        let fernet = Fernet::new(&key.expose_text()).unwrap();
        for text_bytes in [0, 15, 32, 48] {
            let token = fernet.encrypt_at_time(&vec![b'x'; text_bytes], 9);
            assert_eq!(open::<2>(&key, &token, &mut [0; FRAME_BYTES]), None);
        }
        let token = fernet.encrypt_at_time(&[b'x'; 16], 9);
        assert_eq!(open::<1>(&key, &token, &mut [0; FRAME_BYTES]), None, "too many blocks");
    }
}
