//! What the writer does while records cannot be written, and afterwards: it refuses batches, tries again,
//! and records what happened meanwhile.

use std::time::Duration;

use super::health::Unrecorded;
use super::record::AuditEvent;
use super::tally::Rejected;
use super::writer::{WaitingBatches, Writer, WriterMessage};

/// How long to wait before trying again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// The reason of a failure without an error.
pub(super) const SLOW: &str = "a record was not written in time";

/// The most events that wait while nothing can be written.
const WAITING_EVENTS_MAX: usize = 1000;

impl Writer {
    /// Refuses the waiting batches, and voids their records if these stay in the file.
    pub(super) fn refuse_batches(&mut self) {
        let removed = self.journal.remove_unwritten();
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

    pub(super) fn void(&mut self, (from, to): (u64, u64)) {
        match self.voided.last_mut() {
            Some((_, end)) if end.saturating_add(1) == from => *end = to,
            _ if from <= to => self.voided.push((from, to)),
            _ => {}
        }
    }

    /// Records what happened while nothing could be written, as soon as that is possible.
    pub(super) fn recover(&mut self) {
        while self.closing.is_none() {
            // Records that could not be removed are written first.
            let reports_failure = self.journal.is_written();
            if reports_failure {
                self.record_recovery();
            }
            match self.journal.write() {
                Ok(()) if reports_failure => {
                    self.clear_failure();
                    return self.health.recover();
                }
                Ok(()) => {}
                Err(_) => {
                    if !self.journal.remove_unwritten() && reports_failure {
                        self.clear_failure();
                    }
                    self.wait();
                }
            }
        }
    }

    pub(super) fn record_recovery(&mut self) {
        self.unrecorded.add(self.health.take_unrecorded());
        for (from, to) in self.voided.clone() {
            self.journal.record(&AuditEvent::Voided { from, to });
        }
        for event in std::mem::take(&mut self.events) {
            self.journal.record(&event);
            self.events.push_back(event);
        }
        let Unrecorded { reason, requests, events } = &self.unrecorded;
        let reason = if reason.is_empty() { SLOW } else { reason };
        let resumed = AuditEvent::Resumed {
            reason: reason.to_owned().into(),
            refused_requests: *requests,
            lost_events: *events,
        };
        self.journal.record(&resumed);
    }

    /// Forgets what stands in the file, or will stand there before anything else.
    pub(super) fn clear_failure(&mut self) {
        self.voided.clear();
        self.events.clear();
        self.unrecorded = Unrecorded::default();
    }

    /// Waits for the next try. Batches that come in the meantime are refused.
    pub(super) fn wait(&mut self) {
        std::thread::sleep(RETRY_PAUSE);
        while let Ok(message) = self.queue.try_recv() {
            match message {
                WriterMessage::Batches(batches, _) => self.health.refuse(&batches),
                WriterMessage::Event(event) if self.events.len() < WAITING_EVENTS_MAX => {
                    self.events.push_back(event);
                }
                WriterMessage::Event(_) => self.health.lose_event(),
                WriterMessage::ConnectionRejected(source) => {
                    self.tally.count(Rejected::Connections, source);
                }
                WriterMessage::Reopen => self.reopen(),
                WriterMessage::Recover => {}
                WriterMessage::Close(event, done) => self.closing = Some((event, done)),
            }
        }
    }
}
