//! The thread that writes records.
//!
//! Whatever waits is written in one go. AuditEvent cannot be written is taken back, and nobody is answered
//! until records can be written again.

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

/// The most bytes of records that are written at once, but for the batch that goes beyond.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// How long to wait before trying again what could not be written.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Why a record may fail without an error.
pub(super) const SLOW: &str = "a record was not written in time";

/// The most events that wait while nothing can be written.
const WAITING_EVENTS_MAX: usize = 1000;

/// AuditEvent the thread is to do.
pub(super) enum WriterMessage {
    /// Take these down, and give them back then.
    Answers(Vec<BatchReplies>, oneshot::Sender<Vec<BatchReplies>>),
    /// Take this down.
    Event(AuditEvent<'static>),
    /// Go on in the file that has the path now.
    Reopen,
    /// See whether records can be written again.
    Recover,
    /// Take this down as the last record, say so and end.
    Close(AuditEvent<'static>, SyncSender<()>),
}

/// Writes records to a file.
pub(super) struct Writer {
    path: PathBuf,
    file: AuditFile,
    /// The last record, on its way to the file or there.
    last: ChainHead,
    queue: Receiver<WriterMessage>,
    health: Arc<AuditHealth>,
    /// Records on their way to the file, and how many bytes of them it has.
    text: Vec<u8>,
    written: usize,
    /// The record before them.
    before: ChainHead,
    /// Whose answers they are about.
    answers: Vec<Waiting>,
    /// The events among them; and such as could not be written.
    events: VecDeque<AuditEvent<'static>>,
    /// Records that say that requests were answered that were not.
    voided: Vec<(u64, u64)>,
    unrecorded: Unrecorded,
    closing: Option<(AuditEvent<'static>, SyncSender<()>)>,
}

/// Answers that wait for their records: the first and the last of them.
struct Waiting {
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
            answers: Vec::new(),
            events: VecDeque::new(),
            voided: Vec::new(),
            unrecorded: Unrecorded::default(),
            closing: None,
        }
    }

    /// Writes until it is told to end, or nobody is left to tell it anything.
    pub(super) fn run(mut self) {
        while let Ok(job) = self.queue.recv() {
            let mut next = Some(job);
            while let Some(job) = next {
                self.take(job);
                let full = self.text.len() >= TEXT_BYTES_MAX || self.closing.is_some();
                next = if full { None } else { self.queue.try_recv().ok() };
            }
            self.write();
            if let Some((last, done)) = self.closing.take() {
                self.close(&last);
                // Who has lost patience knows what that means.
                let _ = done.send(());
                return;
            }
        }
    }

    fn take(&mut self, job: WriterMessage) {
        match job {
            WriterMessage::Answers(batches, done) => {
                let first = self.last.sequence.saturating_add(1);
                batches.iter().for_each(|batches| self.record_answers(batches));
                let records = (first, self.last.sequence);
                self.answers.push(Waiting { batches, done, records });
            }
            WriterMessage::Event(what) => {
                self.record(&what);
                self.events.push_back(what);
            }
            WriterMessage::Reopen => {
                self.write();
                self.reopen();
            }
            // Every writing ends with that.
            WriterMessage::Recover => {}
            WriterMessage::Close(what, done) => self.closing = Some((what, done)),
        }
    }

    /// Writes what has been taken, and gives the answers back then. If that fails, it goes on trying
    /// until it succeeds, or is told to end.
    fn write(&mut self) {
        match self.write_text() {
            Ok(()) => {
                self.events.clear();
                for Waiting { batches, done, records } in std::mem::take(&mut self.answers) {
                    // Who waited for a write that took too long has given up.
                    if done.send(batches).is_err() {
                        self.void(records);
                    }
                }
            }
            Err(error) => {
                self.health.fail(&error.to_string());
                self.give_up_answers();
                // Where a batch has no room, the record that tells so may still have.
                self.wait();
            }
        }
        if !self.voided.is_empty() || self.health.has_unrecorded() || self.health.is_failing() {
            self.recover();
        }
    }

    /// Lets those who wait know that they get no answer; and, if their records stay, takes down that these
    /// are wrong.
    fn give_up_answers(&mut self) {
        let truncated = self.truncate_unwritten();
        if !truncated {
            self.events.clear();
        }
        for Waiting { batches, done, records } in std::mem::take(&mut self.answers) {
            drop(done);
            if truncated {
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

    /// Tells in the file what happened while nothing could be written, as soon as that works.
    fn recover(&mut self) {
        while self.closing.is_none() {
            // AuditEvent could not be taken back goes before.
            let tells = self.text.is_empty();
            if tells {
                self.record_recovery();
            }
            match self.write_text() {
                Ok(()) if tells => {
                    self.forget_told();
                    return self.health.recover();
                }
                Ok(()) => {}
                Err(_) => {
                    if !self.truncate_unwritten() && tells {
                        self.forget_told();
                    }
                    self.wait();
                }
            }
        }
    }

    fn record_recovery(&mut self) {
        self.unrecorded.add(self.health.take_unrecorded());
        for (from, to) in std::mem::take(&mut self.voided) {
            self.record(&AuditEvent::Voided { from, to });
            self.voided.push((from, to));
        }
        for event in std::mem::take(&mut self.events) {
            self.record(&event);
            self.events.push_back(event);
        }
        let Unrecorded { reason, requests, events } = &self.unrecorded;
        let reason = if reason.is_empty() { SLOW } else { reason };
        let (reason, refused_requests, lost_events) =
            (reason.to_owned().into(), *requests, *events);
        self.record(&AuditEvent::Resumed { reason, refused_requests, lost_events });
    }

    /// AuditEvent the file tells, or will before all else, need not be told again.
    fn forget_told(&mut self) {
        self.voided.clear();
        self.events.clear();
        self.unrecorded = Unrecorded::default();
    }

    /// Waits for the next try. Who wants to be taken down in the meantime is sent away.
    fn wait(&mut self) {
        std::thread::sleep(RETRY_PAUSE);
        while let Ok(job) = self.queue.try_recv() {
            match job {
                WriterMessage::Answers(batches, _) => self.health.refuse(&batches),
                WriterMessage::Event(what) if self.events.len() < WAITING_EVENTS_MAX => {
                    self.events.push_back(what);
                }
                WriterMessage::Event(_) => self.health.lose_event(),
                WriterMessage::Reopen => self.reopen(),
                WriterMessage::Recover => {}
                WriterMessage::Close(what, done) => self.closing = Some((what, done)),
            }
        }
    }

    /// Writes the last record of this run, if it can.
    fn close(&mut self, last: &AuditEvent<'_>) {
        let untold = !self.voided.is_empty() || self.health.has_unrecorded();
        if self.text.is_empty() && (untold || self.health.is_failing()) {
            self.record_recovery();
        }
        self.record(last);
        if self.write_text().is_err() {
            self.truncate_unwritten();
        }
        self.file.sync();
    }

    /// Goes on in a new file, if the one at hand has been moved away.
    fn reopen(&mut self) {
        if self.file.is_at(&self.path) {
            return;
        }
        match self.file.next(&self.path) {
            Ok(Some(next)) => {
                if self.text.is_empty() {
                    self.record(&AuditEvent::Continued);
                    if self.write_text().is_err() {
                        self.truncate_unwritten();
                    }
                }
                if !self.text.is_empty() {
                    // AuditEvent is left of a pipe's records is lost with it.
                    self.last.clone_from(&self.before);
                    self.text.clear();
                    self.written = 0;
                }
                self.file = next;
                self.record(&AuditEvent::Continues);
                if let Err(error) = self.write_text() {
                    self.health.fail(&error.to_string());
                    if self.truncate_unwritten() {
                        self.events.push_front(AuditEvent::Continues);
                    }
                }
            }
            Ok(None) => {
                self.health.warn("audit.file has been replaced by a file that is not empty");
            }
            Err(error) => self.health.warn(&error.to_string()),
        }
    }

    fn record_answers(&mut self, BatchReplies { requester, replies }: &BatchReplies) {
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

    fn record(&mut self, what: &AuditEvent<'_>) {
        if self.text.is_empty() {
            self.before.clone_from(&self.last);
        }
        self.last.append(what, SystemTime::now(), &mut self.text);
    }

    /// Writes what there is of records, all of it or as much as the system takes.
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

    /// Takes records that could not be written back out of the file, as if they had never been; where
    /// that is not possible, as in a pipe, they must be written before all others.
    fn truncate_unwritten(&mut self) -> bool {
        let truncated = self.file.truncate_unwritten(self.written);
        if truncated {
            self.last.clone_from(&self.before);
            self.text.clear();
            self.written = 0;
        }
        truncated
    }
}
