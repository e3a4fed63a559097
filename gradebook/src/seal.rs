//! From what may be told to what only one student can read.
//!
//! A token is Fernet's: version, time, IV, AES-128-CBC, HMAC-SHA256, in base64url
//! (<https://github.com/fernet/spec/blob/master/Spec.md>). The sealer is written for batches: AES and
//! SHA-256 are serial within a token, each step waiting for the one before, but a batch holds many
//! tokens. So it takes each step for several tokens, one after another, and the processor works on
//! them at the same time. The `fernet` crate is the authority on what comes out; the tests hold the
//! sealer to it, byte for byte.

use std::fmt;
use std::time::{Duration, SystemTime};

use arrayvec::ArrayVec;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use crate::batch::{Answers, Replies, Sealing};
use crate::key::Key;
use crate::token::IV_BYTES;
use lane::{Lane, Schedule};

mod hash;
mod lane;
mod verifier;

pub(crate) use verifier::TokenVerifier;

/// How many tokens are sealed in step. More gain nothing: four keep AES busy, eight SHA-256.
const LANES: usize = 8;

/// Seconds since 1970-01-01T00:00:00Z, as a token carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// Seals batches of answers.
///
/// It has a random number generator for the IVs and nothing else.
pub struct Sealer {
    reveals: bool,
    /// Seeded by the operating system once: asking it for each IV costs as much as the sealing.
    random: ChaCha20Rng,
}

/// The operating system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

impl Sealer {
    /// A sealer for the protocol: every reply is a line.
    ///
    /// # Errors
    /// [`NoRandomness`]: without random IVs nothing is sealed.
    pub fn new() -> Result<Self, NoRandomness> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(NoRandomness::from)?;
        Ok(Self { reveals: false, random: ChaCha20Rng::from_seed(seed) })
    }

    /// A sealer for the student report's wire, where the token comes without a line end and the key
    /// follows it. Whoever uses it gives up all secrecy; it exists for clients that know no better.
    ///
    /// # Errors
    /// As of [`Sealer::new`].
    pub fn revealing() -> Result<Self, NoRandomness> {
        Self::new().map(|sealer| Self { reveals: true, ..sealer })
    }

    /// Turns answers into replies: one token each, all of the time at which they were answered.
    pub fn seal(&mut self, answers: Answers) -> Replies {
        let now = answers.time();
        let random = &mut self.random;
        let random_iv = || {
            let mut iv = [0; IV_BYTES];
            random.fill_bytes(&mut iv);
            iv
        };
        answers.into_replies(self.reveals, |sealings| seal_in_step(sealings, now, random_iv))
    }
}

/// Seals texts in their frames.
fn seal_in_step<'a>(
    sealings: impl Iterator<Item = Sealing<'a>>,
    now: Timestamp,
    mut random_iv: impl FnMut() -> [u8; IV_BYTES],
) {
    let mut sealings = sealings.peekable();
    // The schedules of a group, behind the last one of the group before.
    let mut schedules = ArrayVec::<(&Key, Schedule), { LANES + 1 }>::new();
    while sealings.peek().is_some() {
        let mut group = ArrayVec::<(usize, Sealing<'_>), LANES>::new();
        for sealing in sealings.by_ref().take(LANES) {
            // Nearly always one student asks for all of a batch.
            let same = |(key, _): &(&Key, _)| key.is(sealing.key);
            if !schedules.last().is_some_and(same) {
                schedules.push((sealing.key, Schedule::of(sealing.key)));
            }
            group.push((schedules.len() - 1, sealing));
        }
        let lane = |(schedule, Sealing { frame, .. }): (usize, Sealing<'a>)| {
            let (_, schedule) = schedules.get(schedule)?;
            Some(Lane::new(schedule, frame, now, random_iv()))
        };
        lane::seal(&mut group.into_iter().filter_map(lane).collect::<ArrayVec<_, LANES>>());
        schedules.drain(..schedules.len() - 1);
    }
}

impl Timestamp {
    /// The timestamp of a moment; a clock before 1970 reads as 1970.
    pub fn of(moment: SystemTime) -> Self {
        Self(moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }
}

/// RFC 3339 in UTC: `2026-11-22T15:38:40Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The year 9999 is the last that the format can write.
        let seconds = self.0.min(253_402_300_799);
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        humantime::format_rfc3339_seconds(moment).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;
    use fernet::Fernet;
    use proptest::prelude::*;

    use super::*;
    use crate::token;

    /// The token that the fernet crate makes of a text, and ours with the same key, time and IV.
    fn both(texts: &[(u8, Vec<u8>)], now: u64) -> (Vec<String>, Vec<String>) {
        let theirs: Vec<_> = texts
            .iter()
            .map(|(key, text)| {
                Fernet::new(&URL_SAFE.encode([*key; 32])).unwrap().encrypt_at_time(text, now)
            })
            .collect();
        let mut ivs = theirs.iter().map(|token| URL_SAFE.decode(token).unwrap()[9..25].to_vec());
        let keys: Vec<_> = texts.iter().map(|(key, _)| Key::from_bytes([*key; 32])).collect();
        let mut frames: Vec<_> = texts
            .iter()
            .map(|(_, text)| {
                let mut frame = Vec::new();
                token::open_frame(&mut frame);
                frame.extend_from_slice(text);
                token::close_frame(&mut frame, 0);
                frame
            })
            .collect();
        let sealings = keys.iter().zip(&mut frames).map(|(key, frame)| Sealing { key, frame });
        seal_in_step(sealings, Timestamp(now), || ivs.next().unwrap().try_into().unwrap());
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
            texts in proptest::collection::vec((0..3_u8, proptest::collection::vec(any::<u8>(), 0..99)), 0..40),
            now in any::<u64>(),
        ) {
            let (theirs, ours) = both(&texts, now);
            prop_assert_eq!(theirs, ours);
        }
    }

    #[test]
    fn no_iv_is_used_twice() {
        let mut sealer = Sealer::new().unwrap();
        let mut other = Sealer::new().unwrap();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1_000 {
            for sealer in [&mut sealer, &mut other] {
                let mut iv = [0; IV_BYTES];
                sealer.random.fill_bytes(&mut iv);
                assert!(seen.insert(iv));
            }
        }
    }
}
