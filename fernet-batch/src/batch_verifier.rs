//! Opening many tokens at a time: each is decoded, verified and decrypted in memory of the caller's.
//!
//! A token that its key did not make costs the same time as one that it made.

use aes::Aes128Dec;
use aes::cipher::KeyInit;
use arrayvec::ArrayVec;
use subtle::ConstantTimeEq;
use zeroize::zeroize_stack;

use crate::frame::MAC_BYTES;
use crate::key::Key;
use crate::verifier::{CachedVerifier, Verified, decode, finish};
use crate::wide::{WIDE_MIN, WIDTH, WideLanes};

/// The stack that opening uses at most, in bytes: side by side, and for one token.
const STACK_BYTES: usize = 12 * 1024;
const STACK_BYTES_ALONE: usize = 4 * 1024;

/// A token to be opened.
pub struct ClosedToken<'a> {
    /// The key that may have made it.
    pub key: &'a Key,
    /// Its text.
    pub token: &'a str,
    /// Where it is decoded and decrypted. Its length is the one that the token's frame must have.
    pub frame: &'a mut [u8],
}

/// Opens tokens.
pub struct BatchVerifier {
    /// Set if MACs can be computed side by side.
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
        mut opened: impl FnMut(Option<Verified>),
    ) {
        for group in tokens.chunks_mut(WIDTH) {
            match self.wide.filter(|_| group.len() >= WIDE_MIN) {
                Some(wide) => {
                    open_side_by_side::<BLOCKS>(wide, group).into_iter().for_each(&mut opened);
                    zeroize_stack::<STACK_BYTES>();
                }
                None => {
                    for ClosedToken { key, token, frame } in group {
                        opened(self.open_one::<BLOCKS>(key, token, frame));
                    }
                }
            }
        }
    }

    /// Opens one token, as [`open`](Self::open) does.
    pub fn open_one<const BLOCKS: usize>(
        &mut self,
        key: &Key,
        token: &str,
        frame: &mut [u8],
    ) -> Option<Verified> {
        let opened = open_alone::<BLOCKS>(&mut self.one_by_one, key, token, frame);
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
    verifier: &mut CachedVerifier,
    key: &Key,
    token: &str,
    frame: &mut [u8],
) -> Option<Verified> {
    // The key is expanded for every token, decodable or not.
    let verifier = verifier.for_key(key);
    decode(token, frame)?;
    verifier.open::<BLOCKS>(frame)
}

/// Opens up to [`WIDTH`] tokens. It is never inlined, so that what it leaves on the stack can be wiped.
#[inline(never)]
fn open_side_by_side<const BLOCKS: usize>(
    wide: WideLanes,
    tokens: &mut [ClosedToken<'_>],
) -> ArrayVec<Option<Verified>, WIDTH> {
    let mut are_decoded = ArrayVec::<bool, WIDTH>::new();
    for ClosedToken { token, frame, .. } in tokens.iter_mut() {
        are_decoded.push(decode(token, frame).is_some());
    }
    let macs = wide.macs(&covered(tokens));
    let mut opened = ArrayVec::new();
    let mut last: Option<(&Key, Aes128Dec)> = None;
    for ((ClosedToken { key, frame, .. }, mac), is_decoded) in
        tokens.iter_mut().zip(macs).zip(are_decoded)
    {
        let key: &Key = key;
        // One student often sends all requests of a batch.
        drop(last.take_if(|(last, _)| !last.is(key)));
        let (_, cipher) = last.get_or_insert_with(|| {
            let [_, encryption] = *key.expose_halves();
            (key, Aes128Dec::new(&encryption.into()))
        });
        let is_authentic = match frame.last_chunk::<MAC_BYTES>() {
            Some(expected) => bool::from(expected.ct_eq(&mac)) & is_decoded,
            None => false,
        };
        opened.push(finish::<BLOCKS>(is_authentic, cipher, frame));
    }
    opened
}

/// What the MAC of each token covers, with the token's key.
fn covered<'t>(tokens: &'t [ClosedToken<'_>]) -> ArrayVec<(&'t Key, &'t [u8]), WIDTH> {
    let mut texts = ArrayVec::new();
    for ClosedToken { key, frame, .. } in tokens.iter().take(WIDTH) {
        let (text, _) = frame.split_last_chunk::<MAC_BYTES>().unwrap_or((&[], &[0; MAC_BYTES]));
        texts.push((*key, text));
    }
    texts
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;
    use fernet::Fernet;

    use super::*;
    use crate::frame::{frame_bytes, unpadded_text};

    const TEXT_BYTES: usize = 20;
    const FRAME_BYTES: usize = frame_bytes(TEXT_BYTES);

    fn key(n: usize) -> Key {
        Key::from_bytes([u8::try_from(n % 5).unwrap() + 1; 32])
    }

    fn text(n: usize) -> String {
        format!("this is text no {n:04}")
    }

    /// Side by side, where the processor can, and one by one.
    fn verifiers() -> Vec<BatchVerifier> {
        let one_by_one = BatchVerifier { wide: None, one_by_one: CachedVerifier::default() };
        vec![one_by_one, BatchVerifier::new()]
    }

    fn open_all(
        verifier: &mut BatchVerifier,
        keys: &[Key],
        tokens: &[String],
        frames: &mut [[u8; FRAME_BYTES]],
    ) -> Vec<Option<Verified>> {
        let mut closed = Vec::new();
        for ((key, token), frame) in keys.iter().zip(tokens).zip(frames) {
            closed.push(ClosedToken { key, token, frame });
        }
        let mut verified = Vec::new();
        verifier.open::<2>(&mut closed, |found| verified.push(found));
        verified
    }

    /// The texts that so many tokens are opened to, and the times that they carry. Every third token is one of another
    /// key's, every fourth one is damaged, and every seventh one is too long.
    fn opened(verifier: &mut BatchVerifier, count: usize) -> Vec<Option<(String, u64)>> {
        let mut tokens = Vec::new();
        let keys: Vec<_> = (0..count).map(key).collect();
        for n in 0..count {
            let by = key(if n % 3 == 2 { n + 1 } else { n });
            let fernet = Fernet::new(&by.expose_text()).unwrap();
            let text = if n % 7 == 6 { "x".repeat(40) } else { text(n) };
            let mut token = fernet.encrypt_at_time(text.as_bytes(), 100 + n as u64).into_bytes();
            if n % 4 == 3 {
                let at = n * 13 % token.len();
                token[at] = if token[at] == b'A' { b'B' } else { b'A' };
            }
            tokens.push(String::from_utf8(token).unwrap());
        }
        let mut frames = vec![[0; FRAME_BYTES]; count];
        let verified = open_all(verifier, &keys, &tokens, &mut frames);
        let text =
            |frame: &[u8]| String::from_utf8(unpadded_text(frame).unwrap().to_vec()).unwrap();
        let texts = verified.iter().zip(&frames);
        texts.map(|(found, frame)| found.map(|found| (text(frame), found.time.0))).collect()
    }

    #[test]
    fn a_token_opens_under_its_key_alone_whatever_is_opened_beside_it() {
        for mut verifier in verifiers() {
            for count in 0..=50 {
                let expected: Vec<_> = (0..count)
                    .map(|n| {
                        let opens = n % 3 != 2 && n % 4 != 3 && n % 7 != 6;
                        opens.then(|| (text(n), 100 + n as u64))
                    })
                    .collect();
                assert_eq!(opened(&mut verifier, count), expected, "{count}, {:?}", verifier.wide);
            }
        }
    }

    #[test]
    fn tokens_that_no_frame_has_room_for_are_not_opened() {
        let key = key(1);
        for mut verifier in verifiers() {
            let mut none = [const { [0_u8; 0] }; 20];
            let mut closed: Vec<_> =
                none.iter_mut().map(|frame| ClosedToken { key: &key, token: "", frame }).collect();
            let mut found = 0;
            verifier.open::<2>(&mut closed, |verified| found += usize::from(verified.is_some()));
            assert_eq!(found, 0);
        }
    }

    #[test]
    fn every_flipped_bit_closes_its_token_and_no_other() {
        const TOKENS: usize = 16;
        let keys: Vec<_> = (0..TOKENS).map(key).collect();
        let mut tokens = Vec::new();
        for (n, key) in keys.iter().enumerate() {
            let fernet = Fernet::new(&key.expose_text()).unwrap();
            tokens.push(fernet.encrypt_at_time(text(n).as_bytes(), 100));
        }
        for bit in 0..FRAME_BYTES * 8 {
            let damaged = bit % TOKENS;
            let mut bytes = URL_SAFE.decode(&tokens[damaged]).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut sent = tokens.clone();
            sent[damaged] = URL_SAFE.encode(bytes);
            for mut verifier in verifiers() {
                let mut frames = [[0; FRAME_BYTES]; TOKENS];
                let verified = open_all(&mut verifier, &keys, &sent, &mut frames);
                let opened: Vec<_> = verified.iter().map(Option::is_some).collect();
                let expected: Vec<_> = (0..TOKENS).map(|n| n != damaged).collect();
                assert_eq!(opened, expected, "bit {bit}, {:?}", verifier.wide);
            }
        }
    }
}
