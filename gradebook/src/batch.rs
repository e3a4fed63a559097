//! One read's worth of requests on their way to becoming one write's worth of replies.
//!
//! A batch is one block of memory that moves by ownership through three states, each a type:
//!
//! ```text
//! Requests --Book::answer--> Answers --Sealer::seal--> Replies --into_requests--> Requests
//!   (session fills it)          (opaque)                  (session writes it)
//! ```
//!
//! Order is the order of the entries, so a reply cannot overtake another. Memory is kept from one
//! round to the next; keys and texts in it are wiped as soon as they are sealed.

use std::slice;

use zeroize::Zeroize;

use crate::book::EditionNumber;
use crate::key::Key;
use crate::rejection::Rejection;
use crate::request::{Command, Request, StudentId};
use crate::roster::{LookupSlot, Roster, RowIndex};
use crate::seal::Timestamp;
use crate::sealed::Status;
use crate::token;
use crate::wire;

/// How much one batch may hold.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// The most requests.
    pub requests: usize,
    /// The most bytes of replies, as far as those before tell how long the next one is; one reply is
    /// always allowed, however long.
    pub output_bytes: usize,
}

/// What students asked, in order.
pub struct Requests(Box<BatchBuffer>);

/// What may be told to each of them, with the key to tell it under.
///
/// It is opaque: whoever carries it from the book to the sealer can neither read nor print nor leak
/// a key or a mark.
///
/// ```compile_fail
/// fn leak(answers: gradebook::Answers) {
///     println!("{answers:?}"); // answers have no Debug
/// }
/// ```
pub struct Answers(Box<BatchBuffer>);

/// The answers as bytes for the wire, each sealed for its student, in the order of the requests.
pub struct Replies(Box<BatchBuffer>);

struct BatchBuffer {
    limits: BatchLimits,
    edition: EditionNumber,
    /// When the answers were given.
    time: Timestamp,
    requests: Vec<RequestEntry>,
    /// The IDs of those who ask and the names of assessments asked for, one behind the other.
    texts: String,
    /// Where each of those who ask is in the roster.
    slots: Vec<LookupSlot>,
    /// What may be told; wiped and gone once it is sealed.
    answers: Vec<Answer>,
    /// The texts to be sealed, each in the frame of its token, where sealing overwrites it.
    frames: Vec<u8>,
    outcomes: Vec<Outcome>,
    replies: Vec<u8>,
    /// Where in `replies` each reply ends.
    ends: Vec<usize>,
    revealed: Vec<u8>,
}

/// A request, or what stands in its place.
type RequestEntry = Result<(Span, Command<Span>), Rejection>;

/// A place in one of the buffer's texts.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

/// What may be told to one student, with the key to tell it under.
pub(crate) struct Disclosure {
    key: Key,
    frame_bytes: usize,
}

/// A disclosure that is to become a token, in its frame.
pub(crate) struct Sealing<'a> {
    pub(crate) key: &'a Key,
    pub(crate) frame: &'a mut [u8],
}

enum Answer {
    Disclosed(Disclosure),
    /// In place of what was asked for, the reason why not.
    Declined(Disclosure, Status),
    Decoy(Disclosure),
    Rejected(Rejection),
    Silence,
}

/// What the book decides about one request; a disclosure's text is appended to its frame.
pub(crate) enum Decision {
    Disclose(Key),
    /// The reply to a sealed request, which turned out to be this command.
    Reply {
        key: Key,
        command: Option<Command<()>>,
        status: Status,
    },
    /// As [`Decision::Disclose`], under a key that nobody holds.
    Decoy(Key),
    Reject(Rejection),
    /// Say nothing and end the connection.
    Silence,
}

/// How one request ended, for whoever tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A token with what was asked for was sent.
    Answered,
    /// A token was sent that tells the student why there is no answer.
    Declined(Status),
    /// A token that nobody can open was sent, since no student has this ID.
    Decoy,
    /// An `ERR` line was sent.
    Rejected(Rejection),
    /// Nothing was sent and the connection ends.
    Silence,
}

impl Outcome {
    /// The word for programs. Its meaning never changes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Declined(status) => status.word(),
            Self::Decoy => "decoy",
            Self::Rejected(rejection) => rejection.word(),
            Self::Silence => "silence",
        }
    }
}

impl Requests {
    /// An empty batch.
    pub fn new(limits: BatchLimits) -> Self {
        Self(Box::new(BatchBuffer {
            limits,
            edition: EditionNumber::default(),
            time: Timestamp(0),
            requests: Vec::new(),
            texts: String::new(),
            slots: Vec::new(),
            answers: Vec::new(),
            frames: Vec::new(),
            outcomes: Vec::new(),
            replies: Vec::new(),
            ends: Vec::new(),
            revealed: Vec::new(),
        }))
    }

    /// Adds a request.
    pub fn push(&mut self, request: Request<'_>) {
        let BatchBuffer { requests, texts, .. } = &mut *self.0;
        let mut keep = |text: &str| {
            let start = texts.len();
            texts.push_str(text);
            Span { start, end: texts.len() }
        };
        let id = keep(request.id.as_str());
        requests.push(Ok((id, request.command.map(keep))));
    }

    /// Adds something that is no request, to be refused in its place.
    pub fn push_rejected(&mut self, rejection: Rejection) {
        self.0.requests.push(Err(rejection));
    }

    /// How many requests wait for an answer.
    pub fn len(&self) -> usize {
        self.0.requests.len()
    }

    /// Whether there is nothing to answer.
    pub fn is_empty(&self) -> bool {
        self.0.requests.is_empty()
    }

    /// Whether the batch takes no more requests.
    pub fn is_full(&self) -> bool {
        self.len() >= self.0.limits.requests
    }

    /// Finds those who ask in the roster, all before the first is answered.
    pub(crate) fn lookup(&mut self, roster: &Roster) {
        let BatchBuffer { requests, texts, slots, .. } = &mut *self.0;
        let id = |entry| request(entry, texts).ok().map(|request| request.id);
        roster.lookup_batch(requests.iter().map(id), slots);
    }

    /// Gives each entry its decision, in order, until the replies would be too many bytes or the
    /// conversation ends. A decision is about a request by someone who is in the roster, or is not.
    pub(crate) fn resolve(
        self,
        edition: EditionNumber,
        time: Timestamp,
        mut decision: impl FnMut(Request<'_>, Option<RowIndex>, &mut Vec<u8>) -> Decision,
    ) -> Answers {
        let mut buffer = self.0;
        (buffer.edition, buffer.time) = (edition, time);
        let BatchBuffer { requests, texts, slots, answers, frames, limits, .. } = &mut *buffer;
        let (mut output_bytes, mut largest) = (0_usize, 0_usize);
        // A vector that grows leaves copies of the keys behind.
        answers.reserve(requests.len());
        let rows = slots.iter().map(|slot| slot.row).chain(std::iter::repeat(None));
        for (entry, row) in requests.iter_mut().zip(rows) {
            // A decision is given once and counts; so there must be room before it.
            if output_bytes.saturating_add(largest) > limits.output_bytes {
                break;
            }
            reserve_wiped(frames);
            let start = token::open_frame(frames);
            let decision = match request(entry, texts) {
                Err(rejection) => Decision::Reject(rejection),
                Ok(request) => decision(request, row, frames),
            };
            let answer = match decision {
                Decision::Disclose(key) => Answer::Disclosed(Disclosure::of(key, start, frames)),
                Decision::Reply { key, command, status } => {
                    set_command(entry, command);
                    let disclosure = Disclosure::of(key, start, frames);
                    match status {
                        Status::Ok => Answer::Disclosed(disclosure),
                        status => Answer::Declined(disclosure, status),
                    }
                }
                Decision::Decoy(key) => Answer::Decoy(Disclosure::of(key, start, frames)),
                Decision::Reject(rejection) => Answer::Rejected(rejection),
                Decision::Silence => Answer::Silence,
            };
            output_bytes = output_bytes.saturating_add(answer.reply_bytes());
            largest = largest.max(answer.reply_bytes());
            if answer.disclosure().is_none() {
                wipe_tail(frames, start);
            }
            let silence = matches!(answer, Answer::Silence);
            answers.push(answer);
            if silence {
                break;
            }
        }
        Answers(buffer)
    }
}

impl Answers {
    /// When they were given, which their tokens say.
    pub(crate) fn time(&self) -> Timestamp {
        self.0.time
    }

    /// Turns each answer into the bytes of its reply. `seal` is to seal the frames of all disclosures,
    /// which it is given in order. With `reveals`, the reply to a disclosure has no line end, and the
    /// key of the first is kept beside the replies.
    pub(crate) fn into_replies(
        mut self,
        reveals: bool,
        seal: impl FnOnce(Sealings<'_>),
    ) -> Replies {
        if reveals {
            self.reveal_first_key();
        }
        let mut buffer = self.0;
        let BatchBuffer { answers, frames, outcomes, replies, ends, .. } = &mut *buffer;
        seal(Sealings { answers: answers.iter(), frames });
        let mut sealed = frames.as_slice();
        for answer in answers.iter() {
            match answer {
                Answer::Disclosed(disclosure)
                | Answer::Declined(disclosure, _)
                | Answer::Decoy(disclosure) => {
                    let frame = sealed.split_off(..disclosure.frame_bytes).unwrap_or_default();
                    token::write(replies, frame);
                    if !reveals {
                        replies.push(wire::LINE_END);
                    }
                }
                Answer::Rejected(rejection) => wire::write_rejection(replies, *rejection),
                Answer::Silence => {}
            }
            outcomes.push(answer.outcome());
            ends.push(replies.len());
        }
        // Dropping an answer wipes its copy of the key. The frames are tokens now.
        answers.clear();
        frames.clear();
        Replies(buffer)
    }

    /// Keeps the text of the first disclosure's key beside the replies.
    fn reveal_first_key(&mut self) {
        let first = self.0.answers.iter().find_map(|answer| match answer {
            Answer::Disclosed(disclosure) => Some(disclosure.key.expose_text()),
            _ => None,
        });
        if let Some(key) = first {
            self.0.revealed.extend_from_slice(key.as_bytes());
        }
    }
}

impl Replies {
    /// The replies, ready to be written in one go.
    pub fn bytes(&self) -> &[u8] {
        &self.0.replies
    }

    /// How many requests they answer.
    pub fn len(&self) -> usize {
        self.0.outcomes.len()
    }

    /// Whether they answer none.
    pub fn is_empty(&self) -> bool {
        self.0.outcomes.is_empty()
    }

    /// The book edition that every one of these answers comes from.
    pub fn edition(&self) -> EditionNumber {
        self.0.edition
    }

    /// Whether the connection ends after these replies, because a request is to get no answer.
    pub fn is_last(&self) -> bool {
        self.0.outcomes.last() == Some(&Outcome::Silence)
    }

    /// Gives back the memory that only making the replies needed, for a client that takes them slowly.
    pub fn keep_only_what_is_needed(&mut self) {
        let BatchBuffer { answers, frames, replies, requests, .. } = &mut *self.0;
        // Both are empty since the sealing.
        *answers = Vec::new();
        *frames = Vec::new();
        replies.shrink_to_fit();
        requests.shrink_to_fit();
    }

    /// The text of the key that a revealing sealer lets out: only there is it not empty.
    pub fn revealed_key(&self) -> &[u8] {
        &self.0.revealed
    }

    /// Every request with its outcome and its reply, in order, for whoever tells of them.
    pub fn iter(&self) -> impl Iterator<Item = (Result<Request<'_>, Rejection>, Outcome, &[u8])> {
        let BatchBuffer { requests, texts, outcomes, replies, ends, .. } = &*self.0;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let spans = starts.zip(ends.iter().copied());
        let pairs = requests.iter().zip(outcomes).zip(spans);
        pairs.map(move |((entry, outcome), (start, end))| {
            (request(entry, texts), *outcome, replies.get(start..end).unwrap_or_default())
        })
    }

    /// The same block for the next round, and in it the requests that found no room in this one.
    pub fn into_requests(self) -> Requests {
        let mut buffer = self.0;
        let answered = buffer.outcomes.len();
        buffer.requests.drain(..answered);
        buffer.outcomes.clear();
        if buffer.requests.is_empty() {
            buffer.texts.clear();
        }
        wipe(&mut buffer.revealed);
        buffer.replies.clear();
        buffer.ends.clear();
        Requests(buffer)
    }
}

/// The disclosures of a batch, each with its frame.
pub(crate) struct Sealings<'a> {
    answers: slice::Iter<'a, Answer>,
    frames: &'a mut [u8],
}

impl<'a> Iterator for Sealings<'a> {
    type Item = Sealing<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let Disclosure { key, frame_bytes } = self.answers.find_map(Answer::disclosure)?;
        let frame = self.frames.split_off_mut(..*frame_bytes)?;
        Some(Sealing { key, frame })
    }
}

impl Answer {
    fn disclosure(&self) -> Option<&Disclosure> {
        match self {
            Self::Disclosed(disclosure)
            | Self::Declined(disclosure, _)
            | Self::Decoy(disclosure) => Some(disclosure),
            Self::Rejected(_) | Self::Silence => None,
        }
    }

    /// About how long its reply is: exactly for a token, the least for a rejection.
    fn reply_bytes(&self) -> usize {
        self.disclosure().map_or(1, |disclosure| disclosure.token_bytes() + 1)
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Disclosed(_) => Outcome::Answered,
            Self::Declined(_, status) => Outcome::Declined(*status),
            Self::Decoy(_) => Outcome::Decoy,
            Self::Rejected(rejection) => Outcome::Rejected(*rejection),
            Self::Silence => Outcome::Silence,
        }
    }
}

impl Disclosure {
    /// The disclosure of the text in the last frame, which begins at `start` and is closed here.
    fn of(key: Key, start: usize, frames: &mut Vec<u8>) -> Self {
        token::close_frame(frames, start);
        Self { key, frame_bytes: frames.len() - start }
    }

    fn token_bytes(&self) -> usize {
        token::token_bytes(self.frame_bytes)
    }
}

impl Drop for BatchBuffer {
    fn drop(&mut self) {
        self.frames.zeroize();
        self.revealed.zeroize();
    }
}

/// Makes room for one more text of usual length. A buffer that grows by itself leaves its old memory
/// behind as it was, which only a longer text makes this one do.
fn reserve_wiped(secret: &mut Vec<u8>) {
    const USUAL_TEXT_BYTES_MAX: usize = 4096;
    if secret.capacity() - secret.len() < USUAL_TEXT_BYTES_MAX {
        let mut roomier = Vec::with_capacity((secret.len() + USUAL_TEXT_BYTES_MAX) * 2);
        roomier.extend_from_slice(secret);
        wipe(secret);
        *secret = roomier;
    }
}

/// Wipes and drops what has been appended since `start`.
fn wipe_tail(secret: &mut Vec<u8>, start: usize) {
    secret.get_mut(start..).unwrap_or_default().zeroize();
    secret.truncate(start);
}

/// Overwrites what a buffer holds and empties it; its memory is kept.
fn wipe(secret: &mut Vec<u8>) {
    secret.as_mut_slice().zeroize();
    secret.clear();
}

/// Puts the command that a sealed request held in its place, for whoever tells of it.
fn set_command(entry: &mut RequestEntry, command: Option<Command<()>>) {
    if let (Ok((_, sealed)), Some(command)) = (entry, command) {
        *sealed = command.map(|()| Span { start: 0, end: 0 });
    }
}

fn request<'a>(entry: &RequestEntry, texts: &'a str) -> Result<Request<'a>, Rejection> {
    let (id, command) = (*entry)?;
    let text = |span: Span| texts.get(span.start..span.end).unwrap_or_default();
    // What has been an ID is one.
    let id = StudentId::again(text(id));
    Ok(Request { id, command: command.map(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BatchLimits = BatchLimits { requests: 3, output_bytes: 500 };

    fn requests_for(names: &[&str]) -> Requests {
        let mut requests = Requests::new(LIMITS);
        for name in names {
            let id = StudentId::new(b"2100421").unwrap();
            requests.push(Request { id, command: Command::Average(name) });
        }
        requests
    }

    /// Answers with the name asked for, and "seals" by marking each frame.
    fn replied(requests: Requests) -> Replies {
        let answers =
            requests.resolve(EditionNumber::default(), Timestamp(0), |request, _, text| {
                let Command::Average(name) = request.command else { return Decision::Silence };
                match name {
                    "silence" => return Decision::Silence,
                    "refuse" => return Decision::Reject(Rejection::NoAssessment),
                    name => text.extend_from_slice(name.as_bytes()),
                }
                Decision::Disclose(Key::from_bytes([7; 32]))
            });
        answers.into_replies(false, |sealings| {
            for Sealing { key, frame } in sealings {
                assert_eq!(*key.expose_text(), *Key::from_bytes([7; 32]).expose_text());
                frame[0] = b'!';
            }
        })
    }

    /// What each reply says: the text in a marked frame, or the line of a rejection.
    fn texts(replies: &Replies) -> Vec<String> {
        let all: Vec<_> = replies.iter().flat_map(|(_, _, reply)| reply.to_vec()).collect();
        assert_eq!(replies.bytes(), all, "each reply is a part of the bytes");
        let lines = std::str::from_utf8(replies.bytes()).unwrap().lines();
        let text = |line: &str| {
            let Ok(frame) = base64_simd::URL_SAFE.decode_to_vec(line) else {
                return line.to_owned();
            };
            assert_eq!(frame[0], b'!');
            let text = &frame[token::HEADER_BYTES..frame.len() - token::MAC_BYTES];
            let text = &text[..text.len() - usize::from(*text.last().unwrap())];
            String::from_utf8(text.to_vec()).unwrap()
        };
        lines.map(text).collect()
    }

    #[test]
    fn replies_keep_the_order_of_the_questions() {
        let mut requests = requests_for(&["a", "refuse"]);
        requests.push_rejected(Rejection::TooLong);
        assert!(requests.is_full());
        let replies = replied(requests);
        let words: Vec<_> = texts(&replies);
        assert_eq!(words[0], "a");
        assert!(words[1].starts_with("ERR assessment ") && words[2].starts_with("ERR too-long "));
        assert!(!replies.is_last());
        let outcomes: Vec<_> = replies.iter().map(|(_, outcome, _)| outcome).collect();
        let refused = [Rejection::NoAssessment, Rejection::TooLong].map(Outcome::Rejected);
        assert_eq!(outcomes, [Outcome::Answered, refused[0], refused[1]]);
    }

    #[test]
    fn nothing_is_answered_behind_a_silence() {
        let replies = replied(requests_for(&["a", "silence", "b"]));
        assert_eq!(texts(&replies), ["a"]);
        assert!(replies.is_last());
    }

    #[test]
    fn what_finds_no_room_is_answered_in_the_next_round() {
        let long = "x".repeat(200);
        let first = replied(requests_for(&[&long, &long, "c"]));
        assert_eq!(first.iter().count(), 1, "two replies of 361 bytes exceed 500");
        let second = replied(first.into_requests());
        assert_eq!(texts(&second), [&*long], "for all that is known, the next could be as long");
        let third = replied(second.into_requests());
        assert_eq!(texts(&third), ["c"]);
        assert!(third.into_requests().is_empty());
    }

    #[test]
    fn one_reply_is_always_allowed() {
        let long = "x".repeat(2_000);
        assert_eq!(replied(requests_for(&[&long, "b"])).iter().count(), 1);
    }
}
