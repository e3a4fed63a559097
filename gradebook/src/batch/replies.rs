//! Replies: the bytes to write, and how each request ended.

use super::buffer::BatchBuffer;
use super::outcome::Outcome;
use crate::request::{Rejection, Request};
use crate::values::EditionNumber;

/// The replies of a batch as bytes for the wire, in the order of the requests.
pub struct Replies(pub(super) Box<BatchBuffer>);

impl Replies {
    pub(super) fn from_buffer(buffer: Box<BatchBuffer>) -> Self {
        Self(buffer)
    }

    /// The replies, ready for one write.
    pub fn bytes(&self) -> &[u8] {
        &self.0.replies
    }

    /// The number of requests that they answer.
    pub fn len(&self) -> usize {
        self.0.answers.len()
    }

    /// Returns true if they answer no request.
    pub fn is_empty(&self) -> bool {
        self.0.answers.is_empty()
    }

    /// The edition that all of these answers come from.
    pub fn edition(&self) -> EditionNumber {
        self.0.edition
    }

    /// Returns true if the connection ends behind these replies, because a request gets no reply.
    pub fn is_last(&self) -> bool {
        self.0.answers.last().is_some_and(|answer| answer.outcome == Outcome::Silence)
    }

    /// Frees the memory that only making the replies needed, for a client that reads them slowly.
    pub fn shrink(&mut self) {
        let BatchBuffer { answers, frames, replies, requests, .. } = &mut *self.0;
        // Sealing left it empty.
        *frames = Vec::new();
        answers.shrink_to_fit();
        replies.shrink_to_fit();
        requests.shrink_to_fit();
    }

    /// The text of the key to send behind the last token; empty unless the request was
    /// [pushed](crate::Requests::push_revealing) to reveal it.
    pub fn revealed_key(&self) -> &[u8] {
        &self.0.revealed_key
    }

    /// Each request with its outcome and its reply, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Result<Request<'_>, Rejection>, Outcome, &[u8])> {
        let BatchBuffer { requests, texts, answers, replies, ends, .. } = &*self.0;
        let mut start = 0;
        requests.iter().zip(answers).zip(ends).map(move |((entry, answer), end)| {
            let reply = replies.get(start..*end).unwrap_or_default();
            start = *end;
            (entry.request(texts), answer.outcome, reply)
        })
    }
}
