//! Whether records can be written; and what happened while they could not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use grade_actors::audit::BatchReplies;
use sd_notify::NotifyState;

use crate::console::{Console, Notice};
use crate::service::notify_manager;

/// AuditEvent the writer and those who wait for it share.
pub(super) struct AuditHealth {
    failing: AtomicBool,
    unrecorded: Mutex<Unrecorded>,
    /// How many requests have been refused since it is failing.
    refused: AtomicU64,
    console: Arc<Console>,
}

/// AuditEvent happened since records could not be written, as far as no record tells.
#[derive(Default)]
pub(super) struct Unrecorded {
    /// Why they cannot be written.
    pub(super) reason: String,
    /// How many requests were refused.
    pub(super) requests: u64,
    /// How many events found no room to wait.
    pub(super) events: u64,
}

impl AuditHealth {
    pub(super) fn new(console: Arc<Console>) -> Self {
        let (failing, unrecorded) = (AtomicBool::new(false), Mutex::default());
        Self { failing, unrecorded, refused: AtomicU64::new(0), console }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Nothing can be written, for this reason. From now on no grade goes out.
    pub(super) fn fail(&self, reason: &str) {
        reason.clone_into(&mut self.unrecorded().reason);
        if self.failing.swap(true, Ordering::AcqRel) {
            return;
        }
        self.console.notice(&Notice::AuditFailed(reason));
        let status = format!("no grade goes out, since the audit cannot be written: {reason}");
        notify_manager(&[NotifyState::Status(&status)]);
    }

    /// Records can be written again, and grades go out.
    pub(super) fn recover(&self) {
        if !self.failing.swap(false, Ordering::AcqRel) {
            return;
        }
        let refused = self.refused.swap(0, Ordering::Relaxed);
        self.console.notice(&Notice::AuditResumed(refused));
        notify_manager(&[NotifyState::Status("serving")]);
    }

    /// Whether something happened that no record tells of.
    pub(super) fn has_unrecorded(&self) -> bool {
        let unrecorded = self.unrecorded();
        unrecorded.requests > 0 || unrecorded.events > 0
    }

    /// Counts requests that are refused.
    pub(super) fn refuse(&self, batches: &[BatchReplies]) {
        let requests: usize = batches.iter().map(|batches| batches.replies.len()).sum();
        let requests = u64::try_from(requests).unwrap_or(u64::MAX);
        self.refused.fetch_add(requests, Ordering::Relaxed);
        let mut unrecorded = self.unrecorded();
        unrecorded.requests = unrecorded.requests.saturating_add(requests);
    }

    /// Counts an event that cannot be taken down.
    pub(super) fn lose_event(&self) {
        let mut unrecorded = self.unrecorded();
        unrecorded.events = unrecorded.events.saturating_add(1);
    }

    /// AuditEvent was unrecorded, for a record to tell.
    pub(super) fn take_unrecorded(&self) -> Unrecorded {
        let mut unrecorded = self.unrecorded();
        let reason = unrecorded.reason.clone();
        std::mem::replace(&mut *unrecorded, Unrecorded { reason, ..Unrecorded::default() })
    }

    pub(super) fn warn(&self, text: &str) {
        self.console.notice(&Notice::Warning(text));
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
