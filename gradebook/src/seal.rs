//! From what may be told to what only one student can read.
//!
//! A token is Fernet's: version, time, IV, AES-128-CBC, HMAC-SHA256, in base64url
//! (<https://github.com/fernet/spec/blob/master/Spec.md>). The sealer is stateless and asks nobody
//! for the time; its caller says it.

use std::fmt;
use std::time::{Duration, SystemTime};

use fernet::Fernet;

use crate::batch::{Answers, Replies};
use crate::key::Key;
use crate::wire;

/// Seconds since 1970-01-01T00:00:00Z, as a token carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// Seals batches of answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sealer {
    reveals: bool,
}

impl Sealer {
    /// A sealer for the protocol: every reply is a line.
    pub const fn new() -> Self {
        Self { reveals: false }
    }

    /// A sealer for the student report's wire, where the token comes without a line end and the key
    /// follows it. Whoever uses it gives up all secrecy; it exists for clients that know no better.
    pub const fn revealing() -> Self {
        Self { reveals: true }
    }

    /// Turns answers into replies: one token each, all of the same time.
    pub fn seal(self, mut answers: Answers, now: Timestamp) -> Replies {
        if self.reveals {
            answers.reveal_first_key();
        }
        let seal = |key: &Key, text: &[u8], out: &mut Vec<u8>| {
            // A key's text form always makes a Fernet.
            let Some(fernet) = Fernet::new(&key.expose_text()) else { return };
            let token = fernet.encrypt_at_time(text, now.0);
            if self.reveals {
                out.extend_from_slice(token.as_bytes());
            } else {
                wire::write_token(out, token.as_bytes());
            }
        };
        answers.written(seal, |refusal, out| wire::write_refusal(out, refusal))
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
