//! Sealing many texts at a time.
//!
//! A token is version, time, IV, AES-128-CBC and HMAC-SHA256, in base64url
//! (<https://github.com/fernet/spec/blob/master/Spec.md>). The `fernet` crate seals one token at a
//! time and waits for each step; this sealer works on several tokens in step (`lanes`).

use arrayvec::ArrayVec;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use crate::frame::{BLOCK_BYTES, HEADER_BYTES, IV_BYTES, MAC_BYTES};
use crate::key::Key;
use crate::lanes::{self, Lane, Schedule};
use crate::random::{self, NoRandomness};
use crate::time::Timestamp;

/// The number of tokens that are sealed in step. More gain nothing: four keep AES busy, eight
/// SHA-256.
const LANES: usize = 8;

/// Seals frames. Its only state is the random number generator for the IVs.
pub struct Sealer {
    /// Seeded by the operating system once: a system call for each IV costs as much as the sealing. Twelve
    /// rounds are as unpredictable as twenty to everybody known (Aumasson, "Too Much Crypto", 2019).
    random: ChaCha12Rng,
}

/// A closed frame with its text in clear, and the key to seal it under.
pub struct PlainFrame<'a> {
    key: &'a Key,
    /// Header and padded text, which the MAC covers.
    covered: &'a mut [u8],
    mac: &'a mut [u8],
}

impl<'a> PlainFrame<'a> {
    /// The frame in these bytes: from [`begin_frame`](crate::frame::begin_frame) to
    /// [`end_frame`](crate::frame::end_frame).
    ///
    /// # Panics
    /// If the length is not that of a closed frame: a part of its text would otherwise be sent in clear.
    pub fn new(key: &'a Key, bytes: &'a mut [u8]) -> Self {
        let covered_bytes = bytes.len().saturating_sub(MAC_BYTES);
        assert!(is_padded(covered_bytes), "{} bytes are not a closed frame", bytes.len());
        let (covered, mac) = bytes.split_at_mut(covered_bytes);
        Self { key, covered, mac }
    }
}

/// Returns true if a header and at least one whole block have so many bytes together.
fn is_padded(covered_bytes: usize) -> bool {
    let text_bytes = covered_bytes.saturating_sub(HEADER_BYTES);
    text_bytes > 0 && text_bytes.is_multiple_of(BLOCK_BYTES)
}

impl Sealer {
    /// A sealer with a freshly seeded generator.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes.
    pub fn new() -> Result<Self, NoRandomness> {
        let mut seed = [0; 32];
        random::fill(&mut seed)?;
        Ok(Self { random: ChaCha12Rng::from_seed(seed) })
    }

    /// Seals frames where they stand: then each is the bytes of a token made at the time `now`.
    pub fn seal<'a>(&mut self, now: Timestamp, frames: impl Iterator<Item = PlainFrame<'a>>) {
        seal_with(now, frames, || self.random_iv());
    }

    fn random_iv(&mut self) -> [u8; IV_BYTES] {
        let mut iv = [0; IV_BYTES];
        self.random.fill_bytes(&mut iv);
        iv
    }
}

fn seal_with<'a>(
    now: Timestamp,
    frames: impl Iterator<Item = PlainFrame<'a>>,
    mut next_iv: impl FnMut() -> [u8; IV_BYTES],
) {
    let mut frames = frames.peekable();
    // The schedules of a group, behind the last schedule of the group before.
    let mut schedules = ArrayVec::<(&Key, Schedule), { LANES + 1 }>::new();
    while frames.peek().is_some() {
        let mut group = ArrayVec::<(usize, PlainFrame<'_>), LANES>::new();
        for frame in frames.by_ref().take(LANES) {
            // One student usually sends all requests of a batch.
            if !schedules.last().is_some_and(|(key, _)| key.is(frame.key)) {
                schedules.push((frame.key, Schedule::new(frame.key)));
            }
            group.push((schedules.len() - 1, frame));
        }
        let mut group_lanes = ArrayVec::<Lane<'_>, LANES>::new();
        for (schedule, frame) in group {
            #[expect(clippy::indexing_slicing, reason = "the index of a schedule pushed above")]
            let (_, schedule) = &schedules[schedule];
            let PlainFrame { covered, mac, .. } = frame;
            group_lanes.push(Lane::new(schedule, covered, mac, now, next_iv()));
        }
        lanes::seal(&mut group_lanes);
        drop(group_lanes);
        schedules.drain(..schedules.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;
    use fernet::Fernet;
    use proptest::prelude::*;

    use super::*;
    use crate::frame;

    /// The tokens that the `fernet` crate makes of texts, and ours with the same keys, time and IVs.
    fn both(texts: &[(u8, Vec<u8>)], now: u64) -> (Vec<String>, Vec<String>) {
        let mut theirs = Vec::new();
        let mut keys = Vec::new();
        let mut frames = Vec::new();
        for (key, text) in texts {
            let fernet = Fernet::new(&URL_SAFE.encode([*key; 32])).unwrap();
            theirs.push(fernet.encrypt_at_time(text, now));
            keys.push(Key::from_bytes([*key; 32]));
            let mut bytes = Vec::new();
            let start = frame::begin_frame(&mut bytes);
            bytes.extend_from_slice(text);
            frame::end_frame(&mut bytes, start);
            frames.push(bytes);
        }
        let mut ivs = theirs.iter().map(|token| URL_SAFE.decode(token).unwrap()[9..25].to_vec());
        let plain = keys.iter().zip(&mut frames).map(|(key, bytes)| PlainFrame::new(key, bytes));
        seal_with(Timestamp(now), plain, || ivs.next().unwrap().try_into().unwrap());
        (theirs, frames.iter().map(|frame| URL_SAFE.encode(frame)).collect())
    }

    fn text(length: usize) -> Vec<u8> {
        (0..=255).cycle().take(length).collect()
    }

    #[test]
    fn every_length_of_text_makes_the_token_that_the_fernet_crate_makes() {
        for length in 0..=1024 {
            let (theirs, ours) = both(&[(3, text(length))], 1_800_000_000);
            assert_eq!(theirs, ours, "{length} bytes");
        }
    }

    #[test]
    fn every_size_of_batch_makes_the_tokens_that_the_fernet_crate_makes() {
        for size in 0..=130_usize {
            let one_student: Vec<_> = (0..size).map(|n| (9, text(n * 7 % 200))).collect();
            let (theirs, ours) = both(&one_student, u64::MAX);
            assert_eq!(theirs, ours, "{size} tokens of one student");
            let many: Vec<_> = one_student.into_iter().zip(0..).map(|((_, t), n)| (n, t)).collect();
            let (theirs, ours) = both(&many, 0);
            assert_eq!(theirs, ours, "{size} tokens of as many students");
        }
    }

    proptest! {
        #[test]
        fn any_mix_of_students_and_lengths_makes_the_same_tokens(
            texts in proptest::collection::vec(
                (0..3_u8, proptest::collection::vec(any::<u8>(), 0..99)),
                0..40,
            ),
            now in any::<u64>(),
        ) {
            let (theirs, ours) = both(&texts, now);
            prop_assert_eq!(theirs, ours);
        }
    }

    #[test]
    fn bytes_that_are_not_a_closed_frame_are_rejected() {
        let key = Key::from_bytes([1; 32]);
        let is_frame = |bytes: usize| {
            let mut bytes = vec![0; bytes];
            catch_unwind(AssertUnwindSafe(|| PlainFrame::new(&key, &mut bytes).mac.len())).is_ok()
        };
        let frames: Vec<_> = (0..=110).filter(|bytes| is_frame(*bytes)).collect();
        assert_eq!(frames, [73, 89, 105], "header, 1 to 3 blocks, MAC");
    }

    #[test]
    fn a_sealed_frame_opens_at_the_time_it_was_sealed() {
        let key = Key::from_bytes([4; 32]);
        let mut bytes = Vec::new();
        let start = frame::begin_frame(&mut bytes);
        bytes.extend_from_slice(b"a text");
        frame::end_frame(&mut bytes, start);
        let frames = std::iter::once(PlainFrame::new(&key, &mut bytes));
        Sealer::new().unwrap().seal(Timestamp(1_800_000_000), frames);
        let opened = crate::open(&key, &URL_SAFE.encode(&bytes)).unwrap();
        assert_eq!((opened.time, opened.text.as_str()), (Timestamp(1_800_000_000), "a text"));
    }

    #[test]
    fn no_iv_is_used_twice() {
        let mut sealers = [Sealer::new().unwrap(), Sealer::new().unwrap()];
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            for sealer in &mut sealers {
                assert!(seen.insert(sealer.random_iv()));
            }
        }
    }
}
