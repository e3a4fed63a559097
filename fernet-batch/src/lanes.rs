//! Tokens sealed in step, one lane each.
//!
//! AES-CBC and SHA-256 are serial within a token: each step waits for the one before. Each function
//! of a lane takes one step for one token. [`seal`] takes each step for all lanes before the next
//! step, so that the processor works on several tokens at the same time.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::ZeroizeOnDrop;

use crate::frame::{BLOCK_BYTES, HEADER_BYTES};
use crate::hmac::{HASH_BLOCK_BYTES, HASH_BYTES, HashState};
use crate::mac_states::KeyRef;

/// One token that is being made in its frame.
pub(crate) struct Lane<'a> {
    schedule: &'a Schedule,
    /// Header and text, which the MAC covers.
    covered: &'a mut [u8],
    mac: &'a mut [u8],
    /// HMAC's inner hash so far.
    inner: HashState,
}

/// A key expanded for AES and HMAC.
#[derive(ZeroizeOnDrop)]
pub(crate) struct Schedule {
    #[zeroize(skip)] // The cipher wipes itself.
    cipher: Aes128Enc,
    inner: HashState,
    outer: HashState,
}

/// Seals the lanes' texts in their frames.
pub(crate) fn seal(lanes: &mut [Lane<'_>]) {
    step_all(lanes, Lane::encrypt_block);
    step_all(lanes, Lane::hash_block);
    for lane in lanes.iter_mut() {
        lane.finish_inner();
    }
    for lane in lanes {
        lane.finish_outer();
    }
}

/// Takes step after step, each for all lanes, until no lane has a step left.
fn step_all<'a>(lanes: &mut [Lane<'a>], step: impl Fn(&mut Lane<'a>, usize) -> Option<()>) {
    for n in 0.. {
        let mut any_left = false;
        for lane in lanes.iter_mut() {
            any_left |= step(lane, n).is_some();
        }
        if !any_left {
            return;
        }
    }
}

impl<'a> Lane<'a> {
    /// A lane for a frame: `covered` is its header and its padded text.
    pub(crate) fn new(schedule: &'a Schedule, covered: &'a mut [u8], mac: &'a mut [u8]) -> Self {
        Self { schedule, covered, mac, inner: schedule.inner.clone() }
    }

    /// Encrypts the `n`-th block of the text in CBC mode: XORed with the block before it, the first
    /// one with the IV. Returns `None` if there is no such block.
    fn encrypt_block(&mut self, n: usize) -> Option<()> {
        let text_start = HEADER_BYTES + n * BLOCK_BYTES;
        let (before, rest) = self.covered.split_at_mut_checked(text_start)?;
        let before = before.last_chunk::<BLOCK_BYTES>()?;
        let block = rest.first_chunk_mut::<BLOCK_BYTES>()?;
        *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*before)).to_ne_bytes();
        self.schedule.cipher.encrypt_block(block.into());
        Some(())
    }

    /// Hashes the `n`-th whole block of what the MAC covers. Returns `None` if there is no such block.
    fn hash_block(&mut self, n: usize) -> Option<()> {
        let (blocks, _) = self.covered.as_chunks();
        self.inner.update(blocks.get(n)?);
        Some(())
    }

    /// Hashes the bytes behind the last whole block. The hash has seen one block of key before the
    /// frame.
    fn finish_inner(&mut self) {
        let (_, last) = self.covered.as_chunks::<HASH_BLOCK_BYTES>();
        self.inner.finish(last, HASH_BLOCK_BYTES + self.covered.len());
    }

    /// Writes the MAC, which is the outer hash of the inner hash.
    fn finish_outer(&mut self) {
        let mut outer = self.schedule.outer.clone();
        outer.finish(&self.inner.to_bytes(), HASH_BLOCK_BYTES + HASH_BYTES);
        self.mac.copy_from_slice(&outer.to_bytes());
    }
}

impl Schedule {
    /// Expands a key, whose first half is for HMAC and whose second half is for AES.
    pub(crate) fn new(key: KeyRef<'_>) -> Self {
        let [inner, outer] = key.expose_mac_states();
        let [_, encryption] = *key.key.expose_halves();
        Self { cipher: Aes128Enc::new(&encryption.into()), inner, outer }
    }
}
