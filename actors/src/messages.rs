//! The conversation: every message that one actor sends another.
//!
//! | message     | from -> to                   | carries             | answered with              |
//! |-------------|------------------------------|---------------------|----------------------------|
//! | [`Lookup`]  | Session -> GradeStore        | batches of requests | what may be told of each   |
//! | [`Seal`]    | Session -> Encryptor         | what may be told    | the replies, ready to write |
//! | [`Install`] | Server -> GradeStore          | a new book          | the old one                |
//! | [`Drain`]   | Server -> Listener -> Session | a deadline          | when the last session ended |
//! | [`Ended`]   | Session -> Listener          | how it ended        | nothing                    |

use actix::Message;
use gradebook::{Answers, Book, Replies, Requests};
use tokio::time::Instant;

use crate::event::{CloseReason, SessionNumber};

/// Asks the store what may be told, for one batch of each of some sessions. Each is answered from one
/// edition, in order, or has failed by itself.
#[derive(Message)]
#[rtype(result = "Vec<Result<Answers, Failed>>")]
pub struct Lookup(pub Vec<Requests>);

/// Asks an encryptor for the replies to some batches. Each is answered in order, or has failed by
/// itself.
#[derive(Message)]
#[rtype(result = "Vec<Result<Replies, Failed>>")]
pub struct Seal(pub Vec<Answers>);

/// Gives the store a new book: it restarts with it and returns the old one, so that the caller can
/// drop that off the actors' thread. A book that is not newer is returned itself.
#[derive(Message)]
#[rtype(result = "Result<Book, Failed>")]
pub struct Install(pub Book);

/// Ends the service: the listener accepts no more, each session answers what it has taken and ends.
/// The listener's answer comes when the last session has ended; a session takes it as a notice, answers
/// at once, and says [`Ended`] later.
#[derive(Clone, Copy, Message)]
#[rtype(result = "Drained")]
pub struct Drain {
    /// When to stop waiting for the sessions.
    pub deadline: Instant,
}

/// The answer to [`Drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// How many sessions were still open at the deadline.
    pub cut_off: usize,
}

/// A session's farewell to its listener.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ended {
    /// Which one.
    pub session: SessionNumber,
    /// How.
    pub reason: CloseReason,
    /// How many requests it answered.
    pub requests: u64,
}

/// The actor asked has failed on this very message, and has been restarted; or it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the server failed on this message")]
pub struct Failed;
