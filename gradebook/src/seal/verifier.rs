//! The way back for one key: whether it has made a token, and what the token says.

use aes::Aes128Dec;
use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::ZeroizeOnDrop;

use super::hash::{BLOCK_BYTES as HASH_BLOCK_BYTES, HASH_BYTES, Hash};
use crate::key::Key;
use crate::token::{BLOCK_BYTES, HEADER_BYTES, MAC_BYTES};

/// What AES and HMAC make of a key before they see any token.
#[derive(ZeroizeOnDrop)]
pub(crate) struct TokenVerifier {
    #[zeroize(skip)] // wipes itself
    cipher: Aes128Dec,
    inner: Hash,
    outer: Hash,
}

impl TokenVerifier {
    pub(crate) fn of(key: &Key) -> Self {
        let [signing, encryption] = *key.halves();
        Self {
            cipher: Aes128Dec::new(&encryption.into()),
            inner: Hash::inner(&signing),
            outer: Hash::outer(&signing),
        }
    }

    /// Whether this is the MAC of a header and a text; in a time that does not depend on where it
    /// differs.
    pub(crate) fn verify_mac(&self, covered: &[u8], mac: &[u8; MAC_BYTES]) -> bool {
        let (mut inner, mut outer) = (self.inner.clone(), self.outer.clone());
        let (blocks, rest) = covered.as_chunks();
        blocks.iter().for_each(|block| inner.take_in(block));
        inner.finish(rest, HASH_BLOCK_BYTES + covered.len());
        outer.finish(&inner.bytes(), HASH_BLOCK_BYTES + HASH_BYTES);
        outer.bytes().ct_eq(mac).into()
    }

    /// Decrypts the blocks behind the header, CBC, in place: at most `BLOCKS`.
    pub(crate) fn decrypt<const BLOCKS: usize>(&self, covered: &mut [u8]) -> Option<()> {
        let (header, text) = covered.split_at_mut_checked(HEADER_BYTES)?;
        let iv = *header.last_chunk::<BLOCK_BYTES>()?;
        let (blocks, _) = text.as_chunks_mut::<BLOCK_BYTES>();
        let mut sealed = [[0; BLOCK_BYTES]; BLOCKS];
        sealed.get_mut(..blocks.len())?.copy_from_slice(blocks);
        // All at once: unlike encryption, none waits for the one before.
        self.cipher.decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
        let before = std::iter::once(&iv).chain(&sealed);
        for (block, before) in blocks.iter_mut().zip(before) {
            *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*before)).to_ne_bytes();
        }
        Some(())
    }
}
