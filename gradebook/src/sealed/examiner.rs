//! Examining a sealed request: in an order in which nothing is learned by who has not the key.

use base64_simd::{Out, URL_SAFE};

use super::replays::{NotNew, Replays};
use super::{Query, REQUEST_FRAME_BYTES, REQUEST_TEXT_BYTES, ReplayLimits, Status};
use crate::census;
use crate::cover::Cover;
use crate::key::Key;
use crate::request::StudentId;
use crate::seal::{Opener, Timestamp};
use crate::token::{BLOCK_BYTES, HEADER_BYTES, MAC_BYTES, VERSION};

/// Examines sealed requests. It holds what it has answered.
pub struct Examiner {
    audience: String,
    cover: Cover,
    /// How many seconds a request's time may be from the server's.
    skew: u64,
    replays: Replays,
    /// For the first key that is tried, and for the second: so both are as often made anew for a student
    /// as for nobody.
    openers: [LastOpener; 2],
}

/// A request and the key of the student that it names, if there is that student.
pub(crate) struct Sought<'a> {
    pub(crate) id: StudentId<'a>,
    pub(crate) key: Option<&'a Key>,
    /// The key before, if it is still good.
    pub(crate) old_key: Option<&'a Key>,
    /// Whether there is anyone who has one: then two keys are tried for everyone.
    pub(crate) tries_two: bool,
    pub(crate) token: &'a str,
}

/// What an examination finds.
pub(crate) enum Examined<'a> {
    /// Not what a student with this ID has sealed: answered with a decoy under this key.
    Foreign(Key),
    /// A request by the student; with the status that is to be told.
    Genuine {
        query: Query<'a>,
        status: Status,
        /// Whether the student has used the key before the current one.
        with_old_key: bool,
    },
}

/// The memory that a request's token is opened in.
pub(crate) type Frame = [u8; REQUEST_FRAME_BYTES];

/// Such memory, to be opened in.
pub(crate) const EMPTY_FRAME: Frame = [0; REQUEST_FRAME_BYTES];

impl Examiner {
    /// An examiner for requests to this audience, whose time is at most `skew_seconds` from the
    /// server's.
    pub fn new(audience: String, skew_seconds: u64, limits: ReplayLimits) -> Self {
        let (cover, replays) = (Cover::new(), Replays::new(limits));
        Self { audience, cover, skew: skew_seconds, replays, openers: Default::default() }
    }

    /// Examines a request. An ID that nobody has and a token that its student has not made take the
    /// same steps.
    pub(crate) fn examine<'a>(
        &mut self,
        sought: &Sought<'_>,
        now: Timestamp,
        frame: &'a mut Frame,
    ) -> Examined<'a> {
        // Whoever has not the key costs one decoy's making, be there a student or not.
        let mut decoy = None;
        let Self { cover, openers: [first, second], .. } = self;
        let mut opened = |opener: &mut LastOpener, key: Option<&Key>| {
            let key = match key {
                Some(key) => key,
                None => decoy.get_or_insert_with(|| cover.decoy_key(&sought.id)),
            };
            opened(opener.of(key), sought.token, frame)
        };
        let with_current = opened(first, sought.key);
        let with_old_key = with_current.is_none();
        let with_any = match with_current {
            None if sought.tries_two => opened(second, sought.old_key),
            with_current => with_current,
        };
        let foreign = || Examined::Foreign(decoy.unwrap_or_else(|| cover.decoy_key(&sought.id)));
        let Some((time, mac)) = with_any else { return foreign() };
        let text = frame.get(HEADER_BYTES..HEADER_BYTES + REQUEST_TEXT_BYTES).unwrap_or_default();
        let query = std::str::from_utf8(text).ok().and_then(Query::parse);
        // The student's key has sealed something else, such as a reply.
        let Some(query) = query.filter(|query| query.id == sought.id.as_str()) else {
            return foreign();
        };
        let status = self.status(&query, time, mac, now);
        Examined::Genuine { query, status, with_old_key }
    }

    fn status(&mut self, query: &Query<'_>, time: Timestamp, mac: u64, now: Timestamp) -> Status {
        if query.audience != self.audience {
            return Status::Audience;
        }
        // By comparison only: a time out of a token may be any number.
        if time.0.abs_diff(now.0) > self.skew {
            return Status::Clock;
        }
        let until = Timestamp(time.0.saturating_add(self.skew));
        match self.replays.admit(census::number(query.id), mac, now, until) {
            Ok(()) => Status::Ok,
            Err(NotNew::Replayed) => Status::Replayed,
            Err(NotNew::Forgotten) => Status::Clock,
            Err(NotNew::Full) => Status::Busy,
        }
    }
}

/// The AES blocks of every request's text.
const REQUEST_BLOCKS: usize = (REQUEST_TEXT_BYTES + 1) / BLOCK_BYTES;

/// The opener of the key that was tried last: nearly always one student asks for all of a batch.
#[derive(Default)]
struct LastOpener {
    last: Option<(Key, Opener)>,
    #[cfg(test)]
    made: usize,
}

impl LastOpener {
    fn of(&mut self, key: &Key) -> &Opener {
        // Another one is wiped as it goes.
        drop(self.last.take_if(|(last, _)| !last.is(key)));
        #[cfg(test)]
        {
            self.made += usize::from(self.last.is_none());
        }
        let (_, opener) = self.last.get_or_insert_with(|| (key.clone(), Opener::of(key)));
        opener
    }
}

/// Opens a token in `frame`, where its text is then. Gives its time and the beginning of its MAC;
/// nothing if this key has not made it.
fn opened(opener: &Opener, token: &str, frame: &mut Frame) -> Option<(Timestamp, u64)> {
    // The decoder asks for memory of the right length, and reads only the one spelling of the bytes.
    let bytes = URL_SAFE.decoded_length(token.as_bytes()).ok()?;
    (bytes == REQUEST_FRAME_BYTES).then_some(())?;
    URL_SAFE.decode(token.as_bytes(), Out::from_slice(frame.as_mut_slice())).ok()?;
    let (covered, mac) = frame.split_last_chunk_mut::<MAC_BYTES>()?;
    if !opener.has_made(covered, mac) || covered.first() != Some(&VERSION) {
        return None;
    }
    let time = covered.get(1..)?.first_chunk().copied().map(u64::from_be_bytes)?;
    opener.decrypt::<REQUEST_BLOCKS>(covered)?;
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

    fn examiner() -> Examiner {
        Examiner::new("nets-2026".into(), 300, LIMITS)
    }

    fn sealed(key: &Key, audience: &str, id: &str, nonce: u64, time: u64) -> String {
        let query = Query { audience, id, command: "GG", nonce: Nonce(nonce) };
        query.seal(key, Timestamp(time)).unwrap()
    }

    /// The status that is told, or that it is none of theirs.
    fn status(examiner: &mut Examiner, known: Option<&Key>, token: &str) -> String {
        let id = StudentId::new(b"2100001").unwrap();
        let mut frame = [0; REQUEST_FRAME_BYTES];
        let sought = Sought { id, key: known, old_key: None, tries_two: false, token };
        match examiner.examine(&sought, NOW, &mut frame) {
            Examined::Foreign(_) => "foreign".into(),
            Examined::Genuine { query, status, .. } => {
                assert_eq!((query.id, query.command), ("2100001", "GG"));
                status.word().into()
            }
        }
    }

    #[test]
    fn a_student_s_own_request_is_answered_once() {
        let (mut examiner, key) = (examiner(), key(1));
        let token = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
        assert_eq!(status(&mut examiner, Some(&key), &token), "ok");
        assert_eq!(status(&mut examiner, Some(&key), &token), "replayed");
        let again = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
        assert_eq!(status(&mut examiner, Some(&key), &again), "ok", "the same words sealed anew");
    }

    #[test]
    fn a_student_may_use_the_new_key_or_the_one_before() {
        let (mut examiner, new, old) = (examiner(), key(1), key(2));
        let mut with = |by: &Key, tries_two| {
            let token = sealed(by, "nets-2026", "2100001", 1, NOW.0);
            let id = StudentId::new(b"2100001").unwrap();
            let (key, old_key) = (Some(&new), Some(&old).filter(|_| tries_two));
            let sought = Sought { id, key, old_key, tries_two, token: &token };
            match examiner.examine(&sought, NOW, &mut [0; REQUEST_FRAME_BYTES]) {
                Examined::Foreign(_) => None,
                Examined::Genuine { with_old_key, status, .. } => Some((status, with_old_key)),
            }
        };
        assert_eq!(with(&new, true), Some((Status::Ok, false)));
        assert_eq!(with(&old, true), Some((Status::Ok, true)));
        assert_eq!(with(&key(3), true), None);
        assert_eq!(with(&old, false), None);
    }

    /// How often a key is made ready while a stranger asks for a student again and again.
    fn keys_made_ready(known: Option<(&Key, Option<&Key>)>, tries_two: bool) -> usize {
        let mut examiner = examiner();
        let foreign = sealed(&key(7), "nets-2026", "2100001", 1, NOW.0);
        let id = StudentId::new(b"2100001").unwrap();
        for _ in 0..5 {
            let (key, old_key) = known.unzip();
            let sought = Sought { id, key, old_key: old_key.flatten(), tries_two, token: &foreign };
            let mut frame = [0; REQUEST_FRAME_BYTES];
            assert!(matches!(examiner.examine(&sought, NOW, &mut frame), Examined::Foreign(_)));
        }
        examiner.openers.iter().map(|opener| opener.made).sum()
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
        let (mut examiner, key, other) = (examiner(), key(1), key(2));
        let token = sealed(&other, "nets-2026", "2100001", 1, NOW.0);
        assert_eq!(status(&mut examiner, Some(&key), &token), "foreign", "another key");
        assert_eq!(status(&mut examiner, None, &token), "foreign", "nobody's");
        let token = sealed(&key, "nets-2026", "2100002", 1, NOW.0);
        assert_eq!(status(&mut examiner, Some(&key), &token), "foreign", "about someone else");
        let fernet = fernet::Fernet::new(&key.expose_text()).unwrap();
        let mut reply = b"R1\t2100001\tGG\t0000000000000001\t1\t1800000000\tok\t".to_vec();
        reply.resize(REQUEST_TEXT_BYTES, b' ');
        let reflected = fernet.encrypt_at_time(&reply, NOW.0);
        assert_eq!(reflected.len(), REQUEST_TOKEN_BYTES);
        assert_eq!(status(&mut examiner, Some(&key), &reflected), "foreign", "a reply sent back");
        let unpadded = "A".repeat(REQUEST_TOKEN_BYTES);
        assert_eq!(status(&mut examiner, Some(&key), &unpadded), "foreign", "longer once decoded");
        for text in [0, 16, 254, 256, 300] {
            let token = fernet.encrypt_at_time(&vec![b' '; text], NOW.0);
            assert_eq!(status(&mut examiner, Some(&key), &token), "foreign", "{text} bytes");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_foreign_and_never_a_replay() {
        let (mut examiner, key) = (examiner(), key(1));
        let token = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
        let bytes = URL_SAFE.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = URL_SAFE.encode(bytes);
            assert_eq!(status(&mut examiner, Some(&key), &changed), "foreign", "bit {bit}");
        }
        for cut in 0..token.len() {
            assert_eq!(
                status(&mut examiner, Some(&key), token.get(..cut).unwrap()),
                "foreign",
                "cut at {cut}"
            );
        }
        assert_eq!(status(&mut examiner, Some(&key), &token), "ok");
    }

    #[test]
    fn time_and_audience_are_told_to_the_student_alone() {
        let (mut examiner, key) = (examiner(), key(1));
        for (time, expected) in [
            (NOW.0 - 300, "ok"),
            (NOW.0 + 300, "ok"),
            (NOW.0 - 301, "clock"),
            (NOW.0 + 301, "clock"),
            (0, "clock"),
            (u64::MAX, "clock"),
        ] {
            let token = sealed(&key, "nets-2026", "2100001", 1, time);
            assert_eq!(status(&mut examiner, Some(&key), &token), expected, "{time}");
        }
        let token = sealed(&key, "nets-2025", "2100001", 1, NOW.0);
        assert_eq!(status(&mut examiner, Some(&key), &token), "audience");
        assert_eq!(status(&mut examiner, Some(&key), &token), "audience", "and is no replay");
    }
}
