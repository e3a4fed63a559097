//! The audit: whatever is answered is taken down first, or not answered.
//!
//! The replies themselves go to the audit and come back when they are taken down. So none can leave
//! without: that is a property of the way they take, not of care.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use gradebook::Replies;

use crate::event::SessionNumber;

/// Takes down what is answered.
pub trait AuditSink: Send + Sync {
    /// Takes these replies down and gives them back; or nothing, when they cannot be taken down in
    /// time. It does not block, and the records stand in the order of the calls.
    fn record(&self, answered: Vec<BatchReplies>) -> Recorded;
}

/// The replies to one batch, before they are sent.
pub struct BatchReplies {
    /// Whose they are.
    pub requester: Requester,
    /// What each of them answers, and how.
    pub replies: Replies,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The session.
    pub session: SessionNumber,
    /// Where it comes from.
    pub peer: SocketAddr,
}

/// All of the replies, once they are taken down; or none of them.
pub type Recorded = Pin<Box<dyn Future<Output = Option<Vec<BatchReplies>>>>>;

/// An audit that all sessions share.
pub type SharedAudit = Arc<dyn AuditSink>;
