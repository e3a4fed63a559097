//! Requests of a batch, and their resolution one by one.

use fernet_batch::{KeyRef, Timestamp, frame};

use super::answers::Answers;
use super::buffer::{BatchBuffer, reserve_room, wipe, wipe_tail};
use super::entry::{Answer, Entry};
use super::limits::BatchLimits;
use super::outcome::Outcome;
use super::replies::Replies;
use crate::request::{Command, Rejection, Request};
use crate::roster::{Roster, RowIndex};
use crate::values::EditionNumber;

/// Room for a frame with a text of usual length, in bytes. Whoever appends a longer one reserves room for it.
const USUAL_TEXT_BYTES_MAX: usize = 4096;

/// What students asked, in order.
pub struct Requests(Box<BatchBuffer>);

impl Requests {
    /// An empty batch.
    pub fn new(limits: BatchLimits) -> Self {
        Self(Box::new(BatchBuffer::new(limits)))
    }

    /// Adds a request.
    pub fn push(&mut self, request: Request<'_>) {
        let BatchBuffer { requests, texts, .. } = &mut *self.0;
        requests.push(Entry::of_request(&request, texts));
    }

    /// Adds a request whose answer is followed by the student's key in clear, for the clients of one
    /// student report. Nothing is secret then.
    pub fn push_revealing(&mut self, request: Request<'_>) {
        let BatchBuffer { requests, texts, .. } = &mut *self.0;
        requests.push(Entry::of_request(&request, texts).revealing_key());
    }

    /// Adds a line that is not a request, to be rejected in its place.
    pub fn push_rejected(&mut self, rejection: Rejection) {
        self.0.requests.push(Entry::of_rejection(rejection));
    }

    /// The number of requests that wait for a reply.
    pub fn len(&self) -> usize {
        self.0.requests.len()
    }

    /// Returns true if there is nothing to reply to.
    pub fn is_empty(&self) -> bool {
        self.0.requests.is_empty()
    }

    /// Returns true if the batch takes no more requests.
    pub fn is_full(&self) -> bool {
        self.len() >= self.0.limits.requests
    }

    /// Looks up the students of all requests, and begins to resolve them.
    pub(crate) fn resolve(
        self,
        roster: &Roster,
        edition: EditionNumber,
        time: Timestamp,
    ) -> Resolution {
        let mut buffer = self.0;
        buffer.edition = edition;
        buffer.time = time;
        let BatchBuffer { requests, texts, slots, answers, keys, .. } = &mut *buffer;
        let ids = requests.iter().map(|entry| entry.id(texts));
        roster.lookup_batch(ids, slots);
        answers.reserve(requests.len());
        keys.reserve(requests.len());
        Resolution { buffer, frame_start: 0, output_bytes: 0, longest_reply: 0, ended: false }
    }
}

impl Replies {
    /// The same memory for the next batch, with the requests that were not resolved in this one.
    pub fn into_requests(self) -> Requests {
        let mut buffer = self.0;
        let resolved = buffer.answers.len();
        buffer.requests.drain(..resolved);
        buffer.answers.clear();
        if buffer.requests.is_empty() {
            buffer.texts.clear();
        }
        wipe(&mut buffer.revealed_key);
        buffer.replies.clear();
        buffer.ends.clear();
        Requests(buffer)
    }
}

/// A batch whose requests are being resolved, one by one: [`next`](Self::next) yields a request, its
/// text is appended to a frame, and [`decide`](Self::decide) records the decision.
pub(crate) struct Resolution {
    buffer: Box<BatchBuffer>,
    /// Where the frame of the request that was yielded last begins.
    frame_start: usize,
    output_bytes: usize,
    longest_reply: usize,
    /// Whether a request was answered with silence, which ends the connection.
    ended: bool,
}

/// A request that waits for a decision.
pub(crate) struct Unresolved<'a> {
    pub(crate) request: Request<'a>,
    /// The student's row, if the class has the student.
    pub(crate) row: Option<RowIndex>,
    /// Where to append the text of the answer. A longer one than usual needs [`reserve_room`].
    pub(crate) text: &'a mut Vec<u8>,
}

/// A request that will wait for a decision.
#[derive(Clone, Copy)]
pub(crate) struct Upcoming<'a> {
    pub(crate) id: &'a str,
    /// The token of a sealed request; empty if it is not sealed.
    pub(crate) token: &'a str,
    /// The student's row, if the class has the student.
    pub(crate) row: Option<RowIndex>,
}

/// What the book decided about one request.
#[derive(Clone, Copy)]
pub(crate) enum Decision<'k> {
    /// Send the appended text, sealed under this key.
    Disclose(KeyRef<'k>),
    /// Send the appended text in reply to a sealed request.
    Reply {
        key: KeyRef<'k>,
        /// The command that the request contained.
        command: Option<Command<()>>,
        status: Result<(), Rejection>,
    },
    /// Send the appended text under a key that nobody holds.
    Decoy(KeyRef<'k>),
    /// Send an `ERR` line.
    Reject(Rejection),
    /// Send nothing and end the connection.
    Silence,
}

impl Resolution {
    /// The requests that [`next`](Self::next) yields next. If no reply is shorter than `reply_bytes_min`, and none
    /// longer than those before, it will yield all of them.
    pub(crate) fn upcoming(&self, reply_bytes_min: usize) -> impl Iterator<Item = Upcoming<'_>> {
        let room = self.buffer.limits.output_bytes.saturating_sub(self.output_bytes);
        let fitting = room / self.longest_reply.max(reply_bytes_min).max(1);
        let fitting = if self.is_at_its_end() { 0 } else { fitting.max(1) };
        self.unresolved().take(fitting)
    }

    /// The requests that were not resolved.
    pub(crate) fn unresolved(&self) -> impl Iterator<Item = Upcoming<'_>> {
        let BatchBuffer { requests, texts, slots, answers, .. } = &*self.buffer;
        let entries = requests.iter().zip(slots).skip(answers.len());
        entries.filter_map(|(entry, slot)| {
            let id = entry.id(texts)?;
            Some(Upcoming { id, token: entry.token(texts), row: slot.row })
        })
    }

    /// Returns true if no further request is resolved in this batch. A decision counts as given, so there must be
    /// room for its reply before it is made.
    fn is_at_its_end(&self) -> bool {
        let may_exceed =
            self.output_bytes.saturating_add(self.longest_reply) > self.buffer.limits.output_bytes;
        self.ended || may_exceed
    }

    /// The next request. Returns `None` when all are resolved, when the replies may exceed their limit,
    /// and when the connection ends. What is not resolved stays for the next batch.
    pub(crate) fn next(&mut self) -> Option<Unresolved<'_>> {
        let n = loop {
            if self.is_at_its_end() {
                return None;
            }
            let n = self.buffer.answers.len();
            match self.buffer.requests.get(n)?.rejection() {
                None => break n,
                Some(rejection) => {
                    self.record(Answer::without_token(Outcome::Rejected(rejection)));
                }
            }
        };
        let BatchBuffer { requests, texts, slots, frames, .. } = &mut *self.buffer;
        reserve_room(frames, USUAL_TEXT_BYTES_MAX);
        self.frame_start = frame::begin_frame(frames);
        let request = requests.get(n)?.request(texts).ok()?;
        let row = slots.get(n).and_then(|slot| slot.row);
        Some(Unresolved { request, row, text: frames })
    }

    /// Records the decision about the request that [`next`](Self::next) yielded last.
    pub(crate) fn decide(&mut self, decision: Decision<'_>) {
        let start = self.frame_start;
        let BatchBuffer { requests, answers, keys, frames, .. } = &mut *self.buffer;
        let (key, outcome) = match decision {
            Decision::Disclose(key) => (Some(key), Outcome::Answered),
            Decision::Reply { key, command, status } => {
                if let (Some(entry), Some(command)) = (requests.get_mut(answers.len()), command) {
                    entry.set_command(command);
                }
                (Some(key), status.map_or_else(Outcome::Declined, |()| Outcome::Answered))
            }
            Decision::Decoy(key) => (Some(key), Outcome::Decoy),
            Decision::Reject(rejection) => (None, Outcome::Rejected(rejection)),
            Decision::Silence => {
                self.ended = true;
                (None, Outcome::Silence)
            }
        };
        let answer = if let Some(key) = key {
            keys.push(key);
            Answer::close(outcome, start, frames)
        } else {
            wipe_tail(frames, start);
            Answer::without_token(outcome)
        };
        self.record(answer);
    }

    #[inline]
    fn record(&mut self, answer: Answer) {
        self.output_bytes = self.output_bytes.saturating_add(answer.reply_bytes());
        self.longest_reply = self.longest_reply.max(answer.reply_bytes());
        self.buffer.answers.push(answer);
    }

    /// The answers to the requests that were resolved.
    pub(crate) fn finish(self) -> Answers {
        Answers::from_buffer(self.buffer)
    }
}
