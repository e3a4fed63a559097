//! Verifying sealed requests, so that nobody without the key learns anything.
//!
//! An ID that no student has and a token that its student did not make take the same steps, in the
//! same order: form, key or decoy key, MAC in constant time, text, audience, time, replay cache.

use fernet_batch::frame::{BLOCK_BYTES, HEADER_BYTES};
use fernet_batch::{CachedVerifier, DecoyKeys, Key, NoRandomness, Timestamp};

use super::format::SealedRequest;
use super::replay_cache::{AdmitError, ReplayCache, ReplayLimits};
use crate::request::{Rejection, StudentId};
use crate::roster::id_hash;
use crate::wire::{REQUEST_FRAME_BYTES, REQUEST_TEXT_BYTES};

/// Verifies sealed requests and remembers those that it admitted.
pub struct RequestVerifier {
    audience: String,
    decoy_keys: DecoyKeys,
    /// The most seconds between a request's time and the server's.
    skew_seconds: u64,
    replay_cache: ReplayCache,
    /// For the first key that is tried, and for the second: so both caches miss as often for a student
    /// as for an unknown ID.
    verifiers: [CachedVerifier; 2],
}

/// A token, and the keys of the student that it names, if there is one.
pub(crate) struct Credentials<'a> {
    pub(crate) id: StudentId<'a>,
    pub(crate) key: Option<&'a Key>,
    /// The key before the current one, while it is valid.
    pub(crate) old_key: Option<&'a Key>,
    /// Whether any student has an old key: then two keys are tried for every request.
    pub(crate) tries_two: bool,
    pub(crate) token: &'a str,
}

/// What a verification finds.
pub(crate) enum Verified<'a> {
    /// No student with this ID made the token. It is answered with a decoy under this key.
    Unauthenticated(Key),
    /// The student made it.
    Authentic {
        request: SealedRequest<'a>,
        /// Whether it may be answered.
        status: Result<(), Rejection>,
        /// Whether the student used the key before the current one.
        with_old_key: bool,
    },
}

/// The memory that a request's token is decrypted in.
pub(crate) type Frame = [u8; REQUEST_FRAME_BYTES];

pub(crate) const EMPTY_FRAME: Frame = [0; REQUEST_FRAME_BYTES];

/// The AES blocks of a request's text.
const REQUEST_BLOCKS: usize = (REQUEST_TEXT_BYTES + 1) / BLOCK_BYTES;

impl RequestVerifier {
    /// A verifier for requests to this audience whose time is at most `skew_seconds` from the server's.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes for the decoy keys.
    pub fn new(
        audience: String,
        skew_seconds: u64,
        limits: ReplayLimits,
    ) -> Result<Self, NoRandomness> {
        Ok(Self {
            audience,
            decoy_keys: DecoyKeys::new()?,
            skew_seconds,
            replay_cache: ReplayCache::new(limits),
            verifiers: Default::default(),
        })
    }

    /// Verifies a request. What is authentic and may be answered counts as answered.
    pub(crate) fn verify<'a>(
        &mut self,
        credentials: &Credentials<'_>,
        now: Timestamp,
        frame: &'a mut Frame,
    ) -> Verified<'a> {
        let Self { decoy_keys, verifiers: [first, second], .. } = self;
        let id = credentials.id.as_str();
        // One decoy key at most is made, whether there is a student or not.
        let mut decoy_key = None;
        let mut open = |verifier: &mut CachedVerifier, key: Option<&Key>| {
            let key = match key {
                Some(key) => key,
                None => decoy_key.get_or_insert_with(|| decoy_keys.key_for(id)),
            };
            let verifier = verifier.for_key(key);
            let verified = verifier.open_into::<REQUEST_BLOCKS>(credentials.token, frame)?;
            // The text is one byte short of whole blocks, so its padding is one byte.
            (frame.get(HEADER_BYTES + REQUEST_TEXT_BYTES) == Some(&1)).then_some(verified)
        };
        let mut verified = open(first, credentials.key);
        let with_old_key = verified.is_none();
        if verified.is_none() && credentials.tries_two {
            verified = open(second, credentials.old_key);
        }
        let request = verified.and_then(|verified| Some((verified, read_request(frame, id)?)));
        let Some((verified, request)) = request else {
            let key = decoy_key.unwrap_or_else(|| decoy_keys.key_for(id));
            return Verified::Unauthenticated(key);
        };
        let status = self.admit(&request, verified, now);
        Verified::Authentic { request, status, with_old_key }
    }

    /// Decides whether an authentic request may be answered, and remembers it if so.
    fn admit(
        &mut self,
        request: &SealedRequest<'_>,
        verified: fernet_batch::Verified,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        if request.audience != self.audience {
            return Err(Rejection::WrongAudience);
        }
        // Compared as a difference: the time in a token may be any number.
        if verified.time.0.abs_diff(now.0) > self.skew_seconds {
            return Err(Rejection::ClockSkew);
        }
        let valid_until = Timestamp(verified.time.0.saturating_add(self.skew_seconds));
        let student = id_hash(request.id);
        self.replay_cache.admit(student, verified.mac_prefix, now, valid_until).map_err(|error| {
            match error {
                AdmitError::Replayed => Rejection::Replayed,
                AdmitError::Expired => Rejection::ClockSkew,
                AdmitError::Full => Rejection::QuotaReached,
            }
        })
    }
}

/// The request in a decrypted frame. A student's key may have sealed something else, such as a reply or
/// a request under another ID.
fn read_request<'a>(frame: &'a Frame, id: &str) -> Option<SealedRequest<'a>> {
    let text = frame.get(HEADER_BYTES..HEADER_BYTES + REQUEST_TEXT_BYTES)?;
    let request = SealedRequest::parse(std::str::from_utf8(text).ok()?)?;
    (request.id == id).then_some(request)
}

#[cfg(test)]
mod tests;
