//! The audit's place in the path of a reply.
//!
//! The replies themselves are handed to the audit and come back when their records are written. So no
//! reply can be sent without a record: the types leave no other way.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use gradebook::Replies;

use crate::event::SessionNumber;

/// Records replies before they are sent.
pub trait AuditSink: Send + Sync {
    /// Records these replies and returns them, in the same order; `None` if they cannot be recorded in time. It
    /// does not block, and records stand in the order of the calls.
    fn record(&self, batches: Vec<BatchReplies>) -> Recorded;
}

/// The replies of one batch, before they are sent.
pub struct BatchReplies {
    /// Who asked.
    pub requester: Requester,
    /// The replies.
    pub replies: Replies,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The session.
    pub session: SessionNumber,
    /// The client's address.
    pub peer: SocketAddr,
}

/// All of the replies once they are recorded, or none of them.
pub type Recorded = Pin<Box<dyn Future<Output = Option<Vec<BatchReplies>>>>>;

/// An audit that all sessions share.
pub type SharedAudit = Arc<dyn AuditSink>;
