//! Examining a sealed request: in an order in which nothing is learned by who has not the key.

use base64_simd::{Out, URL_SAFE};

use super::replay_cache::{AdmitError, ReplayCache};
use super::{REQUEST_FRAME_BYTES, REQUEST_TEXT_BYTES, ReplayLimits, SealedRequest, Status};
use crate::decoy::DecoyKeys;
use crate::id_set;
use crate::key::Key;
use crate::request::StudentId;
use crate::seal::{Timestamp, TokenVerifier};
use crate::token::{BLOCK_BYTES, HEADER_BYTES, MAC_BYTES, VERSION};

/// Examines sealed requests. It holds what it has answered.
pub struct RequestVerifier {
    audience: String,
    decoy_keys: DecoyKeys,
    /// How many seconds a request's time may be from the server's.
    skew: u64,
    replays: ReplayCache,
    /// For the first key that is tried, and for the second: so both are as often made anew for a student
    /// as for nobody.
    verifiers: [CachedVerifier; 2],
}

/// A request and the key of the student that it names, if there is that student.
pub(crate) struct Credentials<'a> {
    pub(crate) id: StudentId<'a>,
    pub(crate) key: Option<&'a Key>,
    /// The key before, if it is still good.
    pub(crate) old_key: Option<&'a Key>,
    /// Whether there is anyone who has one: then two keys are tried for everyone.
    pub(crate) tries_two: bool,
    pub(crate) token: &'a str,
}

/// What an examination finds.
pub(crate) enum Verified<'a> {
    /// Not what a student with this ID has sealed: answered with a decoy under this key.
    Unauthenticated(Key),
    /// A request by the student; with the status that is to be told.
    Authentic {
        request: SealedRequest<'a>,
        status: Status,
        /// Whether the student has used the key before the current one.
        with_old_key: bool,
    },
}

/// The memory that a request's token is open_with in.
pub(crate) type Frame = [u8; REQUEST_FRAME_BYTES];

/// Such memory, to be open_with in.
pub(crate) const EMPTY_FRAME: Frame = [0; REQUEST_FRAME_BYTES];

impl RequestVerifier {
    /// An verifier for requests to this audience, whose time is at most `skew_seconds` from the
    /// server's.
    pub fn new(audience: String, skew_seconds: u64, limits: ReplayLimits) -> Self {
        let (decoy_keys, replays) = (DecoyKeys::new(), ReplayCache::new(limits));
        Self { audience, decoy_keys, skew: skew_seconds, replays, verifiers: Default::default() }
    }

    /// Examines a request. An ID that nobody has and a token that its student has not made take the
    /// same steps.
    pub(crate) fn verify<'a>(
        &mut self,
        credentials: &Credentials<'_>,
        now: Timestamp,
        frame: &'a mut Frame,
    ) -> Verified<'a> {
        // Whoever has not the key costs one decoy's making, be there a student or not.
        let mut decoy = None;
        let Self { decoy_keys, verifiers: [first, second], .. } = self;
        let mut open_with = |verifier: &mut CachedVerifier, key: Option<&Key>| {
            let key = match key {
                Some(key) => key,
                None => decoy.get_or_insert_with(|| decoy_keys.decoy_key(&credentials.id)),
            };
            open_with(verifier.of(key), credentials.token, frame)
        };
        let with_current = open_with(first, credentials.key);
        let with_old_key = with_current.is_none();
        let with_any = match with_current {
            None if credentials.tries_two => open_with(second, credentials.old_key),
            with_current => with_current,
        };
        let unauthenticated = || {
            Verified::Unauthenticated(
                decoy.unwrap_or_else(|| decoy_keys.decoy_key(&credentials.id)),
            )
        };
        let Some((time, mac)) = with_any else { return unauthenticated() };
        let text = frame.get(HEADER_BYTES..HEADER_BYTES + REQUEST_TEXT_BYTES).unwrap_or_default();
        let request = std::str::from_utf8(text).ok().and_then(SealedRequest::parse);
        // The student's key has sealed something else, such as a reply.
        let Some(request) = request.filter(|request| request.id == credentials.id.as_str()) else {
            return unauthenticated();
        };
        let status = self.status(&request, time, mac, now);
        Verified::Authentic { request, status, with_old_key }
    }

    fn status(
        &mut self,
        request: &SealedRequest<'_>,
        time: Timestamp,
        mac: u64,
        now: Timestamp,
    ) -> Status {
        if request.audience != self.audience {
            return Status::Audience;
        }
        // By comparison only: a time out of a token may be any number.
        if time.0.abs_diff(now.0) > self.skew {
            return Status::Clock;
        }
        let until = Timestamp(time.0.saturating_add(self.skew));
        match self.replays.admit(id_set::id_hash(request.id), mac, now, until) {
            Ok(()) => Status::Ok,
            Err(AdmitError::Replayed) => Status::Replayed,
            Err(AdmitError::Expired) => Status::Clock,
            Err(AdmitError::Full) => Status::Busy,
        }
    }
}

/// The AES blocks of every request's text.
const REQUEST_BLOCKS: usize = (REQUEST_TEXT_BYTES + 1) / BLOCK_BYTES;

/// The verifier of the key that was tried last: nearly always one student asks for all of a batch.
#[derive(Default)]
struct CachedVerifier {
    last: Option<(Key, TokenVerifier)>,
    #[cfg(test)]
    made: usize,
}

impl CachedVerifier {
    fn of(&mut self, key: &Key) -> &TokenVerifier {
        // Another one is wiped as it goes.
        drop(self.last.take_if(|(last, _)| !last.is(key)));
        #[cfg(test)]
        {
            self.made += usize::from(self.last.is_none());
        }
        let (_, verifier) = self.last.get_or_insert_with(|| (key.clone(), TokenVerifier::of(key)));
        verifier
    }
}

/// Opens a token in `frame`, where its text is then. Gives its time and the beginning of its MAC;
/// nothing if this key has not made it.
fn open_with(verifier: &TokenVerifier, token: &str, frame: &mut Frame) -> Option<(Timestamp, u64)> {
    // The decoder asks for memory of the right length, and reads only the one spelling of the bytes.
    let bytes = URL_SAFE.decoded_length(token.as_bytes()).ok()?;
    (bytes == REQUEST_FRAME_BYTES).then_some(())?;
    URL_SAFE.decode(token.as_bytes(), Out::from_slice(frame.as_mut_slice())).ok()?;
    let (covered, mac) = frame.split_last_chunk_mut::<MAC_BYTES>()?;
    if !verifier.verify_mac(covered, mac) || covered.first() != Some(&VERSION) {
        return None;
    }
    let time = covered.get(1..)?.first_chunk().copied().map(u64::from_be_bytes)?;
    verifier.decrypt::<REQUEST_BLOCKS>(covered)?;
    (covered.last() == Some(&1)).then_some(())?;
    let mac = mac.first_chunk().copied().map(u64::from_be_bytes)?;
    Some((Timestamp(time), mac))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE;

    use super::*;
    use crate::sealed::{Nonce, REQUEST_TOKEN_BYTES};

    const NOW: Timestamp = Timestamp(1_800_000_000);
    const LIMITS: ReplayLimits = ReplayLimits { per_student: 1_000, total: 10_000 };

    fn key(n: u8) -> Key {
        Key::from_bytes([n; 32])
    }

    fn verifier() -> RequestVerifier {
        RequestVerifier::new("nets-2026".into(), 300, LIMITS)
    }

    fn sealed(key: &Key, audience: &str, id: &str, nonce: u64, time: u64) -> String {
        let request = SealedRequest { audience, id, command: "GG", nonce: Nonce(nonce) };
        request.seal(key, Timestamp(time)).unwrap()
    }

    /// The status that is told, or that it is none of theirs.
    fn status(verifier: &mut RequestVerifier, known: Option<&Key>, token: &str) -> String {
        let id = StudentId::new(b"2100001").unwrap();
        let mut frame = [0; REQUEST_FRAME_BYTES];
        let credentials = Credentials { id, key: known, old_key: None, tries_two: false, token };
        match verifier.verify(&credentials, NOW, &mut frame) {
            Verified::Unauthenticated(_) => "foreign".into(),
            Verified::Authentic { request, status, .. } => {
                assert_eq!((request.id, request.command), ("2100001", "GG"));
                status.word().into()
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
        assert_eq!(with(&new, true), Some((Status::Ok, false)));
        assert_eq!(with(&old, true), Some((Status::Ok, true)));
        assert_eq!(with(&key(3), true), None);
        assert_eq!(with(&old, false), None);
    }

    /// How often a key is made ready while a stranger asks for a student again and again.
    fn keys_made_ready(known: Option<(&Key, Option<&Key>)>, tries_two: bool) -> usize {
        let mut verifier = verifier();
        let foreign = sealed(&key(7), "nets-2026", "2100001", 1, NOW.0);
        let id = StudentId::new(b"2100001").unwrap();
        for _ in 0..5 {
            let (key, old_key) = known.unzip();
            let credentials =
                Credentials { id, key, old_key: old_key.flatten(), tries_two, token: &foreign };
            let mut frame = [0; REQUEST_FRAME_BYTES];
            assert!(matches!(
                verifier.verify(&credentials, NOW, &mut frame),
                Verified::Unauthenticated(_)
            ));
        }
        verifier.verifiers.iter().map(|verifier| verifier.made).sum()
    }

    #[test]
    fn a_stranger_costs_as_much_for_a_student_with_one_key_or_two_as_for_nobody() {
        let (new, old) = (key(1), key(2));
        assert_eq!(keys_made_ready(None, false), 1);
        assert_eq!(keys_made_ready(Some((&new, None)), false), 1);
        assert_eq!(keys_made_ready(None, true), 2);
        assert_eq!(keys_made_ready(Some((&new, None)), true), 2);
        assert_eq!(keys_made_ready(Some((&new, Some(&old))), true), 2);
    }

    #[test]
    fn what_is_not_the_student_s_is_foreign_like_an_unknown_student_s() {
        let (mut verifier, key, other) = (verifier(), key(1), key(2));
        let token = sealed(&other, "nets-2026", "2100001", 1, NOW.0);
        assert_eq!(status(&mut verifier, Some(&key), &token), "foreign", "another key");
        assert_eq!(status(&mut verifier, None, &token), "foreign", "nobody's");
        let token = sealed(&key, "nets-2026", "2100002", 1, NOW.0);
        assert_eq!(status(&mut verifier, Some(&key), &token), "foreign", "about someone else");
        let fernet = fernet::Fernet::new(&key.expose_text()).unwrap();
        let mut reply = b"R1\t2100001\tGG\t0000000000000001\t1\t1800000000\tok\t".to_vec();
        reply.resize(REQUEST_TEXT_BYTES, b' ');
        let reflected = fernet.encrypt_at_time(&reply, NOW.0);
        assert_eq!(reflected.len(), REQUEST_TOKEN_BYTES);
        assert_eq!(status(&mut verifier, Some(&key), &reflected), "foreign", "a reply sent back");
        let unpadded = "A".repeat(REQUEST_TOKEN_BYTES);
        assert_eq!(status(&mut verifier, Some(&key), &unpadded), "foreign", "longer once decoded");
        for text in [0, 16, 254, 256, 300] {
            let token = fernet.encrypt_at_time(&vec![b' '; text], NOW.0);
            assert_eq!(status(&mut verifier, Some(&key), &token), "foreign", "{text} bytes");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_foreign_and_never_a_replay() {
        let (mut verifier, key) = (verifier(), key(1));
        let token = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
        let bytes = URL_SAFE.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = URL_SAFE.encode(bytes);
            assert_eq!(status(&mut verifier, Some(&key), &changed), "foreign", "bit {bit}");
        }
        for cut in 0..token.len() {
            assert_eq!(
                status(&mut verifier, Some(&key), token.get(..cut).unwrap()),
                "foreign",
                "cut at {cut}"
            );
        }
        assert_eq!(status(&mut verifier, Some(&key), &token), "ok");
    }

    #[test]
    fn time_and_audience_are_told_to_the_student_alone() {
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
