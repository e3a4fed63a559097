//! Whether records can be written, and what happened while they could not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use grade_actors::audit::BatchReplies;
use grade_actors::event::{ServerEvent, SharedSink};

/// What the writer and those who wait for it share.
pub(super) struct AuditHealth {
    failing: AtomicBool,
    unrecorded: Mutex<Unrecorded>,
    /// The number of requests refused since records cannot be written.
    refused: AtomicU64,
    events: SharedSink,
}

/// What happened since records could not be written, and stands in no record yet.
#[derive(Default)]
pub(super) struct Unrecorded {
    /// Why they cannot be written.
    pub(super) reason: String,
    /// The number of requests that were refused.
    pub(super) requests: u64,
    /// The number of events that found no room to wait.
    pub(super) events: u64,
}

impl AuditHealth {
    /// A healthy audit, whose failures are emitted to `events`.
    pub(super) fn new(events: SharedSink) -> Self {
        Self {
            failing: AtomicBool::new(false),
            unrecorded: Mutex::default(),
            refused: AtomicU64::new(0),
            events,
        }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Records cannot be written, for this reason. From now on every request is refused.
    pub(super) fn fail(&self, reason: &str) {
        reason.clone_into(&mut self.unrecorded().reason);
        if !self.failing.swap(true, Ordering::AcqRel) {
            self.events.emit(&ServerEvent::AuditFailed(reason));
        }
    }

    /// Records can be written again, and requests are answered.
    pub(super) fn recover(&self) {
        if self.failing.swap(false, Ordering::AcqRel) {
            let refused = self.refused.swap(0, Ordering::Relaxed);
            self.events.emit(&ServerEvent::AuditResumed(refused));
        }
    }

    /// Returns true if something happened that stands in no record.
    pub(super) fn has_unrecorded(&self) -> bool {
        let unrecorded = self.unrecorded();
        unrecorded.requests > 0 || unrecorded.events > 0
    }

    /// Counts requests that are refused.
    pub(super) fn refuse(&self, batches: &[BatchReplies]) {
        let requests: usize = batches.iter().map(|batch| batch.replies.len()).sum();
        let requests = u64::try_from(requests).unwrap_or(u64::MAX);
        self.refused.fetch_add(requests, Ordering::Relaxed);
        let mut unrecorded = self.unrecorded();
        unrecorded.requests = unrecorded.requests.saturating_add(requests);
    }

    /// Counts an event that cannot be recorded.
    pub(super) fn lose_event(&self) {
        let mut unrecorded = self.unrecorded();
        unrecorded.events = unrecorded.events.saturating_add(1);
    }

    /// Takes what is unrecorded, to be written into a record.
    pub(super) fn take_unrecorded(&self) -> Unrecorded {
        let mut unrecorded = self.unrecorded();
        let reason = unrecorded.reason.clone();
        std::mem::replace(&mut *unrecorded, Unrecorded { reason, ..Unrecorded::default() })
    }

    pub(super) fn warn(&self, text: &str) {
        self.events.emit(&ServerEvent::Warning(text));
    }

    fn unrecorded(&self) -> MutexGuard<'_, Unrecorded> {
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unrecorded {
    pub(super) fn add(&mut self, more: Self) {
        self.reason = more.reason;
        self.requests = self.requests.saturating_add(more.requests);
        self.events = self.events.saturating_add(more.events);
    }
}
