//! The thread that writes records.
//!
//! All records that wait are written in one go. If they cannot be written, they are removed from the
//! file, the requests that they are about are refused, and the thread tries again until it succeeds.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, SystemTime};

use grade_actors::audit::BatchReplies;
use tokio::sync::oneshot;

use super::file::AuditFile;
use super::health::{AuditHealth, Unrecorded};
use super::record::{AuditEvent, ChainHead};
use crate::redact::redact_id;

/// The bytes of records from which on no further batch is added to a write.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// How long to wait before trying again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// The reason of a failure without an error.
pub(super) const SLOW: &str = "a record was not written in time";

/// The most events that wait while nothing can be written.
const WAITING_EVENTS_MAX: usize = 1000;

/// What the thread is to do.
pub(super) enum WriterMessage {
    /// Record these, and return them then.
    Batches(Vec<BatchReplies>, oneshot::Sender<Vec<BatchReplies>>),
    /// Record this.
    Event(AuditEvent<'static>),
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
    file: AuditFile,
    /// The last record, which is in the file or in `text`.
    last: ChainHead,
    queue: Receiver<WriterMessage>,
    health: Arc<AuditHealth>,
    /// The records that are being written, and how many bytes of them the file has.
    text: Vec<u8>,
    written: usize,
    /// The record before `text`.
    before: ChainHead,
    /// The batches that `text` is about.
    batches: Vec<WaitingBatches>,
    /// The events in `text`, and events that could not be written.
    events: VecDeque<AuditEvent<'static>>,
    /// Ranges of records about requests that were refused after all.
    voided: Vec<(u64, u64)>,
    unrecorded: Unrecorded,
    closing: Option<(AuditEvent<'static>, SyncSender<()>)>,
}

/// Batches that wait for their records, and the first and the last of these.
struct WaitingBatches {
    batches: Vec<BatchReplies>,
    done: oneshot::Sender<Vec<BatchReplies>>,
    records: (u64, u64),
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        file: AuditFile,
        last: ChainHead,
        queue: Receiver<WriterMessage>,
        health: Arc<AuditHealth>,
    ) -> Self {
        Self {
            path,
            file,
            before: last.clone(),
            last,
            queue,
            health,
            text: Vec::new(),
            written: 0,
            batches: Vec::new(),
            events: VecDeque::new(),
            voided: Vec::new(),
            unrecorded: Unrecorded::default(),
            closing: None,
        }
    }

    /// Writes until it is closed, or nobody is left to send a message.
    pub(super) fn run(mut self) {
        while let Ok(message) = self.queue.recv() {
            let mut next = Some(message);
            while let Some(message) = next {
                self.accept(message);
                let full = self.text.len() >= TEXT_BYTES_MAX || self.closing.is_some();
                next = if full { None } else { self.queue.try_recv().ok() };
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

    fn accept(&mut self, message: WriterMessage) {
        match message {
            WriterMessage::Batches(batches, done) => {
                let first = self.last.sequence.saturating_add(1);
                for batch in &batches {
                    self.record_batch(batch);
                }
                let records = (first, self.last.sequence);
                self.batches.push(WaitingBatches { batches, done, records });
            }
            WriterMessage::Event(event) => {
                self.record(&event);
                self.events.push_back(event);
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
        match self.write_text() {
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

    /// Refuses the waiting batches, and voids their records if these stay in the file.
    fn refuse_batches(&mut self) {
        let removed = self.remove_unwritten();
        if !removed {
            self.events.clear();
        }
        for WaitingBatches { batches, done, records } in std::mem::take(&mut self.batches) {
            drop(done);
            if removed {
                self.health.refuse(&batches);
            } else {
                self.void(records);
            }
        }
    }

    fn void(&mut self, (from, to): (u64, u64)) {
        match self.voided.last_mut() {
            Some((_, end)) if end.saturating_add(1) == from => *end = to,
            _ if from <= to => self.voided.push((from, to)),
            _ => {}
        }
    }

    /// Records what happened while nothing could be written, as soon as that is possible.
    fn recover(&mut self) {
        while self.closing.is_none() {
            // Records that could not be removed are written first.
            let reports_failure = self.text.is_empty();
            if reports_failure {
                self.record_recovery();
            }
            match self.write_text() {
                Ok(()) if reports_failure => {
                    self.clear_failure();
                    return self.health.recover();
                }
                Ok(()) => {}
                Err(_) => {
                    if !self.remove_unwritten() && reports_failure {
                        self.clear_failure();
                    }
                    self.wait();
                }
            }
        }
    }

    fn record_recovery(&mut self) {
        self.unrecorded.add(self.health.take_unrecorded());
        for (from, to) in self.voided.clone() {
            self.record(&AuditEvent::Voided { from, to });
        }
        for event in std::mem::take(&mut self.events) {
            self.record(&event);
            self.events.push_back(event);
        }
        let Unrecorded { reason, requests, events } = &self.unrecorded;
        let reason = if reason.is_empty() { SLOW } else { reason };
        let resumed = AuditEvent::Resumed {
            reason: reason.to_owned().into(),
            refused_requests: *requests,
            lost_events: *events,
        };
        self.record(&resumed);
    }

    /// Forgets what stands in the file, or will stand there before anything else.
    fn clear_failure(&mut self) {
        self.voided.clear();
        self.events.clear();
        self.unrecorded = Unrecorded::default();
    }

    /// Waits for the next try. Batches that come in the meantime are refused.
    fn wait(&mut self) {
        std::thread::sleep(RETRY_PAUSE);
        while let Ok(message) = self.queue.try_recv() {
            match message {
                WriterMessage::Batches(batches, _) => self.health.refuse(&batches),
                WriterMessage::Event(event) if self.events.len() < WAITING_EVENTS_MAX => {
                    self.events.push_back(event);
                }
                WriterMessage::Event(_) => self.health.lose_event(),
                WriterMessage::Reopen => self.reopen(),
                WriterMessage::Recover => {}
                WriterMessage::Close(event, done) => self.closing = Some((event, done)),
            }
        }
    }

    /// Writes the last record of this run, if that is possible.
    fn close(&mut self, last: &AuditEvent<'_>) {
        let failed = !self.voided.is_empty() || self.health.has_unrecorded();
        if self.text.is_empty() && (failed || self.health.is_failing()) {
            self.record_recovery();
        }
        self.record(last);
        if self.write_text().is_err() {
            self.remove_unwritten();
        }
        self.file.sync();
    }

    /// Continues in a new file, if the current one was moved away.
    fn reopen(&mut self) {
        if self.file.is_at(&self.path) {
            return;
        }
        match self.file.next(&self.path) {
            Ok(Some(next)) => self.continue_in(next),
            Ok(None) => self.health.warn("audit.file was replaced by a file that is not empty"),
            Err(error) => self.health.warn(&error.to_string()),
        }
    }

    fn continue_in(&mut self, next: AuditFile) {
        if self.text.is_empty() {
            self.record(&AuditEvent::Continued);
            if self.write_text().is_err() {
                self.remove_unwritten();
            }
        }
        if !self.text.is_empty() {
            // What a pipe has not taken is lost with it.
            self.forget_text();
        }
        self.file = next;
        self.record(&AuditEvent::Continues);
        if let Err(error) = self.write_text() {
            self.health.fail(&error.to_string());
            if self.remove_unwritten() {
                self.events.push_front(AuditEvent::Continues);
            }
        }
    }

    fn record_batch(&mut self, BatchReplies { requester, replies }: &BatchReplies) {
        for (request, outcome, _) in replies.iter() {
            let request = request.ok();
            self.record(&AuditEvent::Request {
                connection: requester.session.0,
                source: requester.peer,
                id: request.as_ref().map(|request| redact_id(&request.id)),
                command: request.as_ref().map(|request| request.command.word()),
                outcome: outcome.word(),
                edition: replies.edition().0,
            });
        }
    }

    fn record(&mut self, event: &AuditEvent<'_>) {
        if self.text.is_empty() {
            self.before.clone_from(&self.last);
        }
        self.last.append(event, SystemTime::now(), &mut self.text);
    }

    /// Writes the records, or as much of them as the system takes.
    fn write_text(&mut self) -> io::Result<()> {
        while let Some(rest) = self.text.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.file.append(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written = self.written.saturating_add(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.written > 0 {
            self.file.write_head(&self.last);
            self.text.clear();
            self.written = 0;
        }
        Ok(())
    }

    /// Removes the records that could not be written completely. Returns false if a part of them stays
    /// (see [`AuditFile::truncate_end`]): then the rest must be written before anything else.
    fn remove_unwritten(&mut self) -> bool {
        let removed = self.file.truncate_end(self.written);
        if removed {
            self.forget_text();
        }
        removed
    }

    fn forget_text(&mut self) {
        self.last.clone_from(&self.before);
        self.text.clear();
        self.written = 0;
    }
}
