//! What a session and its connection share.

use std::cell::{Cell, OnceCell};

use crate::admission::SourcePermit;

/// What a connection shares with its session.
#[derive(Default)]
pub(super) struct SessionState {
    /// Set when the service ends. The session's context polls the connection after every message that
    /// it handles, so no wake-up is needed.
    pub(super) draining: Cell<bool>,
    /// The number of requests that were answered or rejected.
    pub(super) requests: Cell<u64>,
    /// The permit to be one of the connections of its source.
    source_permit: OnceCell<SourcePermit>,
}

impl SessionState {
    /// Keeps the permit until the session ends.
    pub(super) fn admit(&self, permit: SourcePermit) {
        // A session has one source.
        drop(self.source_permit.set(permit));
    }

    pub(super) fn is_admitted(&self) -> bool {
        self.source_permit.get().is_some()
    }
}
