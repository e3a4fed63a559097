//! The thread that writes records.
//!
//! All records that wait are written in one go. If they cannot be written, they are removed from the
//! file, the requests that they are about are refused, and the thread tries again until it succeeds.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, SystemTime};

use grade_actors::Source;
use grade_actors::audit::BatchReplies;
use gradebook::{Outcome, Rejection};
use tokio::sync::oneshot;

use super::file::AuditFile;
use super::health::{AuditHealth, Unrecorded};
use super::journal::Journal;
use super::record::AuditEvent;
use super::tally::{Rejected, Tally};
use crate::redact::redact_id;

/// The bytes of records from which on no further batch is added to a write.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What the thread is to do.
pub(super) enum WriterMessage {
    /// Record these, and return them then.
    Batches(Vec<BatchReplies>, oneshot::Sender<Vec<BatchReplies>>),
    /// Record this.
    Event(AuditEvent<'static>),
    /// Count a connection that was rejected.
    ConnectionRejected(Source),
    /// Continue in the file that has the path now.
    Reopen,
    /// Check whether records can be written again.
    Recover,
    /// Record this as the last record, report that, and end.
    Close(AuditEvent<'static>, SyncSender<()>),
}

/// Writes records to a file.
pub(super) struct Writer {
    path: PathBuf,
    pub(super) journal: Journal,
    pub(super) queue: Receiver<WriterMessage>,
    pub(super) health: Arc<AuditHealth>,
    /// The batches whose records are unwritten.
    pub(super) batches: Vec<WaitingBatches>,
    /// The events whose records are unwritten, and events that could not be written.
    pub(super) events: VecDeque<AuditEvent<'static>>,
    /// Ranges of records about requests that were refused after all.
    pub(super) voided: Vec<(u64, u64)>,
    pub(super) tally: Tally,
    pub(super) unrecorded: Unrecorded,
    pub(super) closing: Option<(AuditEvent<'static>, SyncSender<()>)>,
}

/// Batches that wait for their records, and the first and the last of these.
pub(super) struct WaitingBatches {
    pub(super) batches: Vec<BatchReplies>,
    pub(super) done: oneshot::Sender<Vec<BatchReplies>>,
    pub(super) records: (u64, u64),
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        journal: Journal,
        queue: Receiver<WriterMessage>,
        health: Arc<AuditHealth>,
    ) -> Self {
        Self {
            path,
            journal,
            queue,
            health,
            batches: Vec::new(),
            events: VecDeque::new(),
            voided: Vec::new(),
            tally: Tally::default(),
            unrecorded: Unrecorded::default(),
            closing: None,
        }
    }

    /// Writes until it is closed, or nobody is left to send a message.
    pub(super) fn run(mut self) {
        while let Some(first) = self.wait_for_message() {
            let mut next = first;
            while let Some(message) = next {
                self.accept(message);
                let full =
                    self.journal.unwritten_bytes() >= TEXT_BYTES_MAX || self.closing.is_some();
                next = if full { None } else { self.queue.try_recv().ok() };
            }
            if self.closing.is_some() || self.tally.time_left() == Some(Duration::ZERO) {
                self.record_tally();
            }
            self.write();
            if let Some((last, done)) = self.closing.take() {
                self.close(&last);
                // The receiver may have stopped waiting.
                let _ = done.send(());
                return;
            }
        }
    }

    /// Waits for a message, or until counts are due to be recorded: then there is none. Returns `None`
    /// if nobody is left to send one.
    fn wait_for_message(&self) -> Option<Option<WriterMessage>> {
        let Some(time_left) = self.tally.time_left() else {
            return self.queue.recv().ok().map(Some);
        };
        match self.queue.recv_timeout(time_left) {
            Ok(message) => Some(Some(message)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn record_tally(&mut self) {
        for event in self.tally.take() {
            self.journal.record(&event);
            self.events.push_back(event);
        }
    }

    fn accept(&mut self, message: WriterMessage) {
        match message {
            WriterMessage::Batches(batches, done) => {
                let first = self.journal.last_record().saturating_add(1);
                for batch in &batches {
                    self.record_batch(batch);
                }
                let records = (first, self.journal.last_record());
                self.batches.push(WaitingBatches { batches, done, records });
            }
            WriterMessage::Event(event) => {
                self.journal.record(&event);
                self.events.push_back(event);
            }
            WriterMessage::ConnectionRejected(source) => {
                self.tally.count(Rejected::Connections, source);
            }
            WriterMessage::Reopen => {
                self.write();
                self.reopen();
            }
            // Every write ends with a recovery, if one is needed.
            WriterMessage::Recover => {}
            WriterMessage::Close(event, done) => self.closing = Some((event, done)),
        }
    }

    /// Writes the records, and returns the batches. If that fails, it tries until it succeeds, or is
    /// closed.
    fn write(&mut self) {
        match self.journal.write() {
            Ok(()) => {
                self.events.clear();
                for waiting in std::mem::take(&mut self.batches) {
                    // Nobody waits any longer if the write took too long.
                    if waiting.done.send(waiting.batches).is_err() {
                        self.void(waiting.records);
                    }
                }
            }
            Err(error) => {
                self.health.fail(&error.to_string());
                self.refuse_batches();
                // Where a batch has no room, the record that reports it may still have room.
                self.wait();
            }
        }
        if !self.voided.is_empty() || self.health.has_unrecorded() || self.health.is_failing() {
            self.recover();
        }
    }

    /// Writes the last record of this run, if that is possible.
    fn close(&mut self, last: &AuditEvent<'_>) {
        let failed = !self.voided.is_empty() || self.health.has_unrecorded();
        if self.journal.is_written() && (failed || self.health.is_failing()) {
            self.record_recovery();
        }
        self.record_tally();
        self.journal.record(last);
        if self.journal.write().is_err() {
            self.journal.remove_unwritten();
        }
        self.journal.file.sync();
    }

    /// Continues in a new file, if the current one was moved away.
    pub(super) fn reopen(&mut self) {
        if self.journal.file.is_at(&self.path) {
            return;
        }
        match self.journal.file.next(&self.path) {
            Ok(Some(next)) => self.continue_in(next),
            Ok(None) => self.health.warn("audit.file was replaced by a file that is not empty"),
            Err(error) => self.health.warn(&error.to_string()),
        }
    }

    fn continue_in(&mut self, next: AuditFile) {
        if self.journal.is_written() {
            self.journal.record(&AuditEvent::Continued);
            if self.journal.write().is_err() {
                self.journal.remove_unwritten();
            }
        }
        if !self.journal.is_written() {
            // What a pipe has not taken is lost with it.
            self.journal.forget_unwritten();
        }
        self.journal.file = next;
        self.journal.record(&AuditEvent::Continues);
        if let Err(error) = self.journal.write() {
            self.health.fail(&error.to_string());
            if self.journal.remove_unwritten() {
                self.events.push_front(AuditEvent::Continues);
            }
        }
    }

    fn record_batch(&mut self, BatchReplies { requester, replies }: &BatchReplies) {
        let source = requester.peer.to_string();
        let now = SystemTime::now();
        for (request, outcome, _) in replies.iter() {
            if outcome == Outcome::Rejected(Rejection::TooMany) {
                self.tally.count(Rejected::Requests, Source::of(requester.peer.ip()));
                continue;
            }
            let request = request.ok();
            let id = request.as_ref().map(|request| redact_id(&request.id, outcome));
            let event = AuditEvent::Request {
                connection: requester.session.0,
                source: &source,
                id: id.as_deref(),
                command: request.as_ref().map(|request| request.command.word()),
                outcome: outcome.word(),
                edition: replies.edition().0,
            };
            self.journal.record_at(&event, now);
        }
    }
}
