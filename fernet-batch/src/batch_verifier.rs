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
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;
    use fernet::Fernet;

    use super::*;
    use crate::frame::{frame_bytes, unpadded_text};
    use crate::key::Key;
    use crate::mac_states::OwnedKey;
    use crate::wide::ways;

    const TEXT_BYTES: usize = 20;
    const FRAME_BYTES: usize = frame_bytes(TEXT_BYTES);

    fn key(n: usize) -> Key {
        Key::from_bytes([u8::try_from(n % 5).unwrap() + 1; 32])
    }

    /// Whose states are kept: nobody's, everybody's, and some.
    const KEPT: [fn(usize) -> bool; 3] = [|_| false, |_| true, |n| n % 2 == 1];

    fn mac_statess(count: usize, is_kept: fn(usize) -> bool) -> Vec<OwnedKey> {
        (0..count).map(|n| OwnedKey::new(key(n), is_kept(n))).collect()
    }

    fn text(n: usize) -> String {
        format!("this is text no {n:04}")
    }

    /// One by one, and side by side where the processor can.
    fn verifiers() -> Vec<BatchVerifier> {
        let verifier = |wide| BatchVerifier { wide, one_by_one: CachedVerifier::default() };
        ways().into_iter().map(verifier).collect()
    }

    fn open_all(
        verifier: &mut BatchVerifier,
        keys: &[OwnedKey],
        tokens: &[String],
        frames: &mut [[u8; FRAME_BYTES]],
    ) -> Vec<Option<Timestamp>> {
        let mut closed = Vec::new();
        for ((key, token), frame) in keys.iter().zip(tokens).zip(frames) {
            closed.push(ClosedToken { key: key.into(), token, frame });
        }
        let mut verified = Vec::new();
        verifier.open::<2>(&mut closed, |found| verified.push(found));
        verified
    }

    /// The texts that so many tokens are opened to, and the times that they carry. Every third token is one of another
    /// key's, every fourth one is damaged, and every seventh one is too long.
    fn opened(verifier: &mut BatchVerifier, keys: &[OwnedKey]) -> Vec<Option<(String, u64)>> {
        let count = keys.len();
        let mut tokens = Vec::new();
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
        let verified = open_all(verifier, keys, &tokens, &mut frames);
        let text =
            |frame: &[u8]| String::from_utf8(unpadded_text(frame).unwrap().to_vec()).unwrap();
        let texts = verified.iter().zip(&frames);
        texts.map(|(found, frame)| found.map(|time| (text(frame), time.0))).collect()
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
                for is_kept in KEPT {
                    let opened = opened(&mut verifier, &mac_statess(count, is_kept));
                    assert_eq!(opened, expected, "{count}, {:?}", verifier.wide);
                }
            }
        }
    }

    #[test]
    fn texts_of_every_length_open_beside_each_other() {
        const BLOCKS: usize = 64;
        for mut verifier in verifiers() {
            for first in 0..=BLOCKS * 16 - 10 {
                let keys = mac_statess(10, KEPT[first % KEPT.len()]);
                let texts: Vec<String> = (0..10)
                    .map(|n| "long text ".chars().cycle().take(first + n).collect())
                    .collect();
                let mut tokens = Vec::new();
                let mut frames = Vec::new();
                for (key, text) in keys.iter().zip(&texts) {
                    let fernet = Fernet::new(&key.key().expose_text()).unwrap();
                    tokens.push(fernet.encrypt_at_time(text.as_bytes(), 100));
                    frames.push(vec![0; frame_bytes(text.len())]);
                }
                let mut closed = Vec::new();
                for ((key, token), frame) in keys.iter().zip(&tokens).zip(&mut frames) {
                    closed.push(ClosedToken { key: key.into(), token, frame });
                }
                let mut times = Vec::new();
                verifier.open::<BLOCKS>(&mut closed, |time| times.push(time));
                for ((time, frame), text) in times.iter().zip(&frames).zip(&texts) {
                    let is_short = text.len() < BLOCKS * 16;
                    assert_eq!(*time, is_short.then_some(Timestamp(100)), "{} bytes", text.len());
                    if is_short {
                        assert_eq!(unpadded_text(frame), Some(text.as_bytes()));
                    }
                }
                assert_eq!(times.len(), texts.len());
            }
        }
    }

    #[test]
    fn tokens_that_no_frame_has_room_for_are_not_opened() {
        let key = key(1);
        let key = KeyRef::from(&key);
        for mut verifier in verifiers() {
            let mut none = [const { [0_u8; 0] }; 20];
            let mut closed: Vec<_> =
                none.iter_mut().map(|frame| ClosedToken { key, token: "", frame }).collect();
            let mut found = 0;
            verifier.open::<2>(&mut closed, |verified| found += usize::from(verified.is_some()));
            assert_eq!(found, 0);
        }
    }

    #[test]
    fn every_flipped_bit_closes_its_token_and_no_other() {
        const TOKENS: usize = 16;
        let keys = KEPT.map(|is_kept| mac_statess(TOKENS, is_kept));
        let mut tokens = Vec::new();
        for n in 0..TOKENS {
            let fernet = Fernet::new(&key(n).expose_text()).unwrap();
            tokens.push(fernet.encrypt_at_time(text(n).as_bytes(), 100));
        }
        for bit in 0..FRAME_BYTES * 8 {
            let damaged = bit % TOKENS;
            let mut bytes = URL_SAFE.decode(&tokens[damaged]).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut sent = tokens.clone();
            sent[damaged] = URL_SAFE.encode(bytes);
            for (mut verifier, keys) in
                keys.iter().flat_map(|keys| verifiers().into_iter().map(move |v| (v, keys)))
            {
                let mut frames = [[0; FRAME_BYTES]; TOKENS];
                let verified = open_all(&mut verifier, keys, &sent, &mut frames);
                let opened: Vec<_> = verified.iter().map(Option::is_some).collect();
                let expected: Vec<_> = (0..TOKENS).map(|n| n != damaged).collect();
                assert_eq!(opened, expected, "bit {bit}, {:?}", verifier.wide);
            }
        }
    }
}
