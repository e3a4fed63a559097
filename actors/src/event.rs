//! What happened, as values. Actors tell events; one module of the program prints them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use gradebook::{EditionNumber, Outcome, Rejection, Request};

/// A session's number within one run of the program, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionNumber(pub u64);

/// Something that happened in the server.
#[derive(Debug)]
pub enum ServerEvent<'a> {
    /// The listener accepts connections.
    Listening(SocketAddr),
    /// A connection was accepted.
    Accepted {
        /// Its session.
        session: SessionNumber,
        /// Where it came from.
        peer: SocketAddr,
    },
    /// A connection was closed at once, since its source has as many as it may have.
    ConnectionRejected(SocketAddr),
    /// A request was answered, one way or the other. Told only to those who want requests.
    Answered {
        /// The session that asked.
        session: SessionNumber,
        /// What it asked; a line that is no request has its rejection here.
        request: Result<Request<'a>, Rejection>,
        /// What became of it.
        outcome: Outcome,
        /// The bytes that are sent now: a token with its line end, an `ERR` line, or nothing.
        reply: &'a [u8],
    },
    /// A session ended.
    Ended {
        /// Which one.
        session: SessionNumber,
        /// How.
        reason: CloseReason,
        /// How many requests it dealt with.
        requests: u64,
    },
    /// Accepting failed for want of something, such as descriptors; the listener pauses and tries
    /// again. Told once for each shortage.
    AcceptPaused(&'a io::Error),
    /// Accepting can never work again; the server is broken.
    AcceptFailed(&'a io::Error),
    /// Accepting works again, after so many failures.
    AcceptResumed(u64),
    /// A handler panicked; its actor restarts and goes on.
    Panicked(Part),
    /// RestartLimit have become too many: the server is broken and the process should end.
    TooManyRestarts,
    /// The store restarted with a new book.
    Installed {
        /// The book's number.
        edition: EditionNumber,
        /// How many students it holds.
        students: usize,
    },
    /// The service ends; so many sessions are open.
    Draining(usize),
    /// The service has ended; so many sessions were cut off at the deadline.
    Drained(usize),
}

/// A part of the server that is restarted when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The store of grades.
    GradeStore,
    /// An encryptor.
    Encryptor,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client closed, and has all its answers.
    Closed,
    /// The connection broke.
    Lost(io::ErrorKind),
    /// A student was unknown, and unknown students get no byte.
    UnknownStudent,
    /// A line was longer than a line may be.
    TooLong,
    /// A request was not whole in time.
    TooSlow,
    /// Nothing was asked for a long time.
    Idle,
    /// Replies were not read in time; the connection was reset.
    NotReading,
    /// The one answer of the student report's wire was given.
    Revealed,
    /// The service ends.
    Drained,
    /// The session failed; its connection is closed, and nobody else's.
    Panicked,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed by the client",
            Self::Lost(kind) => return write!(f, "connection lost ({kind})"),
            Self::UnknownStudent => "unknown student",
            Self::TooLong => "line too long",
            Self::TooSlow => "request not complete in time",
            Self::Idle => "idle",
            Self::NotReading => "replies not read in time",
            Self::Revealed => "answered with the key",
            Self::Drained => "service ends",
            Self::Panicked => "session failed",
        })
    }
}

impl fmt::Display for SessionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who hears of events. Called on the actors' threads, so it must not block.
pub trait EventSink: Send + Sync {
    /// Hears of one event.
    fn emit(&self, event: &ServerEvent<'_>);

    /// Whether [`ServerEvent::Answered`] is wanted, which is one event a request.
    fn wants_requests(&self) -> bool;
}

/// A listener to events that all actors share.
pub type SharedSink = Arc<dyn EventSink>;
