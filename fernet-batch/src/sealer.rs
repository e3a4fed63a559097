//! Sealing many texts at a time.
//!
//! A token is version, time, IV, AES-128-CBC and HMAC-SHA256, in base64url
//! (<https://github.com/fernet/spec/blob/master/Spec.md>). The `fernet` crate seals one token at a
//! time and waits for each step; this sealer works on several tokens in step (`lanes`), or side by side where the
//! processor allows it (`wide`).

use arrayvec::ArrayVec;
use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use zeroize::{Zeroizing, zeroize_stack};

use crate::frame::IV_BYTES;
use crate::lanes::{self, Lane, Schedule};
use crate::mac_states::KeyRef;
use crate::plain_frame::{HeadedFrame, PlainFrame};
use crate::random::{self, NoRandomness};
use crate::time::Timestamp;
use crate::wide::{WIDE_MIN, WIDTH, WideLanes};

/// The number of tokens that are sealed in step. More gain nothing: four keep AES busy, eight
/// SHA-256.
const LANES: usize = 8;

/// The stack that sealing side by side uses at most, in bytes: registers with parts of keys are kept there for a while.
/// The frames of its functions are 14 KiB deep in a release build (`objdump`: `seal_with`, `wide::run`, `wide::seal`,
/// `hmac::macs`). The key schedules wipe themselves.
const STACK_BYTES: usize = 16 * 1024;
/// The stack that sealing in step uses at most. Wiping more would cost a single token more than its base64.
const STACK_BYTES_IN_STEP: usize = 8 * 1024;
// The rest is for what the compiler adds.
const _: () = assert!(
    size_of::<ArrayVec<(KeyRef<'_>, Schedule), LANES>>()
        + size_of::<ArrayVec<Lane<'_>, LANES>>()
        + size_of::<ArrayVec<HeadedFrame<'_>, WIDTH>>()
        <= STACK_BYTES_IN_STEP / 2
);

/// Seals frames. Its only state is the random number generator for the IVs.
pub struct Sealer {
    /// Seeded by the operating system once: a system call for each IV costs as much as the sealing. Twelve
    /// rounds are as unpredictable as twenty to everybody known (Aumasson, "Too Much Crypto", 2019).
    random: ChaCha12Rng,
    /// Set if tokens can be sealed side by side.
    wide: Option<WideLanes>,
}

impl Sealer {
    /// A sealer with a freshly seeded generator.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes.
    pub fn new() -> Result<Self, NoRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        random::fill(seed.as_mut_slice())?;
        Ok(Self { random: ChaCha12Rng::from_seed(*seed), wide: WideLanes::detect() })
    }

    /// Seals frames where they stand: then each is the bytes of a token made at the time `now`.
    pub fn seal<'a>(&mut self, now: Timestamp, frames: impl Iterator<Item = PlainFrame<'a>>) {
        match seal_with(self.wide, now, frames, || self.random_iv()) {
            Sealed::Nothing => {}
            Sealed::InStep => zeroize_stack::<STACK_BYTES_IN_STEP>(),
            Sealed::SideBySide => zeroize_stack::<STACK_BYTES>(),
        }
    }

    fn random_iv(&mut self) -> [u8; IV_BYTES] {
        let mut iv = [0; IV_BYTES];
        self.random.fill_bytes(&mut iv);
        iv
    }
}

/// How frames were sealed: the way that uses more of the stack, if some were sealed in one way and some in the other.
#[derive(Debug, PartialEq, Eq)]
enum Sealed {
    Nothing,
    InStep,
    SideBySide,
}

/// Seals frames with these IVs. It is never inlined, so that what it leaves on the stack can be wiped.
#[inline(never)]
fn seal_with<'a>(
    wide: Option<WideLanes>,
    now: Timestamp,
    mut frames: impl Iterator<Item = PlainFrame<'a>>,
    mut next_iv: impl FnMut() -> [u8; IV_BYTES],
) -> Sealed {
    let (mut in_step, mut side_by_side) = (false, false);
    loop {
        let group =
            frames.by_ref().take(WIDTH).map(|frame| HeadedFrame::new(frame, now, next_iv()));
        let mut group: ArrayVec<HeadedFrame<'_>, WIDTH> = group.collect();
        if group.is_empty() {
            return match (in_step, side_by_side) {
                (_, true) => Sealed::SideBySide,
                (true, false) => Sealed::InStep,
                (false, false) => Sealed::Nothing,
            };
        }
        match wide.filter(|_| group.len() >= WIDE_MIN) {
            Some(wide) => {
                wide.seal(&mut group);
                side_by_side = true;
            }
            None => {
                group.chunks_mut(LANES).for_each(seal_in_step);
                in_step = true;
            }
        }
    }
}

fn seal_in_step(group: &mut [HeadedFrame<'_>]) {
    let mut schedules = ArrayVec::<(KeyRef<'_>, Schedule), LANES>::new();
    let mut places = ArrayVec::<usize, LANES>::new();
    for frame in group.iter() {
        // One student usually sends all requests of a batch.
        if !schedules.last().is_some_and(|(last, _)| last.key.is(frame.key.key)) {
            schedules.push((frame.key, Schedule::new(frame.key)));
        }
        places.push(schedules.len() - 1);
    }
    let mut lanes = ArrayVec::<Lane<'_>, LANES>::new();
    for (frame, place) in group.iter_mut().zip(places) {
        #[expect(clippy::indexing_slicing, reason = "the index of a schedule pushed above")]
        let (_, schedule) = &schedules[place];
        lanes.push(Lane::new(schedule, frame.covered, frame.mac));
    }
    lanes::seal(&mut lanes);
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
    use crate::key::Key;
    use crate::mac_states::OwnedKey;
    use crate::wide::ways;

    /// Whose states are kept.
    #[derive(Clone, Copy, Debug)]
    enum Kept {
        Nobodys,
        Everybodys,
        /// Of those whose number is odd.
        Some,
    }

    /// Each way to seal, with and without states that are kept.
    fn paths() -> Vec<(Option<WideLanes>, Kept)> {
        let kept = [Kept::Nobodys, Kept::Everybodys, Kept::Some];
        ways().into_iter().flat_map(|way| kept.map(|kept| (way, kept))).collect()
    }

    /// The tokens that the `fernet` crate makes of texts, and ours with the same keys, time and IVs.
    fn both(
        (way, kept): (Option<WideLanes>, Kept),
        texts: &[(u8, Vec<u8>)],
        now: u64,
    ) -> (Vec<String>, Vec<String>) {
        let mut theirs = Vec::new();
        let mut keys = Vec::new();
        let mut frames = Vec::new();
        for (key, text) in texts {
            let with_states = match kept {
                Kept::Nobodys => false,
                Kept::Everybodys => true,
                Kept::Some => key % 2 == 1,
            };
            let fernet = Fernet::new(&URL_SAFE.encode([*key; 32])).unwrap();
            theirs.push(fernet.encrypt_at_time(text, now));
            keys.push(OwnedKey::new(Key::from_bytes([*key; 32]), with_states));
            let mut bytes = Vec::new();
            let start = frame::begin_frame(&mut bytes);
            bytes.extend_from_slice(text);
            frame::end_frame(&mut bytes, start);
            frames.push(bytes);
        }
        let mut ivs = theirs.iter().map(|token| URL_SAFE.decode(token).unwrap()[9..25].to_vec());
        let plain = keys.iter().zip(&mut frames).map(|(key, bytes)| PlainFrame::new(key, bytes));
        seal_with(way, Timestamp(now), plain, || ivs.next().unwrap().try_into().unwrap());
        (theirs, frames.iter().map(|frame| URL_SAFE.encode(frame)).collect())
    }

    fn text(length: usize) -> Vec<u8> {
        (0..=255).cycle().take(length).collect()
    }

    #[test]
    fn every_length_of_text_makes_the_token_that_the_fernet_crate_makes() {
        for path in paths() {
            for length in 0..=1024_usize {
                // As many tokens as the wide path takes at least, of different lengths.
                let texts: Vec<_> =
                    (0..10).map(|n| (n, text(length.abs_diff(usize::from(n))))).collect();
                let (theirs, ours) = both(path, &texts, 1_800_000_000);
                assert_eq!(theirs, ours, "{length} bytes, {path:?}");
            }
        }
    }

    #[test]
    fn every_size_of_batch_makes_the_tokens_that_the_fernet_crate_makes() {
        for (path, size) in
            paths().into_iter().flat_map(|path| (0..=130_usize).map(move |n| (path, n)))
        {
            let one_student: Vec<_> = (0..size).map(|n| (9, text(n * 7 % 200))).collect();
            let (theirs, ours) = both(path, &one_student, u64::MAX);
            assert_eq!(theirs, ours, "{size} tokens of one student, {path:?}");
            let many: Vec<_> = one_student.into_iter().zip(0..).map(|((_, t), n)| (n, t)).collect();
            let (theirs, ours) = both(path, &many, 0);
            assert_eq!(theirs, ours, "{size} tokens of as many students, {path:?}");
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
            for path in paths() {
                let (theirs, ours) = both(path, &texts, now);
                prop_assert_eq!(theirs, ours);
            }
        }
    }

    #[test]
    fn bytes_that_are_not_a_closed_frame_are_rejected() {
        let key = Key::from_bytes([1; 32]);
        let is_frame = |bytes: usize| {
            let mut bytes = vec![0; bytes];
            catch_unwind(AssertUnwindSafe(|| PlainFrame::new(&key, &mut bytes).key.key.is(&key)))
                .is_ok()
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
    fn the_stack_is_wiped_as_deep_as_it_was_used() {
        for way in ways() {
            let deep = if way.is_some() { Sealed::SideBySide } else { Sealed::InStep };
            for (count, expected) in [
                (0, Sealed::Nothing),
                (1, Sealed::InStep),
                (WIDE_MIN - 1, Sealed::InStep),
                (WIDE_MIN, deep),
            ] {
                let key = Key::from_bytes([4; 32]);
                let mut frames = vec![[0; frame::frame_bytes(9)]; count];
                let plain = frames.iter_mut().map(|frame| PlainFrame::new(&key, frame));
                assert_eq!(seal_with(way, Timestamp(0), plain, || [0; IV_BYTES]), expected);
            }
        }
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
