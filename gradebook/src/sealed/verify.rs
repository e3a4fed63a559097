//! Verifying sealed requests, so that nobody without the key learns anything.
//!
//! An ID that no student has, a token that its student did not make, and a token that was recorded and
//! is sent again take the same steps: form, key or decoy key, MAC in constant time, a look at the replay cache, text,
//! audience, time, replay cache, decoy key. Only a request that is answered takes fewer.

mod decoy;
mod frame;
mod opened;

use std::hint::black_box;

use arrayvec::ArrayVec;
use decoy::{ClassDecoyKeys, DecoyKey};
use fernet_batch::{
    BatchVerifier, ClosedToken, DecoyKeys, KeyRef, NoRandomness, OwnedKey, Timestamp,
};
use frame::{
    EMPTY_FRAME, Frame, REQUEST_BLOCKS, SAMPLE_FRAME, is_padded, mac_prefix, read_request,
    written_time,
};
use opened::{Opened, OpenedRequest};

use super::format::{Nonce, SealedRequest};
use super::replay_cache::{AdmitError, ReplayCache, ReplayLimits, RequestIdentity};
use crate::request::Rejection;
use crate::roster::id_hash;

/// Which requests are answered.
#[derive(Clone, Debug)]
pub struct VerifierConfig {
    /// The course and term that requests must name.
    pub audience: String,
    /// The most seconds between a request's time and the server's.
    pub skew_seconds: u64,
    /// How many requests are remembered.
    pub replays: ReplayLimits,
    /// When the process began to listen. A request of this second or before may have been answered by a process
    /// before this one, and is not answered again. A later one may have been, too, if the client's clock was ahead.
    pub started_at: Timestamp,
}

/// Verifies sealed requests and remembers those that it admitted.
pub struct RequestVerifier {
    config: VerifierConfig,
    decoy_keys: ClassDecoyKeys,
    replay_cache: ReplayCache,
    /// For the first key that is tried, and for the second: so both remember a key as often for a student as
    /// for an unknown ID.
    verifiers: [BatchVerifier; 2],
    opened: Opened,
    /// The decoy key of a request that was not opened before it was verified.
    unopened_decoy_key: Option<OwnedKey>,
    /// The last second whose requests are answered, once the process ends.
    last_second: Option<Timestamp>,
}

/// A token, and the keys of the student that it names, if there is one.
#[derive(Clone, Copy)]
pub(crate) struct Credentials<'a> {
    pub(crate) id: &'a str,
    pub(crate) key: Option<KeyRef<'a>>,
    /// The key before the current one, while it is valid.
    pub(crate) old_key: Option<KeyRef<'a>>,
    /// Whether any student has an old key: then two keys are tried for every request.
    pub(crate) tries_two: bool,
    /// How many requests of a student are remembered.
    pub(crate) replays_max: usize,
    pub(crate) token: &'a str,
}

/// What a verification finds.
pub(crate) enum Verification<'v> {
    /// No student with this ID made the token. It is answered with a decoy under this key.
    Unauthenticated(&'v OwnedKey),
    /// The student made it.
    Authentic {
        request: SealedRequest<'v>,
        /// Whether it may be answered.
        status: Result<(), Rejection>,
        /// Whether the student used the key before the current one.
        with_old_key: bool,
    },
}

impl RequestVerifier {
    /// The number of requests that are opened together.
    pub(crate) const OPENED_TOGETHER: usize = BatchVerifier::TOGETHER;

    /// A verifier that has answered no request yet.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes for the decoy keys.
    pub fn new(config: VerifierConfig) -> Result<Self, NoRandomness> {
        Ok(Self {
            config,
            decoy_keys: ClassDecoyKeys::new(DecoyKeys::new()?),
            replay_cache: ReplayCache::default(),
            verifiers: Default::default(),
            opened: Opened::none(),
            unopened_decoy_key: None,
            last_second: None,
        })
    }

    /// Answers no request that is later than this second, from now on: the process ends, and the next one does not
    /// answer those that are earlier.
    pub fn refuse_after(&mut self, last_second: Timestamp) {
        self.last_second.get_or_insert(last_second);
    }

    /// How many requests are remembered for each student of a class.
    pub(crate) fn replays_max(&self, students: usize) -> usize {
        self.config.replays.share(students)
    }

    /// Begins a batch, at the time `now`. If the `MacStates` of the students' keys are kept, those of decoy keys must be
    /// computed: a token that is sealed or opened without them takes longer.
    pub(crate) fn begin(&mut self, now: Timestamp, keeps_mac_states: bool) {
        self.decoy_keys.set_with_mac_states(keeps_mac_states);
        self.replay_cache.expire(now);
        self.clear();
    }

    /// Returns true if all requests were verified that were opened: the next ones must be opened first.
    pub(crate) fn needs_more(&self) -> bool {
        self.opened.unverified() == 0
    }

    /// Opens the next [`OPENED_TOGETHER`](Self::OPENED_TOGETHER) requests, each with the first key that is tried for
    /// it. They must be [verified](Self::verify) in the same order.
    pub(crate) fn open<'a>(&mut self, requests: impl Iterator<Item = Credentials<'a>>) {
        const TOGETHER: usize = RequestVerifier::OPENED_TOGETHER;
        let Self { verifiers: [first, _], decoy_keys, opened, config, replay_cache, .. } = self;
        let requests: ArrayVec<_, TOGETHER> = requests.take(TOGETHER).collect();
        opened.clear();
        let Opened { frames, requests: opened, .. } = opened;
        for Credentials { id, key, .. } in &requests {
            // One decoy key is made for each request that is not answered, whether there is a student or not.
            let decoy_key = key.is_none().then(|| decoy_keys.key_for(id));
            opened.push(OpenedRequest { time: None, decoy_key });
        }
        let mut tokens = ArrayVec::<_, TOGETHER>::new();
        for ((Credentials { key, token, .. }, opened), frame) in
            requests.iter().zip(&*opened).zip(&mut *frames)
        {
            // One of the two is there.
            if let Some(key) = key.or(opened.decoy_key.as_ref().map(KeyRef::from)) {
                tokens.push(ClosedToken { key, token, frame });
            }
        }
        let mut times = ArrayVec::<_, TOGETHER>::new();
        first.open::<REQUEST_BLOCKS>(&mut tokens, |time| times.push(time));
        drop(tokens);
        for ((opened, time), frame) in opened.iter_mut().zip(times).zip(&*frames) {
            opened.time = time.filter(|_| is_padded(frame));
        }
        let identities = requests.iter().zip(&*frames);
        replay_cache.fetch(identities.map(|(request, frame)| config.identity(request.id, frame)));
    }

    /// Ends a batch, in which these requests were not verified: the ID of each, and whether a student has it. Those
    /// that were opened may be opened again in the next batch, and cost as much whether there is a student or not.
    pub(crate) fn end<'a>(&mut self, unverified: impl Iterator<Item = (&'a str, bool)>) {
        let opened = unverified.take(self.opened.unverified());
        for (id, _) in opened.filter(|(_, is_student)| *is_student) {
            black_box(self.decoy_keys.key_for(id));
        }
        self.clear();
    }

    /// Wipes what requests said, and decoy keys.
    fn clear(&mut self) {
        self.opened.clear();
        self.unopened_decoy_key = None;
    }

    /// Verifies the next request that was [opened](Self::open). What is authentic and may be answered counts as
    /// answered.
    pub(crate) fn verify(
        &mut self,
        credentials: &Credentials<'_>,
        now: Timestamp,
    ) -> Verification<'_> {
        let Self {
            verifiers: [_, second],
            decoy_keys,
            opened,
            config,
            replay_cache,
            unopened_decoy_key,
            last_second,
        } = self;
        let id = credentials.id;
        let Some((frame, OpenedRequest { time, decoy_key })) = opened.next() else {
            return Verification::Unauthenticated(
                unopened_decoy_key.insert(decoy_keys.key_for(id)),
            );
        };
        let mut decoy_key = DecoyKey::new(decoy_keys, id, decoy_key);
        let mut time = *time;
        let with_old_key = time.is_none();
        if time.is_none() && credentials.tries_two {
            time = try_old_key(second, credentials, &mut decoy_key, frame);
        }
        let identity = config.identity(id, frame);
        let request = time.and_then(|time| Some((time, read_request(frame, id)?)));
        let Some((time, request)) = request else {
            config.spend_as_for_a_replay(replay_cache, id, identity);
            return Verification::Unauthenticated(decoy_key.into_key());
        };
        let is_too_late = last_second.is_some_and(|last_second| time > last_second);
        let in_time = if is_too_late { Err(Rejection::QuotaReached) } else { Ok(()) };
        let checked = config.check(&request, time, now).and(in_time);
        let status = admit(replay_cache, checked, identity, credentials.replays_max);
        if status.is_err() {
            if credentials.tries_two && !with_old_key {
                let frame = &mut EMPTY_FRAME.clone();
                black_box(try_old_key(second, credentials, &mut decoy_key, frame));
            }
            black_box(decoy_key.get());
        }
        Verification::Authentic { request, status, with_old_key }
    }
}

impl VerifierConfig {
    /// What identifies the request in this frame among those of the student with this ID, right or wrong.
    fn identity(&self, id: &str, frame: &Frame) -> RequestIdentity {
        let valid_until = Timestamp(written_time(frame).0.saturating_add(self.skew_seconds));
        RequestIdentity { student: id_hash(id), mac_prefix: mac_prefix(frame), valid_until }
    }

    /// Does what only a request that was answered before costs, without effect.
    fn spend_as_for_a_replay(
        &self,
        replay_cache: &ReplayCache,
        id: &str,
        identity: RequestIdentity,
    ) {
        let sample = SealedRequest { audience: "", id, command: "GG", nonce: Nonce(0) };
        let epoch = Timestamp(0);
        black_box(read_request(black_box(&SAMPLE_FRAME), id));
        let _ = black_box(self.check(black_box(&sample), epoch, epoch));
        black_box(replay_cache.contains(identity));
    }

    /// Decides whether a request to this audience, made at `time`, may be answered now.
    fn check(
        &self,
        request: &SealedRequest<'_>,
        time: Timestamp,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        if request.audience != self.audience {
            return Err(Rejection::WrongAudience);
        }
        // Compared as a difference: the time in a token may be any number.
        if time.0.abs_diff(now.0) > self.skew_seconds || time <= self.started_at {
            return Err(Rejection::ClockSkew);
        }
        Ok(())
    }
}

/// Decides whether an authentic request, which was checked, may be answered, and remembers it if so.
fn admit(
    replay_cache: &mut ReplayCache,
    checked: Result<(), Rejection>,
    identity: RequestIdentity,
    share: usize,
) -> Result<(), Rejection> {
    if let Err(rejection) = checked {
        black_box(replay_cache.contains(identity));
        return Err(rejection);
    }
    replay_cache.admit(identity, share).map_err(|error| match error {
        AdmitError::Replayed => Rejection::Replayed,
        AdmitError::Expired => Rejection::ClockSkew,
        AdmitError::Full => Rejection::QuotaReached,
    })
}

/// Opens a token with a student's old key, or with the decoy key in its place.
fn try_old_key(
    verifier: &mut BatchVerifier,
    credentials: &Credentials<'_>,
    decoy_key: &mut DecoyKey<'_, '_>,
    frame: &mut Frame,
) -> Option<Timestamp> {
    let key = credentials.old_key.unwrap_or_else(|| decoy_key.get().into());
    let time = verifier.open_one::<REQUEST_BLOCKS>(key, credentials.token, frame)?;
    is_padded(frame).then_some(time)
}

#[cfg(test)]
mod tests;
