//! Answers: opaque on their way from the book to the sealer.

use fernet_batch::{PlainFrame, Sealer, frame};

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

/// The form of a reply on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyForm {
    /// The token and a line end.
    Line,
    /// The token without a line end; the key of the batch's first answer is kept, to be sent behind it.
    /// The clients of one student report need this, and nothing is secret then.
    TokenThenKey,
}

impl Answers {
    pub(super) fn from_buffer(buffer: Box<BatchBuffer>) -> Self {
        Self(buffer)
    }

    /// Seals each answer for its student. All tokens carry the time at which the answers were given.
    pub fn seal(mut self, sealer: &mut Sealer, form: ReplyForm) -> Replies {
        if form == ReplyForm::TokenThenKey {
            self.reveal_first_key();
        }
        let mut buffer = self.0;
        let BatchBuffer { answers, frames, outcomes, replies, ends, time, .. } = &mut *buffer;
        sealer.seal(*time, PlainFrames { answers: answers.iter(), frames });
        let mut sealed = frames.as_slice();
        for answer in answers.iter() {
            match answer {
                Answer::Disclosed(disclosure)
                | Answer::Declined(disclosure, _)
                | Answer::Decoy(disclosure) => {
                    let (frame, rest) = sealed.split_at(disclosure.frame_bytes);
                    sealed = rest;
                    frame::write_token(replies, frame);
                    if form == ReplyForm::Line {
                        replies.push(wire::LINE_END);
                    }
                }
                Answer::Rejected(rejection) => wire::write_rejection(replies, *rejection),
                Answer::Silence => {}
            }
            outcomes.push(answer.outcome());
            ends.push(replies.len());
        }
        // Dropping an answer wipes its key. The frames are ciphertext now.
        answers.clear();
        frames.clear();
        Replies::from_buffer(buffer)
    }

    fn reveal_first_key(&mut self) {
        for answer in &self.0.answers {
            if let Answer::Disclosed(disclosure) = answer {
                let key = disclosure.key.expose_text();
                self.0.revealed_key.extend_from_slice(key.as_bytes());
                return;
            }
        }
    }
}

/// The frames of a batch with their keys. The frames of all disclosures follow each other, so splitting
/// them off cannot fail; if it did, the panic would fail the batch, and no text would leave unsealed.
struct PlainFrames<'a> {
    answers: std::slice::Iter<'a, Answer>,
    frames: &'a mut [u8],
}

impl<'a> Iterator for PlainFrames<'a> {
    type Item = PlainFrame<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let disclosure = self.answers.find_map(Answer::disclosure)?;
        let frames = std::mem::take(&mut self.frames);
        let (bytes, rest) = frames.split_at_mut(disclosure.frame_bytes);
        self.frames = rest;
        Some(PlainFrame::new(&disclosure.key, bytes))
    }
}
