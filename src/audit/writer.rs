//! The thread that writes records.
//!
//! Whatever waits is written in one go. What cannot be written is kept and tried again, so that a file
//! never has half a record in its middle; but nobody is answered until it is.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, SystemTime};

use grade_actors::audit::Answered;
use tokio::sync::oneshot;

use super::file::{AuditFile, Found};
use super::health::{Health, Missed};
use super::record::{Link, What};
use crate::text::shown_id;

/// The most bytes of records that are written at once, but for the batch that goes beyond.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// How long to wait before trying again what could not be written.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// The most events that wait while nothing can be written.
const WAITING_EVENTS_MAX: usize = 1000;

/// What the thread is to do.
pub(super) enum Job {
    /// Take these down, and give them back then.
    Answers(Vec<Answered>, oneshot::Sender<Vec<Answered>>),
    /// Take this down.
    Event(What<'static>),
    /// Go on in the file that has the path now.
    Reopen,
    /// See whether records can be written again.
    Recover,
    /// Take this down as the last record, say so and end.
    Close(What<'static>, SyncSender<()>),
}

/// Writes records to a file.
pub(super) struct Writer {
    path: PathBuf,
    file: AuditFile,
    last: Link,
    queue: Receiver<Job>,
    health: Arc<Health>,
    /// Records on their way to the file.
    text: Vec<u8>,
    /// How many bytes of them it has.
    written: usize,
    /// Whose answers they are about, with the first and the last of their records.
    answers: Vec<Waiting>,
    /// Events that could not be written.
    events: VecDeque<What<'static>>,
    closing: Option<(What<'static>, SyncSender<()>)>,
}

struct Waiting {
    answered: Vec<Answered>,
    done: oneshot::Sender<Vec<Answered>>,
    records: (u64, u64),
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        file: AuditFile,
        last: Link,
        queue: Receiver<Job>,
        health: Arc<Health>,
    ) -> Self {
        let (text, answers, events) = (Vec::new(), Vec::new(), VecDeque::new());
        let (written, closing) = (0, None);
        Self { path, file, last, queue, health, text, written, answers, events, closing }
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
                self.record(&last);
                drop(self.write_text());
                self.file.sync();
                // Who has lost patience knows what that means.
                let _ = done.send(());
                return;
            }
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Answers(answered, done) => {
                let first = self.last.sequence.saturating_add(1);
                answered.iter().for_each(|answered| self.record_answers(answered));
                let records = (first, self.last.sequence);
                self.answers.push(Waiting { answered, done, records });
            }
            Job::Event(what) => self.record(&what),
            Job::Reopen => {
                self.write();
                self.reopen();
            }
            // Every writing ends with that.
            Job::Recover => {}
            Job::Close(what, done) => self.closing = Some((what, done)),
        }
    }

    /// Writes what has been taken, and gives the answers back then. If that fails, it goes on trying
    /// until it succeeds, or is told to end.
    fn write(&mut self) {
        let written = self.write_text();
        let mut withheld = None;
        for Waiting { answered, done, records } in std::mem::take(&mut self.answers) {
            // Who waited for a write that took too long has given up.
            if written.is_err() || done.send(answered).is_err() {
                let (first, _) = withheld.unwrap_or(records);
                withheld = Some((first, records.1));
            }
        }
        if let Err(error) = written {
            self.health.fail(&error.to_string());
        }
        if withheld.is_some() || self.health.is_failing() {
            self.recover(withheld);
        }
    }

    fn recover(&mut self, mut withheld: Option<(u64, u64)>) {
        let mut told = false;
        while self.closing.is_none() {
            if self.write_text().is_err() {
                self.wait();
            } else if told && self.health.recover() {
                return;
            } else {
                self.record_recovery(withheld.take());
                told = true;
            }
        }
    }

    fn record_recovery(&mut self, withheld: Option<(u64, u64)>) {
        let Missed { reason, requests, events } = self.health.take_missed();
        let (withheld_from, withheld_to) = withheld.unzip();
        self.record(&What::Resumed {
            reason: reason.into(),
            refused_requests: requests,
            lost_events: events,
            withheld_from,
            withheld_to,
        });
        for event in std::mem::take(&mut self.events) {
            self.record(&event);
        }
    }

    /// Waits for the next try. Who wants to be taken down in the meantime is sent away.
    fn wait(&mut self) {
        std::thread::sleep(RETRY_PAUSE);
        while let Ok(job) = self.queue.try_recv() {
            match job {
                Job::Answers(answered, _) => self.health.refuse(&answered),
                Job::Event(what) if self.events.len() < WAITING_EVENTS_MAX => {
                    self.events.push_back(what);
                }
                Job::Event(_) => self.health.lose_event(),
                Job::Reopen => self.reopen(),
                Job::Recover => {}
                Job::Close(what, done) => self.closing = Some((what, done)),
            }
        }
    }

    /// Goes on in a new file, if the one at hand has been moved away.
    fn reopen(&mut self) {
        if self.file.is_at(&self.path) {
            return;
        }
        match AuditFile::open(&self.path) {
            Ok(Found { file, is_new: true, .. }) => {
                self.record(&What::Continued);
                if self.write_text().is_err() {
                    self.take_back_unfinished();
                }
                self.file = file;
                self.file.write_head(&self.last);
            }
            Ok(_) => self.health.warn("audit.file has been replaced by a file that is not empty"),
            Err(error) => self.health.warn(&error.to_string()),
        }
    }

    /// Removes the beginning of a record from the end of the file, so that all of it can be written
    /// elsewhere.
    fn take_back_unfinished(&mut self) {
        let written = self.text.get(..self.written).unwrap_or_default();
        let whole = memchr::memrchr(b'\n', written).map_or(0, |end| end + 1);
        self.file.take_back(self.written.saturating_sub(whole));
        self.text.drain(..whole);
        self.written = 0;
    }

    fn record_answers(&mut self, Answered { asker, replies }: &Answered) {
        for (request, outcome, _) in replies.each() {
            let request = request.ok();
            self.record(&What::Request {
                connection: asker.session.0,
                source: asker.peer,
                id: request.as_ref().map(|request| shown_id(&request.id)),
                command: request.as_ref().map(|request| request.command.word()),
                outcome: outcome.word(),
                edition: replies.edition().0,
            });
        }
    }

    fn record(&mut self, what: &What<'_>) {
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
}
