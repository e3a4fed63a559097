//! SHA-256 by blocks (FIPS 180-4), for an HMAC (RFC 2104) whose key is known before the text.
//!
//! HMAC hashes one block of key before the text. [`HashState::inner`] and [`HashState::outer`] are
//! the states behind that block, so that a key that is used again is hashed once.

use sha2::block_api::compress256;
use zeroize::Zeroize;

pub(crate) const HASH_BLOCK_BYTES: usize = 64;
pub(crate) const HASH_BYTES: usize = 32;

/// The state before any block, FIPS 180-4 section 5.3.3.
pub(crate) const INITIAL_STATE: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The state of a hash behind some whole blocks.
#[derive(Clone, Zeroize)]
pub(crate) struct HashState([u32; 8]);

impl HashState {
    /// HMAC's inner hash behind its first block, which is the key XOR 0x36.
    pub(crate) fn inner(key: &[u8]) -> Self {
        Self::keyed(key, 0x36)
    }

    /// HMAC's outer hash behind its first block, which is the key XOR 0x5c.
    pub(crate) fn outer(key: &[u8]) -> Self {
        Self::keyed(key, 0x5c)
    }

    fn keyed(key: &[u8], pad: u8) -> Self {
        let mut block = [pad; HASH_BLOCK_BYTES];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        let mut state = Self(INITIAL_STATE);
        state.update(&block);
        block.zeroize();
        state
    }

    /// The state with these words.
    pub(crate) fn from_words(words: [u32; 8]) -> Self {
        Self(words)
    }

    /// The words of the state.
    pub(crate) fn expose_words(&self) -> [u32; 8] {
        self.0
    }

    /// Hashes one block.
    pub(crate) fn update(&mut self, block: &[u8; HASH_BLOCK_BYTES]) {
        compress256(&mut self.0, std::slice::from_ref(block));
    }

    /// Hashes the last bytes, fewer than a block, and the padding: a one bit, zeros, and the number
    /// of bits hashed in all, which is that of `total_bytes`.
    pub(crate) fn finish(&mut self, last: &[u8], total_bytes: usize) {
        const LENGTH_BYTES: usize = 8;
        let bits = u64::try_from(total_bytes).unwrap_or(u64::MAX).saturating_mul(8);
        let mut block = [0; HASH_BLOCK_BYTES];
        if let Some((head, tail)) = block.split_at_mut_checked(last.len()) {
            head.copy_from_slice(last);
            if let Some(byte) = tail.first_mut() {
                *byte = 0x80;
            }
        }
        if last.len() >= HASH_BLOCK_BYTES - LENGTH_BYTES {
            self.update(&block);
            block = [0; HASH_BLOCK_BYTES];
        }
        if let Some(length) = block.last_chunk_mut() {
            *length = bits.to_be_bytes();
        }
        self.update(&block);
    }

    /// The hash as bytes, once it is finished.
    pub(crate) fn to_bytes(&self) -> [u8; HASH_BYTES] {
        let mut bytes = [0; HASH_BYTES];
        let (words, _) = bytes.as_chunks_mut();
        for (word, state) in words.iter_mut().zip(self.0) {
            *word = state.to_be_bytes();
        }
        bytes
    }
}
