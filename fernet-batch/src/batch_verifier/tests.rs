//! Tokens that are opened one by one, and side by side.

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
    let text = |frame: &[u8]| String::from_utf8(unpadded_text(frame).unwrap().to_vec()).unwrap();
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
            let texts: Vec<String> =
                (0..10).map(|n| "long text ".chars().cycle().take(first + n).collect()).collect();
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
