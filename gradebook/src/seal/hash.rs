//! SHA-256 by blocks (FIPS 180-4), for HMAC (RFC 2104) that knows its key before the text.

use sha2::block_api::compress256;
use zeroize::Zeroize;

pub(super) const BLOCK_BYTES: usize = 64;
pub(super) const HASH_BYTES: usize = 32;

/// A hash under way: its state behind some whole blocks.
#[derive(Clone, Zeroize)]
pub(super) struct Hash([u32; 8]);

impl Hash {
    /// The state before any block, FIPS 180-4 section 5.3.3.
    const START: Self = Self([
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ]);

    /// HMAC's inner hash behind its first block, which is the key and 0x36.
    pub(super) fn inner(key: &[u8]) -> Self {
        Self::keyed(key, 0x36)
    }

    /// HMAC's outer hash behind its first block, which is the key and 0x5c.
    pub(super) fn outer(key: &[u8]) -> Self {
        Self::keyed(key, 0x5c)
    }

    fn keyed(key: &[u8], pad: u8) -> Self {
        let mut block = [pad; BLOCK_BYTES];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        let mut hash = Self::START;
        hash.take_in(&block);
        block.zeroize();
        hash
    }

    pub(super) fn take_in(&mut self, block: &[u8; BLOCK_BYTES]) {
        compress256(&mut self.0, std::slice::from_ref(block));
    }

    /// Takes in what is left, less than a block, and the padding: a one, zeros, and how many bits
    /// the hash has seen, which is those of `bytes`.
    pub(super) fn finish(&mut self, rest: &[u8], bytes: usize) {
        const LENGTH_BYTES: usize = 8;
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
        let mut block = [0; BLOCK_BYTES];
        if let Some((place, behind)) = block.split_at_mut_checked(rest.len()) {
            place.copy_from_slice(rest);
            behind.iter_mut().take(1).for_each(|byte| *byte = 0x80);
        }
        if rest.len() >= BLOCK_BYTES - LENGTH_BYTES {
            self.take_in(&block);
            block = [0; BLOCK_BYTES];
        }
        if let Some(length) = block.last_chunk_mut() {
            *length = bits.to_be_bytes();
        }
        self.take_in(&block);
    }

    /// The hash as bytes, once it is finished.
    pub(super) fn bytes(&self) -> [u8; HASH_BYTES] {
        let mut hash = [0; HASH_BYTES];
        let (words, _) = hash.as_chunks_mut();
        words.iter_mut().zip(self.0).for_each(|(word, state)| *word = state.to_be_bytes());
        hash
    }
}
