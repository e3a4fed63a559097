//! Tokens sealed in step: one lane each.
//!
//! Each function of a lane takes one step for one token. [`seal`] takes each step for all lanes
//! before the next, so that none waits for its own last one.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::ZeroizeOnDrop;

use super::Timestamp;
use super::hash::{self, HASH_BYTES, Hash};
use crate::key::Key;
use crate::token::{BLOCK_BYTES, HEADER_BYTES, IV_BYTES, MAC_BYTES, VERSION};

/// One token being made in its frame.
pub(super) struct Lane<'a> {
    schedule: &'a Schedule,
    frame: &'a mut [u8],
    /// Where the header and the text end, which the MAC covers, and the MAC begins.
    covered: usize,
    /// HMAC's inner hash, as far as it is.
    inner: Hash,
}

/// What AES and HMAC make of a key before they see any text.
#[derive(ZeroizeOnDrop)]
pub(super) struct Schedule {
    #[zeroize(skip)] // wipes itself
    cipher: Aes128Enc,
    inner: Hash,
    outer: Hash,
}

/// Seals the lanes' texts: then each frame is a token, but for the base64.
pub(super) fn seal(lanes: &mut [Lane<'_>]) {
    in_step(lanes, Lane::encrypt_block);
    in_step(lanes, Lane::hash_block);
    lanes.iter_mut().for_each(Lane::finish_inner);
    lanes.iter_mut().for_each(Lane::finish_outer);
}

/// Takes step after step, each for all lanes, until no lane has one left.
fn in_step<'a>(lanes: &mut [Lane<'a>], step: impl Fn(&mut Lane<'a>, usize) -> Option<()>) {
    for nth in 0.. {
        let taken = lanes.iter_mut().filter_map(|lane| step(lane, nth)).count();
        if taken == 0 {
            return;
        }
    }
}

impl<'a> Lane<'a> {
    /// A lane for the text that stands in `frame`.
    pub(super) fn new(
        schedule: &'a Schedule,
        frame: &'a mut [u8],
        now: Timestamp,
        iv: [u8; IV_BYTES],
    ) -> Self {
        if let Some(header) = frame.first_chunk_mut::<HEADER_BYTES>() {
            let (version, rest) = header.split_at_mut(1);
            let (time, place) = rest.split_at_mut(HEADER_BYTES - IV_BYTES - 1);
            version.copy_from_slice(&[VERSION]);
            time.copy_from_slice(&now.0.to_be_bytes());
            place.copy_from_slice(&iv);
        }
        let covered = frame.len().saturating_sub(MAC_BYTES);
        Self { schedule, frame, covered, inner: schedule.inner.clone() }
    }

    /// Encrypts the `n`-th block of the text: CBC, so over the block before it, the IV to begin with.
    fn encrypt_block(&mut self, n: usize) -> Option<()> {
        let covered = self.frame.get_mut(..self.covered)?;
        let (before, rest) = covered.split_at_mut_checked(HEADER_BYTES + n * BLOCK_BYTES)?;
        let before = before.last_chunk::<BLOCK_BYTES>()?;
        let block = rest.first_chunk_mut::<BLOCK_BYTES>()?;
        *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*before)).to_ne_bytes();
        self.schedule.cipher.encrypt_block(block.into());
        Some(())
    }

    /// Hashes the `n`-th whole block of what the MAC covers.
    fn hash_block(&mut self, n: usize) -> Option<()> {
        let (blocks, _) = self.frame.get(..self.covered)?.as_chunks();
        self.inner.take_in(blocks.get(n)?);
        Some(())
    }

    /// Hashes what is left. Before the header, the hash has seen one block of key.
    fn finish_inner(&mut self) {
        let covered = self.frame.get(..self.covered).unwrap_or_default();
        let (_, rest) = covered.as_chunks::<{ hash::BLOCK_BYTES }>();
        self.inner.finish(rest, hash::BLOCK_BYTES + covered.len());
    }

    /// Makes the MAC, which is a hash of the inner hash.
    fn finish_outer(&mut self) {
        let mut outer = self.schedule.outer.clone();
        outer.finish(&self.inner.bytes(), hash::BLOCK_BYTES + HASH_BYTES);
        if let Some(mac) = self.frame.last_chunk_mut() {
            *mac = outer.bytes();
        }
    }
}

impl Schedule {
    /// The schedule of a key, whose first half is for HMAC and whose second for AES.
    pub(super) fn of(key: &Key) -> Self {
        let [signing, encryption] = *key.halves();
        Self {
            cipher: Aes128Enc::new(&encryption.into()),
            inner: Hash::inner(&signing),
            outer: Hash::outer(&signing),
        }
    }
}
