//! Answers: opaque on their way from the book to the sealer.

use fernet_batch::token::write_token;
use fernet_batch::{PlainFrame, Sealer, Timestamp, frame};

use super::buffer::BatchBuffer;
use super::entry::Answer;
use super::keys::BatchKeys;
use super::outcome::Outcome;
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
        let BatchBuffer { answers, keys, frames, .. } = &mut *self.0;
        plain_frames(answers, keys, frames)
    }

    /// Seals each answer for its student. All tokens carry the time at which the answers were given. The
    /// first answer whose key is to be revealed is the last one: its token has no line end, and its key
    /// is kept, to be sent behind it.
    pub fn seal(mut self, sealer: &mut Sealer) -> Replies {
        let revealed = self.reveal_key();
        let now = self.time();
        sealer.seal(now, self.unsealed());
        let mut buffer = self.0;
        let BatchBuffer { answers, keys, frames, replies, ends, .. } = &mut *buffer;
        if let Some(last) = revealed {
            answers.truncate(last + 1);
        }
        let mut sealed = frames.as_slice();
        for (at, answer) in answers.iter().enumerate() {
            if answer.has_token() {
                let (frame, rest) = sealed.split_at(answer.frame_bytes);
                sealed = rest;
                assert!(frame::is_sealed(frame), "a frame was not sealed");
                write_token(replies, frame);
                if revealed != Some(at) {
                    replies.push(wire::LINE_END);
                }
            } else if let Outcome::Rejected(rejection) = answer.outcome {
                wire::write_rejection(replies, rejection);
            }
            ends.push(replies.len());
        }
        // The frames are ciphertext now.
        keys.clear();
        frames.clear();
        Replies::from_buffer(buffer)
    }

    /// The bytes of all frames.
    #[cfg(test)]
    pub(crate) fn frames_bytes(&self) -> usize {
        self.0.frames.len()
    }

    /// The capacity of the memory of the frames.
    #[cfg(test)]
    pub(crate) fn frames_capacity(&self) -> usize {
        self.0.frames.capacity()
    }

    /// Whether each key comes with its MAC states.
    #[cfg(test)]
    pub(crate) fn have_mac_states(&self) -> Vec<bool> {
        self.0.keys.iter().map(|key| key.mac_states().is_some()).collect()
    }

    /// Keeps the text of the first key that is to be revealed. Returns the place of its answer.
    fn reveal_key(&mut self) -> Option<usize> {
        let BatchBuffer { requests, answers, keys, revealed_key, .. } = &mut *self.0;
        let mut keys = keys.iter();
        for (at, (request, answer)) in requests.iter().zip(answers.iter()).enumerate() {
            let key = answer.has_token().then(|| keys.next()).flatten();
            if let (Some(key), Outcome::Answered) = (key, answer.outcome)
                && request.reveals_key()
            {
                revealed_key.extend_from_slice(key.key().expose_text().as_bytes());
                return Some(at);
            }
        }
        None
    }
}

/// The frames of a batch that are not sealed, with their keys. The frames of all answers with a token follow each other,
/// so splitting them off cannot fail; if it did, the panic would fail the batch, and no text would leave unsealed.
fn plain_frames<'a>(
    answers: &'a [Answer],
    keys: &'a BatchKeys,
    mut frames: &'a mut [u8],
) -> impl Iterator<Item = PlainFrame<'a>> {
    let with_token = answers.iter().filter(|answer| answer.has_token());
    with_token.zip(keys.iter()).filter_map(move |(answer, key)| {
        let (bytes, rest) = std::mem::take(&mut frames).split_at_mut(answer.frame_bytes);
        frames = rest;
        (!frame::is_sealed(bytes)).then(|| PlainFrame::new(key, bytes))
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use fernet_batch::Key;

    use super::super::limits::BatchLimits;
    use super::*;

    #[test]
    fn a_text_that_no_key_sealed_is_not_sent() {
        let limits = BatchLimits { requests: 1, output_bytes: 500 };
        for has_key in [true, false] {
            let mut buffer = Box::new(BatchBuffer::new(limits));
            let start = frame::begin_frame(&mut buffer.frames);
            buffer.frames.extend_from_slice(b"a text");
            buffer.answers.push(Answer::close(Outcome::Answered, start, &mut buffer.frames));
            if has_key {
                buffer.keys.push((&Key::from_bytes([1; 32])).into());
            }
            let mut sealer = Sealer::new().unwrap();
            let answers = Answers::from_buffer(buffer);
            let sealed = catch_unwind(AssertUnwindSafe(|| answers.seal(&mut sealer).len()));
            assert_eq!(sealed.ok(), has_key.then_some(1));
        }
    }
}
