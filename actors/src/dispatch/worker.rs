//! What all sessions of one thread share: the dispatcher, the limits, and working memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::Recipient;
use gradebook::wire::Grammar;
use gradebook::{BatchLimits, Replies, Requests};

use super::dispatcher::Dispatcher;
use crate::audit::{Requester, SharedAudit};
use crate::event::{ServerEvent, SessionNumber, SharedSink};
use crate::limits::{RequestRate, Source, Timeouts};
use crate::messages::{Failed, Lookup, Seal};
use crate::profile::Profile;

/// The most bytes that one read takes: several batches of short requests. What a batch does not take is held until its
/// replies are written, so it is no more than what the server holds of replies.
const CLEAR_READ_BYTES: usize = 8 * 1024;
/// The same for sealed requests: one batch of them.
const SEALED_READ_BYTES: usize = 32 * 1024;

/// The most batches that are kept for the next sessions.
const SPARE_BATCHES_MAX: usize = 32;

/// The limits of a session.
#[derive(Clone)]
pub struct SessionLimits {
    /// The longest line in bytes, without its line end.
    pub line_bytes: usize,
    /// How much one batch may hold.
    pub batch: BatchLimits,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// The requests a second that each source may send, if that is limited.
    pub rate: Option<Arc<RequestRate>>,
}

/// How sessions behave: the limits, and what follows from the profile.
#[derive(Clone)]
pub struct SessionConfig {
    /// How requests are read.
    pub grammar: Grammar,
    /// How much one batch may hold.
    pub batch: BatchLimits,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// The requests a second that each source may send, if that is limited.
    pub rate: Option<Arc<RequestRate>>,
    /// If set, a session answers a request of the form `ID CMD` with a token, waits so long, sends the
    /// key, and closes.
    pub reveal_pause: Option<Duration>,
}

impl SessionConfig {
    /// The configuration of sessions with these limits under a profile.
    pub fn new(profile: &Profile, limits: SessionLimits) -> Self {
        let reveal_pause = profile.reveal_pause();
        let mut batch = limits.batch;
        if reveal_pause.is_some() {
            // A connection ends behind an answer with a key.
            batch.requests = 1;
        }
        Self {
            grammar: profile.grammar(limits.line_bytes),
            batch,
            timeouts: limits.timeouts,
            rate: limits.rate,
            reveal_pause,
        }
    }

    /// Counts a request of a source, and returns true if it may be answered.
    pub fn admits(&self, source: Source) -> bool {
        self.rate.as_ref().is_none_or(|rate| rate.admits(source))
    }
}

/// What the sessions of one thread share.
///
/// The locks are never contended, since only that thread takes them. The memory behind them is what an
/// idle session does not hold.
pub struct WorkerContext {
    pub(crate) session_config: SessionConfig,
    pub(crate) events: SharedSink,
    /// Whether `events` wants the requests.
    emits_requests: bool,
    dispatcher: Dispatcher,
    scratch: Mutex<Box<[u8]>>,
    spare_batches: Mutex<Vec<Requests>>,
}

impl WorkerContext {
    /// A context for sessions that ask this store and this encryptor, with an audit if there is one.
    pub fn new(
        session_config: SessionConfig,
        store: Recipient<Lookup>,
        encryptor: Recipient<Seal>,
        audit: Option<SharedAudit>,
        events: SharedSink,
    ) -> Self {
        let sealed = session_config.grammar.sealed;
        let read_bytes = if sealed { SEALED_READ_BYTES } else { CLEAR_READ_BYTES };
        Self {
            session_config,
            emits_requests: events.wants_requests(),
            events,
            dispatcher: Dispatcher::new(store, encryptor, audit, sealed),
            scratch: Mutex::new(vec![0; read_bytes].into_boxed_slice()),
            spare_batches: Mutex::default(),
        }
    }

    /// Sends a batch to the store and the encryptor, and through the audit if there is one. It runs on
    /// the context's own thread.
    ///
    /// # Errors
    /// Returns an error if a part of the server failed on the batch, or it cannot be recorded.
    pub async fn dispatch(
        self: &Arc<Self>,
        requests: Requests,
        requester: Requester,
    ) -> Result<Replies, Failed> {
        let (replies, needs_start) = self.dispatcher.enqueue(requests, requester);
        if needs_start {
            let worker = Arc::clone(self);
            actix_rt::spawn(async move { worker.dispatcher.run().await });
        }
        replies.await.map_err(|_| Failed)
    }

    /// Emits the requests that were answered, to sinks that want them.
    pub fn emit_requests(&self, session: SessionNumber, replies: &Replies) {
        if self.emits_requests {
            for (request, outcome, reply) in replies.iter() {
                self.events.emit(&ServerEvent::Answered { session, request, outcome, reply });
            }
        }
    }

    /// How sessions behave.
    pub fn session_config(&self) -> &SessionConfig {
        &self.session_config
    }

    /// The memory to read into, for as long as one read and its decoding take.
    pub(crate) fn scratch(&self) -> MutexGuard<'_, Box<[u8]>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty batch.
    pub fn take_batch(&self) -> Requests {
        self.spare_batches().pop().unwrap_or_else(|| Requests::new(self.session_config.batch))
    }

    /// Returns an empty batch for the next session that needs one.
    pub fn put_back(&self, batch: Requests) {
        let mut spare_batches = self.spare_batches();
        if batch.is_empty() && spare_batches.len() < SPARE_BATCHES_MAX {
            spare_batches.push(batch);
        }
    }

    fn spare_batches(&self) -> MutexGuard<'_, Vec<Requests>> {
        self.spare_batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
