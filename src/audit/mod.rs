//! The audit log: a file with a record of every request, written before its reply is sent, and of what
//! else happens.
//!
//! A thread writes all records that wait in one go. While records cannot be written, or not in time,
//! every request is refused. `docs/AUDIT.md` describes the records. They contain no mark, no token, and
//! no text of a line that is not a request.

mod file;
mod head;
mod health;
mod journal;
mod record;
mod recovery;
mod tally;
mod verify;
mod writer;

use std::future::ready;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use grade_actors::Source;
use grade_actors::audit::{AuditSink, BatchReplies, Recorded};
use grade_actors::event::{CloseReason, EventSink, Part, ServerEvent, SharedSink};
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use file::OpenError;
use file::{AuditFile, Found};
use health::AuditHealth;
use journal::Journal;
use record::AuditEvent;
use recovery::SLOW;
pub use verify::{Verified, VerifyError, verify};
use writer::{Writer, WriterMessage};

/// Where the audit log is, and how long a record may take.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// The file.
    pub path: PathBuf,
    /// How long writing a record may take.
    pub timeout: Duration,
}

/// An audit log that is being written.
pub struct AuditLog {
    queue: SyncSender<WriterMessage>,
    health: Arc<AuditHealth>,
    timeout: Duration,
    /// The profile, for the first record.
    profile: &'static str,
    is_new: bool,
    truncated_bytes: u64,
    uncounted: u64,
}

/// The number of events that may wait, beside one batch of each session.
const EVENTS_MAX: usize = 256;

/// How long the end of the program waits for the last record.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

impl AuditLog {
    /// Opens the file and starts the writer, for a server of this profile with at most `sessions_max`
    /// sessions. Failures are emitted to `events`.
    ///
    /// # Errors
    /// Returns an error if the file cannot take records.
    pub fn open(
        options: &AuditOptions,
        profile: &'static str,
        sessions_max: usize,
        events: SharedSink,
    ) -> Result<Self, OpenError> {
        let Found { file, is_new, last, truncated_bytes, missing, uncounted } =
            AuditFile::open(&options.path)?;
        let (queue, messages) = sync_channel(sessions_max.saturating_add(EVENTS_MAX));
        let health = Arc::new(AuditHealth::new(events));
        if missing > 0 {
            let records =
                if missing == 1 { "1 record is" } else { &format!("{missing} records are") };
            health.warn(&format!(
                "{records} missing from audit.file: written before, and now in another file or removed"
            ));
        }
        if uncounted > 0 {
            let records = if uncounted == 1 { "1 record" } else { &format!("{uncounted} records") };
            health.warn(&format!(
                "audit.file ends with {records} that its .head does not count: the server was killed while \
                 it wrote them, or somebody else added them, or the .head was emptied"
            ));
        }
        let journal = Journal::new(file, last);
        let writer = Writer::new(options.path.clone(), journal, messages, Arc::clone(&health));
        let thread = std::thread::Builder::new().name("audit".to_owned());
        thread.spawn(move || writer.run()).map_err(|error| OpenError::io(&options.path, error))?;
        Ok(Self {
            queue,
            health,
            timeout: options.timeout,
            profile,
            is_new,
            truncated_bytes,
            uncounted,
        })
    }

    /// Checks that the file can take records, and changes nothing.
    ///
    /// # Errors
    /// Returns an error if [`open`](Self::open) would.
    pub fn check(options: &AuditOptions) -> Result<(), OpenError> {
        AuditFile::check(&options.path)
    }

    /// Continues in a new file, if the current one was moved away.
    pub fn reopen(&self) {
        // If the queue is full, nothing can be written, and another signal will come.
        drop(self.queue.try_send(WriterMessage::Reopen));
    }

    /// Records how the service ended, and waits for that for a second at most.
    pub fn close(&self, outcome: &'static str) {
        let (done, closed) = sync_channel(1);
        let message = WriterMessage::Close(AuditEvent::Stop { outcome }, done);
        if self.queue.try_send(message).is_ok() {
            // A disk that takes no record by then is not waited for.
            let _ = closed.recv_timeout(CLOSE_TIMEOUT);
        }
    }

    /// The record of an event, if it has one.
    fn audit_event(&self, event: &ServerEvent<'_>) -> Option<AuditEvent<'static>> {
        Some(match event {
            ServerEvent::Listening(addresses) => AuditEvent::Start {
                version: env!("CARGO_PKG_VERSION"),
                profile: self.profile,
                address: join(addresses),
                new_file: self.is_new,
                truncated_bytes: self.truncated_bytes,
                uncounted: self.uncounted,
            },
            ServerEvent::Installed { edition, students } => {
                AuditEvent::Reload { edition: edition.0, students: *students }
            }
            ServerEvent::EditionKept { edition, reason } => {
                let reason = (*reason).to_owned().into();
                AuditEvent::ReloadRefused { edition: edition.0, reason }
            }
            ServerEvent::Panicked(Part::GradeStore) => AuditEvent::Restart { part: "grade_store" },
            ServerEvent::Panicked(Part::Encryptor) => AuditEvent::Restart { part: "encryptor" },
            ServerEvent::Ended { session, reason: CloseReason::Panicked, .. } => {
                AuditEvent::SessionFailed { connection: session.0 }
            }
            ServerEvent::AcceptPaused(error) | ServerEvent::AcceptFailed(error) => {
                AuditEvent::AcceptFailed { reason: error.to_string().into() }
            }
            ServerEvent::Draining(connections) => {
                AuditEvent::Stopping { connections: *connections }
            }
            ServerEvent::ClassRead { .. }
            | ServerEvent::PageServed { .. }
            | ServerEvent::CertificateExchanged
            | ServerEvent::KeysExchanged(_)
            | ServerEvent::Publishing(_)
            | ServerEvent::Accepted { .. }
            | ServerEvent::ConnectionRejected(_)
            | ServerEvent::Answered { .. }
            | ServerEvent::Ended { .. }
            | ServerEvent::AcceptResumed(_)
            | ServerEvent::TooManyRestarts
            | ServerEvent::ClassUnchanged(_)
            | ServerEvent::WatchFailed(_)
            | ServerEvent::Warning(_)
            | ServerEvent::AuditFailed(_)
            | ServerEvent::AuditResumed(_)
            | ServerEvent::Drained(_) => return None,
        })
    }
}

impl EventSink for AuditLog {
    fn emit(&self, event: &ServerEvent<'_>) {
        let message = match event {
            ServerEvent::ConnectionRejected(peer) => {
                Some(WriterMessage::ConnectionRejected(Source::of(peer.ip())))
            }
            event => self.audit_event(event).map(WriterMessage::Event),
        };
        if let Some(message) = message
            && self.queue.try_send(message).is_err()
        {
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
        let (done, recorded) = oneshot::channel();
        match self.queue.try_send(WriterMessage::Batches(batches, done)) {
            Ok(()) => Box::pin(self.wait(recorded)),
            Err(TrySendError::Full(message)) => {
                if let WriterMessage::Batches(batches, _) = message {
                    self.health.refuse(&batches);
                }
                Box::pin(ready(None))
            }
            Err(TrySendError::Disconnected(_)) => {
                self.health.fail("its writer has failed; restart the server");
                Box::pin(ready(None))
            }
        }
    }
}

impl AuditLog {
    /// Waits until batches are recorded, for as long as a record may take.
    fn wait(
        &self,
        mut recorded: oneshot::Receiver<Vec<BatchReplies>>,
    ) -> impl Future<Output = Option<Vec<BatchReplies>>> + use<> {
        let health = Arc::clone(&self.health);
        let queue = self.queue.clone();
        let limit = self.timeout;
        async move {
            if let Ok(batches) = timeout(limit, &mut recorded).await {
                return batches.ok();
            }
            // Once the channel is closed, the writer sees that nobody waits, and voids the records.
            recorded.close();
            let just_now = recorded.try_recv().ok();
            if just_now.is_none() {
                health.fail(SLOW);
                // The writer may have become idle at this moment. If the queue is full, it has not.
                drop(queue.try_send(WriterMessage::Recover));
            }
            just_now
        }
    }
}

fn join(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}
