//! Events: what happened, as values. Actors and the program emit them, sinks record them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use gradebook::{Book, EditionNumber, Outcome, Rejection, Request};

/// A session's number within one run of the program, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionNumber(pub u64);

/// Something that happened in the server.
#[derive(Clone, Copy)]
pub enum ServerEvent<'a> {
    /// The class file was read at the start.
    ClassRead {
        /// The class file.
        path: &'a Path,
        /// The first book.
        book: &'a Book,
    },
    /// The listener accepts connections at these addresses.
    Listening(&'a [SocketAddr]),
    /// The page is served for browsers.
    PageServed {
        /// The address.
        address: SocketAddr,
        /// Whether it is served in TLS.
        is_secure: bool,
        /// The SHA-256 of the page, in 64 hexadecimal digits.
        hash: &'a str,
    },
    /// The certificate was exchanged for the one that is now in its files.
    CertificateExchanged,
    /// A connection was accepted.
    Accepted {
        /// Its session.
        session: SessionNumber,
        /// The client's address.
        peer: SocketAddr,
    },
    /// A connection was closed at once, since its source has as many as allowed.
    ConnectionRejected(SocketAddr),
    /// A request was answered or rejected. Emitted only to sinks that want requests.
    Answered {
        /// The session.
        session: SessionNumber,
        /// The request, or why the line is not one.
        request: Result<Request<'a>, Rejection>,
        /// How it ended.
        outcome: Outcome,
        /// The bytes that are sent: a token with its line end, an `ERR` line, or nothing.
        reply: &'a [u8],
    },
    /// A session ended.
    Ended {
        /// The session.
        session: SessionNumber,
        /// Why its connection closed.
        reason: CloseReason,
        /// The number of requests that it answered.
        requests: u64,
    },
    /// The system lacks what `accept` needs, such as descriptors; the listener pauses and tries again.
    /// Emitted once until connections are accepted again.
    AcceptPaused(&'a io::Error),
    /// The listening socket can never be used again; the server ends.
    AcceptFailed(&'a io::Error),
    /// Connections are accepted again, after so many failures.
    AcceptResumed(u64),
    /// A handler panicked; its actor restarts.
    Panicked(Part),
    /// There were too many restarts; the server ends.
    TooManyRestarts,
    /// The store restarted with a new book.
    Installed {
        /// The number of the edition.
        edition: EditionNumber,
        /// The number of students.
        students: usize,
    },
    /// The class file was read again and has not changed.
    ClassUnchanged(EditionNumber),
    /// The class file was rejected or held; the current edition stays.
    EditionKept {
        /// The current edition.
        edition: EditionNumber,
        /// Why it stays.
        reason: &'a str,
    },
    /// A book of the same edition with other keys took the place of the one before; it has so many students.
    KeysExchanged(usize),
    /// Something happened to the editions that are kept.
    Publishing(PublishingEvent<'a>),
    /// The class file cannot be watched; it is read from time to time.
    WatchFailed(&'a str),
    /// Something that the operator should know.
    Warning(&'a str),
    /// The audit log cannot be written; every request is refused.
    AuditFailed(&'a str),
    /// The audit log is written again, after so many requests were refused.
    AuditResumed(u64),
    /// The service ends; so many sessions are open.
    Draining(usize),
    /// The service has ended; so many sessions were cut off at the deadline.
    Drained(usize),
}

/// Something that happened to the editions that are kept.
#[derive(Clone, Copy)]
pub enum PublishingEvent<'a> {
    /// An edition was published.
    Published {
        /// Its number.
        edition: EditionNumber,
        /// What published it, in one word.
        by: &'a str,
        /// The edition that it repeats.
        of: Option<EditionNumber>,
    },
    /// The class file looks wrong and waits for the command `publish`. These texts may contain figures: only
    /// the instructor's log shows them.
    Held {
        /// The current edition.
        edition: EditionNumber,
        /// The rules, separated by commas.
        rules: &'a str,
        /// What was found.
        reason: &'a str,
    },
    /// The class file waits for the command `publish`.
    Staged {
        /// The current edition.
        edition: EditionNumber,
        /// What identifies its content.
        digest: &'a str,
    },
    /// The contents of the oldest editions were removed.
    Pruned(&'a [EditionNumber]),
}

/// A part of the server that is restarted when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The store of grades.
    GradeStore,
    /// An encryptor.
    Encryptor,
}

/// Why a connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client closed and has all its answers.
    Closed,
    /// The connection broke.
    Lost(io::ErrorKind),
    /// A student is unknown, and unknown students get no byte.
    UnknownStudent,
    /// The source has as many connections as allowed, which only the header of a proxy showed.
    TooManyConnections,
    /// A proxy sent a header that is not valid.
    BadProxyHeader,
    /// A line was longer than allowed.
    TooLong,
    /// A request was not complete in time.
    TooSlow,
    /// No request came for a long time.
    Idle,
    /// The client did not read its replies in time; the connection was reset.
    NotReading,
    /// A token was sent with its key, which is the only answer of such a connection.
    KeyRevealed,
    /// The service ends.
    Drained,
    /// The session panicked; other sessions go on.
    Panicked,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed by the client",
            Self::Lost(kind) => return write!(f, "connection lost ({kind})"),
            Self::UnknownStudent => "unknown student",
            Self::TooManyConnections => "too many connections from its source",
            Self::BadProxyHeader => "header of the proxy not valid",
            Self::TooLong => "line too long",
            Self::TooSlow => "request not complete in time",
            Self::Idle => "idle",
            Self::NotReading => "replies not read in time",
            Self::KeyRevealed => "answered with the key",
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

/// Records events. It is called on the actors' threads, so it must not block.
pub trait EventSink: Send + Sync {
    /// Records one event.
    fn emit(&self, event: &ServerEvent<'_>);

    /// Returns true if the sink wants [`ServerEvent::Answered`], which is one event a request. Each worker
    /// asks once, when it starts, so the answer must not change.
    fn wants_requests(&self) -> bool {
        false
    }
}

/// A sink that all actors share.
pub type SharedSink = Arc<dyn EventSink>;
