//! Every message that one actor sends another.
//!
//! | message     | from -> to                   | carries             | answered with                |
//! |-------------|------------------------------|---------------------|------------------------------|
//! | [`Lookup`]  | Dispatcher -> GradeStore     | batches of requests | answers, in order            |
//! | [`Seal`]    | Dispatcher -> Encryptor      | batches of answers  | replies to write, in order   |
//! | [`Install`] | Server -> GradeStore         | a new book          | the book that is unused      |
//! | [`Drain`]   | Server -> GradeStore         | a deadline          | at once                      |
//! | [`Drain`]   | Server -> Listener -> Session | a deadline         | when the last session ended  |
//! | [`Ended`]   | Session -> Listener          | the close reason    | nothing                      |

use actix::Message;
use gradebook::{Answers, Book, Replies, Requests};
use tokio::time::Instant;

use crate::event::{CloseReason, SessionNumber};

/// Batches of requests. Each is answered from one edition, in order, or fails by itself.
#[derive(Message)]
#[rtype(result = "Vec<Result<Answers, Failed>>")]
pub struct Lookup(pub Vec<Requests>);

/// Batches of answers to be sealed. Each is sealed in order, or fails by itself.
#[derive(Message)]
#[rtype(result = "Vec<Result<Replies, Failed>>")]
pub struct Seal(pub Vec<Answers>);

/// A new book: the store restarts with it and returns the old one, so that the caller can drop that
/// on another thread. A book of an older edition is not installed, and is returned itself; one of the same
/// edition brings other keys.
#[derive(Message)]
#[rtype(result = "Result<Book, Failed>")]
pub struct Install(pub Book);

/// The end of the service: the store answers no sealed request that is later, the listener accepts no more,
/// and each session answers what it has read and ends. The listener answers when the last session has ended.
/// A session answers at once, and sends [`Ended`] later.
#[derive(Clone, Copy, Message)]
#[rtype(result = "Drained")]
pub struct Drain {
    /// When to stop waiting for the sessions.
    pub deadline: Instant,
}

/// The answer to [`Drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The number of sessions that were still open at the deadline.
    pub cut_off: usize,
}

/// The end of a session.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ended {
    /// The session.
    pub session: SessionNumber,
    /// Why its connection closed.
    pub reason: CloseReason,
    /// The number of requests that it answered.
    pub requests: u64,
}

/// The actor failed on this message and was restarted, or it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the server failed on this message")]
pub struct Failed;
