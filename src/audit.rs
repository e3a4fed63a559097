//! The audit: a file in which every request is taken down before it is answered, and what else happens.
//!
//! Records are written by a thread of their own, in one go for all that wait. When they cannot be
//! written, or not in time, no grade goes out; as soon as they can, all goes on. AuditEvent a record says
//! stands in `docs/AUDIT.md`. It has no mark, no token, and no text of a line that is no request.

mod file;
mod health;
mod record;
mod verify;
mod writer;

use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use grade_actors::audit::{AuditSink, BatchReplies, Recorded};
use grade_actors::event::{CloseReason, EventSink, Part, ServerEvent};
use gradebook::EditionNumber;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::console::Console;
pub use file::OpenError;
use file::{AuditFile, Found};
use health::AuditHealth;
use record::AuditEvent;
pub use verify::{Verified, VerifyError, verify};
use writer::{SLOW, Writer, WriterMessage};

/// Where the audit is kept, and how.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// The file.
    pub path: PathBuf,
    /// How long a record may take to be written.
    pub timeout: Duration,
}

/// An audit that is being written.
pub struct AuditLog {
    queue: SyncSender<WriterMessage>,
    health: Arc<AuditHealth>,
    timeout: Duration,
    /// AuditEvent the first record says of the server.
    profile: &'static str,
    is_new: bool,
    truncated_bytes: u64,
}

/// Beside one batch of each session, this many events may wait.
const EVENTS_MAX: usize = 256;

/// How long the end of the program waits for the last record.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

impl AuditLog {
    /// Opens the file and starts to write, for a server of this profile with so many sessions at most.
    ///
    /// # Errors
    /// [`OpenError`] when the file cannot take records.
    pub fn open(
        options: &AuditOptions,
        profile: &'static str,
        sessions_max: usize,
        console: Arc<Console>,
    ) -> Result<Self, OpenError> {
        let Found { file, is_new, last, truncated_bytes, missing } =
            AuditFile::open(&options.path)?;
        let (queue, jobs) = sync_channel(sessions_max.saturating_add(EVENTS_MAX));
        let health = Arc::new(AuditHealth::new(console));
        if missing > 0 {
            health.warn(&format!(
                "{missing} records that were written are not in audit.file: they stand in another file, or were \
                 removed"
            ));
        }
        let writer = Writer::new(options.path.clone(), file, last, jobs, Arc::clone(&health));
        let thread = std::thread::Builder::new().name("audit".to_owned());
        thread.spawn(move || writer.run()).map_err(|error| OpenError::of(&options.path, error))?;
        Ok(Self { queue, health, timeout: options.timeout, profile, is_new, truncated_bytes })
    }

    /// Takes down that a class file was refused.
    pub fn reload_refused(&self, edition: EditionNumber, reason: &str) {
        self.event(AuditEvent::ReloadRefused {
            edition: edition.0,
            reason: reason.to_owned().into(),
        });
    }

    /// Goes on in a new file, if the present one has been moved away.
    pub fn reopen(&self) {
        // Where the queue is full nothing can be written, and another signal will come.
        drop(self.queue.try_send(WriterMessage::Reopen));
    }

    /// Takes down how the service ended, and waits for that, but not for long.
    pub fn close(&self, outcome: &'static str) {
        let (done, wait) = sync_channel(1);
        if self.queue.try_send(WriterMessage::Close(AuditEvent::Stop { outcome }, done)).is_ok() {
            // A disk that takes no record by then will not be waited for.
            let _ = wait.recv_timeout(CLOSE_PATIENCE);
        }
    }

    fn event(&self, what: AuditEvent<'static>) {
        if self.queue.try_send(WriterMessage::Event(what)).is_err() {
            self.health.lose_event();
        }
    }
}

impl AuditSink for AuditLog {
    fn record(&self, batches: Vec<BatchReplies>) -> Recorded {
        if self.health.is_failing() {
            self.health.refuse(&batches);
            return Box::pin(ready(None));
        }
        let (done, mut taken) = oneshot::channel();
        match self.queue.try_send(WriterMessage::Answers(batches, done)) {
            Err(TrySendError::Full(WriterMessage::Answers(batches, _))) => {
                self.health.refuse(&batches);
                return Box::pin(ready(None));
            }
            Err(TrySendError::Disconnected(_)) => {
                self.health.fail("its writer has failed; restart the server");
                return Box::pin(ready(None));
            }
            _ => {}
        }
        let (health, queue, patience) =
            (Arc::clone(&self.health), self.queue.clone(), self.timeout);
        Box::pin(async move {
            if let Ok(taken) = timeout(patience, &mut taken).await {
                return taken.ok();
            }
            // Once it is closed, the writer hears that nobody waits, and these are withheld for good.
            taken.close();
            let just_now = taken.try_recv().ok();
            if just_now.is_none() {
                health.fail(SLOW);
                // The writer may have become idle in this moment; where the queue is full it has not.
                drop(queue.try_send(WriterMessage::Recover));
            }
            just_now
        })
    }
}

impl EventSink for AuditLog {
    fn emit(&self, event: &ServerEvent<'_>) {
        self.event(match event {
            ServerEvent::Listening(address) => AuditEvent::Start {
                version: env!("CARGO_PKG_VERSION"),
                profile: self.profile,
                address: *address,
                new_file: self.is_new,
                truncated_bytes: self.truncated_bytes,
            },
            ServerEvent::Installed { edition, students } => {
                AuditEvent::Reload { edition: edition.0, students: *students }
            }
            ServerEvent::Panicked(Part::GradeStore) => AuditEvent::Restart { part: "grade_store" },
            ServerEvent::Panicked(Part::Encryptor) => AuditEvent::Restart { part: "encryptor" },
            ServerEvent::Ended { session, reason: CloseReason::Panicked, .. } => {
                AuditEvent::SessionFailed { connection: session.0 }
            }
            ServerEvent::ConnectionRejected(peer) => {
                AuditEvent::ConnectionRejected { source: *peer }
            }
            ServerEvent::AcceptPaused(error) | ServerEvent::AcceptFailed(error) => {
                AuditEvent::AcceptFailed { reason: error.to_string().into() }
            }
            ServerEvent::Draining(connections) => {
                AuditEvent::Stopping { connections: *connections }
            }
            ServerEvent::Accepted { .. }
            | ServerEvent::Answered { .. }
            | ServerEvent::Ended { .. }
            | ServerEvent::AcceptResumed(_)
            | ServerEvent::TooManyRestarts
            | ServerEvent::Drained(_) => return,
        });
    }

    fn wants_requests(&self) -> bool {
        false
    }
}
