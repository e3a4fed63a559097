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
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;

    use super::*;
    use crate::sealed::Nonce;
    use crate::wire::REQUEST_TOKEN_BYTES;

    const NOW: Timestamp = Timestamp(1_800_000_000);
    const LIMITS: ReplayLimits = ReplayLimits { per_student: 1_000, total: 10_000 };

    fn key(n: u8) -> Key {
        Key::from_bytes([n; 32])
    }

    fn verifier() -> RequestVerifier {
        RequestVerifier::new("nets-2026".into(), 300, LIMITS).unwrap()
    }

    fn sealed(key: &Key, audience: &str, id: &str, nonce: u64, time: u64) -> String {
        let request = SealedRequest { audience, id, command: "GG", nonce: Nonce(nonce) };
        request.seal(key, Timestamp(time)).unwrap()
    }

    /// The reply's status, or that the token is not authentic.
    fn status(verifier: &mut RequestVerifier, known: Option<&Key>, token: &str) -> String {
        let id = StudentId::new(b"2100001").unwrap();
        let mut frame = [0; REQUEST_FRAME_BYTES];
        let credentials = Credentials { id, key: known, old_key: None, tries_two: false, token };
        match verifier.verify(&credentials, NOW, &mut frame) {
            Verified::Unauthenticated(_) => "unauthenticated".into(),
            Verified::Authentic { request, status, .. } => {
                assert_eq!((request.id, request.command), ("2100001", "GG"));
                status.map_or_else(Rejection::word, |()| "ok").into()
            }
        }
    }

    #[test]
    fn a_student_s_own_request_is_answered_once() {
        let (mut verifier, key) = (verifier(), key(1));
        let token = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
        assert_eq!(status(&mut verifier, Some(&key), &token), "ok");
        assert_eq!(status(&mut verifier, Some(&key), &token), "replayed");
        let again = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
        assert_eq!(status(&mut verifier, Some(&key), &again), "ok", "the same words sealed anew");
    }

    #[test]
    fn a_student_may_use_the_new_key_or_the_one_before() {
        let (mut verifier, new, old) = (verifier(), key(1), key(2));
        let mut with = |by: &Key, tries_two| {
            let token = sealed(by, "nets-2026", "2100001", 1, NOW.0);
            let id = StudentId::new(b"2100001").unwrap();
            let (key, old_key) = (Some(&new), Some(&old).filter(|_| tries_two));
            let credentials = Credentials { id, key, old_key, tries_two, token: &token };
            match verifier.verify(&credentials, NOW, &mut [0; REQUEST_FRAME_BYTES]) {
                Verified::Unauthenticated(_) => None,
                Verified::Authentic { with_old_key, status, .. } => Some((status, with_old_key)),
            }
        };
        assert_eq!(with(&new, true), Some((Ok(()), false)));
        assert_eq!(with(&old, true), Some((Ok(()), true)));
        assert_eq!(with(&key(3), true), None);
        assert_eq!(with(&old, false), None);
    }

    /// The number of keys expanded while an outsider sends forged requests for a student.
    fn keys_expanded(known: Option<(&Key, Option<&Key>)>, tries_two: bool) -> u64 {
        let mut verifier = verifier();
        let forged = sealed(&key(7), "nets-2026", "2100001", 1, NOW.0);
        let id = StudentId::new(b"2100001").unwrap();
        for _ in 0..5 {
            let (key, old_key) = known.unzip();
            let credentials =
                Credentials { id, key, old_key: old_key.flatten(), tries_two, token: &forged };
            let mut frame = [0; REQUEST_FRAME_BYTES];
            assert!(matches!(
                verifier.verify(&credentials, NOW, &mut frame),
                Verified::Unauthenticated(_)
            ));
        }
        verifier.verifiers.iter().map(CachedVerifier::keys_expanded).sum()
    }

    #[test]
    fn a_forged_request_costs_as_much_for_a_student_with_one_key_or_two_as_for_an_unknown_id() {
        let (new, old) = (key(1), key(2));
        assert_eq!(keys_expanded(None, false), 1);
        assert_eq!(keys_expanded(Some((&new, None)), false), 1);
        assert_eq!(keys_expanded(None, true), 2);
        assert_eq!(keys_expanded(Some((&new, None)), true), 2);
        assert_eq!(keys_expanded(Some((&new, Some(&old))), true), 2);
    }

    #[test]
    fn a_token_that_the_student_did_not_make_is_unauthenticated_like_an_unknown_student_s() {
        let (mut verifier, key, other) = (verifier(), key(1), key(2));
        let token = sealed(&other, "nets-2026", "2100001", 1, NOW.0);
        assert_eq!(status(&mut verifier, Some(&key), &token), "unauthenticated", "another key");
        assert_eq!(status(&mut verifier, None, &token), "unauthenticated", "nobody's");
        let token = sealed(&key, "nets-2026", "2100002", 1, NOW.0);
        assert_eq!(
            status(&mut verifier, Some(&key), &token),
            "unauthenticated",
            "about someone else"
        );
        let fernet = fernet::Fernet::new(&key.expose_text()).unwrap();
        let mut reply = b"R1\t2100001\tGG\t0000000000000001\t1\t1800000000\tok\t".to_vec();
        reply.resize(REQUEST_TEXT_BYTES, b' ');
        let reflected = fernet.encrypt_at_time(&reply, NOW.0);
        assert_eq!(reflected.len(), REQUEST_TOKEN_BYTES);
        assert_eq!(
            status(&mut verifier, Some(&key), &reflected),
            "unauthenticated",
            "a reply sent back"
        );
        let unpadded = "A".repeat(REQUEST_TOKEN_BYTES);
        assert_eq!(
            status(&mut verifier, Some(&key), &unpadded),
            "unauthenticated",
            "longer once decoded"
        );
        for text in [0, 16, 254, 256, 300] {
            let token = fernet.encrypt_at_time(&vec![b' '; text], NOW.0);
            assert_eq!(
                status(&mut verifier, Some(&key), &token),
                "unauthenticated",
                "{text} bytes"
            );
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_unauthenticated_and_never_a_replay() {
        let (mut verifier, key) = (verifier(), key(1));
        let token = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
        let bytes = URL_SAFE.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = URL_SAFE.encode(bytes);
            assert_eq!(status(&mut verifier, Some(&key), &changed), "unauthenticated", "bit {bit}");
        }
        for cut in 0..token.len() {
            assert_eq!(
                status(&mut verifier, Some(&key), token.get(..cut).unwrap()),
                "unauthenticated",
                "cut at {cut}"
            );
        }
        assert_eq!(status(&mut verifier, Some(&key), &token), "ok");
    }

    #[test]
    fn only_the_student_learns_that_time_or_audience_is_wrong() {
        let (mut verifier, key) = (verifier(), key(1));
        for (time, expected) in [
            (NOW.0 - 300, "ok"),
            (NOW.0 + 300, "ok"),
            (NOW.0 - 301, "clock"),
            (NOW.0 + 301, "clock"),
            (0, "clock"),
            (u64::MAX, "clock"),
        ] {
            let token = sealed(&key, "nets-2026", "2100001", 1, time);
            assert_eq!(status(&mut verifier, Some(&key), &token), expected, "{time}");
        }
        let token = sealed(&key, "nets-2025", "2100001", 1, NOW.0);
        assert_eq!(status(&mut verifier, Some(&key), &token), "audience");
        assert_eq!(status(&mut verifier, Some(&key), &token), "audience", "and is no replay");
    }
}
