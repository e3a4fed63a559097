//! Answers: opaque on their way from the book to the sealer.

use fernet_batch::token::write_token;
use fernet_batch::{PlainFrame, Sealer, Timestamp, frame};

use super::buffer::BatchBuffer;
use super::entry::Answer;
use super::replies::Replies;
use crate::wire;

/// The answers of a batch, each with the key to seal it under.
///
/// They have no `Debug`, no `Display` and no public field: a session carries them from the store to
/// the encryptor and cannot read, print or leak a key or a mark.
///
/// ```compile_fail
/// fn leak(answers: gradebook::Answers) {
///     println!("{answers:?}"); // answers have no Debug
/// }
/// ```
pub struct Answers(Box<BatchBuffer>);

impl Answers {
    pub(super) fn from_buffer(buffer: Box<BatchBuffer>) -> Self {
        Self(buffer)
    }

    /// The time that the tokens will carry.
    pub fn time(&self) -> Timestamp {
        self.0.time
    }

    /// The frames that have not been sealed, each with its key: a sealer may seal those of several batches
    /// together. [`seal`](Self::seal) seals what is left.
    ///
    /// # Panics
    /// If the frames are damaged.
    pub fn unsealed(&mut self) -> impl Iterator<Item = PlainFrame<'_>> {
        let BatchBuffer { answers, frames, .. } = &mut *self.0;
        PlainFrames { answers: answers.iter(), frames }
    }

    /// Seals each answer for its student. All tokens carry the time at which the answers were given. The
    /// first answer whose key is to be revealed is the last one: its token has no line end, and its key
    /// is kept, to be sent behind it.
    pub fn seal(mut self, sealer: &mut Sealer) -> Replies {
        let revealed = self.reveal_key();
        let now = self.time();
        sealer.seal(now, self.unsealed());
        let mut buffer = self.0;
        let BatchBuffer { answers, frames, outcomes, replies, ends, .. } = &mut *buffer;
        let mut sealed = frames.as_slice();
        for (at, answer) in answers.iter().enumerate() {
            match answer {
                Answer::Disclosed(disclosure)
                | Answer::Declined(disclosure, _)
                | Answer::Decoy(disclosure) => {
                    let (frame, rest) = sealed.split_at(disclosure.frame_bytes);
                    sealed = rest;
                    write_token(replies, frame);
                    if revealed != Some(at) {
                        replies.push(wire::LINE_END);
                    }
                }
                Answer::Rejected(rejection) => wire::write_rejection(replies, *rejection),
                Answer::Silence => {}
            }
            outcomes.push(answer.outcome());
            ends.push(replies.len());
            if revealed == Some(at) {
                break;
            }
        }
        // Dropping an answer wipes its key. The frames are ciphertext now.
        answers.clear();
        frames.clear();
        Replies::from_buffer(buffer)
    }

    /// Keeps the text of the first key that is to be revealed. Returns the place of its answer.
    fn reveal_key(&mut self) -> Option<usize> {
        let BatchBuffer { requests, answers, revealed_key, .. } = &mut *self.0;
        for (at, (request, answer)) in requests.iter().zip(answers.iter()).enumerate() {
            if let Answer::Disclosed(disclosure) = answer
                && request.reveals_key()
            {
                revealed_key.extend_from_slice(disclosure.key.expose_text().as_bytes());
                return Some(at);
            }
        }
        None
    }
}

/// The frames of a batch that are not sealed, with their keys. The frames of all disclosures follow each other, so
/// splitting them off cannot fail; if it did, the panic would fail the batch, and no text would leave unsealed.
struct PlainFrames<'a> {
    answers: std::slice::Iter<'a, Answer>,
    frames: &'a mut [u8],
}

impl<'a> Iterator for PlainFrames<'a> {
    type Item = PlainFrame<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let disclosure = self.answers.find_map(Answer::disclosure)?;
            let frames = std::mem::take(&mut self.frames);
            let (bytes, rest) = frames.split_at_mut(disclosure.frame_bytes);
            self.frames = rest;
            if !frame::is_sealed(bytes) {
                return Some(PlainFrame::new(&disclosure.key, bytes));
            }
        }
    }
}
