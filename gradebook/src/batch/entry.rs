//! The entries of a batch: requests as spans of its texts, and answers.

use fernet_batch::frame;
use fernet_batch::token::token_bytes;

use super::outcome::Outcome;
use crate::request::{Command, Rejection, Request, StudentId};
use crate::wire;

/// A request, or why a line is not one.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    request: Result<(Span, Command<Span>), Rejection>,
    /// Whether the key is sent behind the answer.
    reveals_key: bool,
}

/// A part of a batch's texts.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn of(self, texts: &str) -> &str {
        texts.get(self.start..self.end).unwrap_or_default()
    }
}

impl Entry {
    /// Copies a request's texts to the end of `texts`.
    pub(super) fn of_request(request: &Request<'_>, texts: &mut String) -> Self {
        let mut append = |text: &str| {
            let start = texts.len();
            texts.push_str(text);
            Span { start, end: texts.len() }
        };
        let id = append(request.id.as_str());
        Self { request: Ok((id, request.command.map(append))), reveals_key: false }
    }

    pub(super) fn of_rejection(rejection: Rejection) -> Self {
        Self { request: Err(rejection), reveals_key: false }
    }

    /// The same request, with the key sent behind its answer.
    pub(super) fn revealing_key(self) -> Self {
        Self { reveals_key: true, ..self }
    }

    pub(super) fn reveals_key(&self) -> bool {
        self.reveals_key
    }

    /// Why the line is not a request, if it is none.
    pub(super) fn rejection(&self) -> Option<Rejection> {
        self.request.as_ref().err().copied()
    }

    #[inline]
    pub(super) fn request<'a>(&self, texts: &'a str) -> Result<Request<'a>, Rejection> {
        let (id, command) = self.request?;
        let text = |span: Span| span.of(texts);
        Ok(Request { id: StudentId::from_checked(text(id)), command: command.map(text) })
    }

    /// The ID in the request.
    pub(super) fn id<'a>(&self, texts: &'a str) -> Option<&'a str> {
        self.request.as_ref().ok().map(|(id, _)| id.of(texts))
    }

    /// The token of a sealed request; empty if it is not sealed.
    pub(super) fn token<'a>(&self, texts: &'a str) -> &'a str {
        match &self.request {
            Ok((_, Command::Sealed(token))) => token.of(texts),
            _ => "",
        }
    }

    /// Replaces a sealed request by the command that it contained, for events.
    pub(super) fn set_command(&mut self, command: Command<()>) {
        if let Ok((_, sealed)) = &mut self.request {
            *sealed = command.map(|()| Span { start: 0, end: 0 });
        }
    }
}

/// What was decided about one request.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// The bytes of the frame whose text becomes a token; zero if there is none.
    pub(super) frame_bytes: usize,
}

impl Answer {
    /// An answer without a token.
    pub(super) fn without_token(outcome: Outcome) -> Self {
        Self { outcome, frame_bytes: 0 }
    }

    /// The answer with the text in the last frame, which begins at `start` and is closed here.
    pub(super) fn close(outcome: Outcome, start: usize, frames: &mut Vec<u8>) -> Self {
        frame::end_frame(frames, start);
        Self { outcome, frame_bytes: frames.len() - start }
    }

    pub(super) fn has_token(&self) -> bool {
        self.frame_bytes > 0
    }

    /// The length of the reply in bytes.
    #[inline]
    pub(super) fn reply_bytes(&self) -> usize {
        match self.outcome {
            Outcome::Rejected(rejection) => wire::rejection_bytes(rejection),
            _ if self.has_token() => token_bytes(self.frame_bytes) + 1,
            _ => 0,
        }
    }
}
