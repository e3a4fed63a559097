//! Opening many tokens at a time: each is decoded, verified and decrypted in memory of the caller's.
//!
//! A token that its key did not make costs the same time as one that it made.

use arrayvec::ArrayVec;
use bytemuck::cast;
use subtle::ConstantTimeEq;
use zeroize::zeroize_stack;

use crate::base64url;
use crate::frame::MAC_BYTES;
use crate::mac_states::KeyRef;
use crate::time::Timestamp;
use crate::verifier::{CachedVerifier, time_of_authentic};
use crate::wide::{WIDE_MIN, WIDTH, WideLanes};

/// The stack that opening uses at most, in bytes: side by side, and for one token. The frames of its functions are
/// 17 KiB deep in a release build (`objdump`: `open_side_by_side`, `wide::run`, `wide::open`, `hmac::macs`), and 3 KiB.
const STACK_BYTES: usize = 20 * 1024;
const STACK_BYTES_ALONE: usize = 4 * 1024;

/// A token to be opened.
pub struct ClosedToken<'a> {
    /// The key that may have made it.
    pub key: KeyRef<'a>,
    /// Its text.
    pub token: &'a str,
    /// Where it is decoded and decrypted. Its length is the one that the token's frame must have.
    pub frame: &'a mut [u8],
}

/// Opens tokens.
pub struct BatchVerifier {
    /// Set if tokens can be opened side by side.
    wide: Option<WideLanes>,
    one_by_one: CachedVerifier,
}

impl BatchVerifier {
    /// The number of tokens that are opened side by side.
    pub const TOGETHER: usize = WIDTH;

    /// A verifier that knows no key yet.
    pub fn new() -> Self {
        Self { wide: WideLanes::detect(), one_by_one: CachedVerifier::default() }
    }

    /// Opens tokens, in order. For each, `opened` yields `None` if its key did not make it, if its frame is not exactly
    /// as long as its memory, or if it has more than `BLOCKS` blocks of text; what its memory contains then means
    /// nothing. The padding of a text is left for the caller to check.
    pub fn open<const BLOCKS: usize>(
        &mut self,
        tokens: &mut [ClosedToken<'_>],
        mut opened: impl FnMut(Option<Timestamp>),
    ) {
        for group in tokens.chunks_mut(WIDTH) {
            match self.wide.filter(|_| group.len() >= WIDE_MIN) {
                Some(wide) => {
                    open_side_by_side::<BLOCKS>(wide, group).into_iter().for_each(&mut opened);
                    zeroize_stack::<STACK_BYTES>();
                }
                None => {
                    for ClosedToken { key, token, frame } in group {
                        opened(self.open_one::<BLOCKS>(*key, token, frame));
                    }
                }
            }
        }
    }

    /// Opens one token, as [`open`](Self::open) does.
    pub fn open_one<const BLOCKS: usize>(
        &mut self,
        key: KeyRef<'_>,
        token: &str,
        frame: &mut [u8],
    ) -> Option<Timestamp> {
        let opened = open_alone::<BLOCKS>(self.wide, &mut self.one_by_one, key, token, frame);
        zeroize_stack::<STACK_BYTES_ALONE>();
        opened
    }

    /// The number of keys expanded so far for single tokens. Tests compare it to show that a forged token costs the
    /// same work whoever it names.
    pub fn keys_expanded(&self) -> u64 {
        self.one_by_one.keys_expanded()
    }
}

impl Default for BatchVerifier {
    fn default() -> Self {
        Self::new()
    }
}

/// Opens one token. It is never inlined, so that what it leaves on the stack can be wiped.
#[inline(never)]
fn open_alone<const BLOCKS: usize>(
    wide: Option<WideLanes>,
    verifier: &mut CachedVerifier,
    key: KeyRef<'_>,
    token: &str,
    frame: &mut [u8],
) -> Option<Timestamp> {
    // The key is expanded for every token, decodable or not.
    let verifier = verifier.for_key(key);
    base64url::decode(wide, token.as_bytes(), frame)?;
    verifier.open::<BLOCKS>(frame)
}

/// Opens up to [`WIDTH`] tokens. It is never inlined, so that what it leaves on the stack can be wiped.
#[inline(never)]
fn open_side_by_side<const BLOCKS: usize>(
    wide: WideLanes,
    tokens: &mut [ClosedToken<'_>],
) -> ArrayVec<Option<Timestamp>, WIDTH> {
    let mut are_decoded = ArrayVec::<bool, WIDTH>::new();
    for ClosedToken { token, frame, .. } in tokens.iter_mut() {
        are_decoded.push(base64url::decode(Some(wide), token.as_bytes(), frame).is_some());
    }
    let mut frames = ArrayVec::<_, WIDTH>::new();
    let mut sent_macs = ArrayVec::<_, WIDTH>::new();
    for ClosedToken { key, frame, .. } in tokens.iter_mut().take(WIDTH) {
        // A frame without room for a MAC has no right one.
        let (covered, mac) = frame.split_at_mut(frame.len().saturating_sub(MAC_BYTES));
        frames.push((*key, covered));
        sent_macs.push(&*mac);
    }
    // Tokens that other keys made are decrypted, too.
    let macs = wide.open(&mut frames);
    let mut opened = ArrayVec::new();
    for ((((_, covered), sent), mac), is_decoded) in
        frames.iter().zip(sent_macs).zip(macs).zip(are_decoded)
    {
        let is_authentic = is_same(&mac, sent) & is_decoded;
        opened.push(time_of_authentic::<BLOCKS>(is_authentic, covered));
    }
    opened
}

/// Compares two MACs. The time does not depend on where they differ.
fn is_same(mac: &[u8; MAC_BYTES], sent: &[u8]) -> bool {
    let Ok(sent) = <[u8; MAC_BYTES]>::try_from(sent) else { return false };
    // Comparing a word costs as much as comparing a byte.
    let (mac, sent): ([u64; 4], [u64; 4]) = (cast(*mac), cast(sent));
    mac.ct_eq(&sent).into()
}

#[cfg(test)]
mod tests;
