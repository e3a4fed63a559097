//! What all sessions of one thread share: whom to ask, within which limits, and working memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::Recipient;
use gradebook::wire::Grammar;
use gradebook::{BatchLimits, Replies, Requests};

use crate::audit::{Requester, SharedAudit};
use crate::dispatcher::Dispatcher;
use crate::event::SharedSink;
use crate::limits::{RequestRate, Timeouts};
use crate::messages::{Failed, Lookup, Seal};

/// The most bytes taken from a socket at once: several batches of short requests, and no more than a
/// client that does not read its replies may have the server hold for it.
const READ_BYTES: usize = 8 * 1024;

/// The most batches kept for the next sessions that need one.
const SPARE_BATCHES_MAX: usize = 32;

/// How sessions are to behave.
#[derive(Clone)]
pub struct SessionConfig {
    /// How requests are read.
    pub grammar: Grammar,
    /// How much one batch may hold.
    pub batch: BatchLimits,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How many requests a second a source may ask, if that is limited.
    pub rate: Option<Arc<RequestRate>>,
    /// With a pause here, sessions speak the student report's wire: token, pause, key, close.
    pub reveal_pause: Option<Duration>,
}

/// The place where the sessions of one thread work.
///
/// The locks are never contended, since only that thread takes them; they stand for the memory that
/// an idle session does not hold.
pub struct WorkerContext {
    pub(crate) session_config: SessionConfig,
    pub(crate) events: SharedSink,
    dispatcher: Dispatcher,
    scratch: Mutex<Box<[u8]>>,
    spare: Mutex<Vec<Requests>>,
}

impl WorkerContext {
    /// A worker for sessions that ask this store and this encryptor, with an audit if there is one.
    pub fn new(
        session_config: SessionConfig,
        store: Recipient<Lookup>,
        encryptor: Recipient<Seal>,
        audit: Option<SharedAudit>,
        events: SharedSink,
    ) -> Self {
        let scratch = Mutex::new(vec![0; READ_BYTES].into_boxed_slice());
        let dispatcher = Dispatcher::new(store, encryptor, audit);
        Self { session_config, events, dispatcher, scratch, spare: Mutex::new(Vec::new()) }
    }

    /// Asks the store, then the encryptor; and has it taken down, if there is an audit.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        questions: Requests,
        requester: Requester,
    ) -> Result<Replies, Failed> {
        let start = || {
            let worker = Arc::clone(self);
            actix_rt::spawn(async move { worker.dispatcher.run().await });
        };
        self.dispatcher.ask(questions, requester, start).await
    }

    /// The memory to read into, for as long as one read and its parsing take.
    pub(crate) fn scratch(&self) -> MutexGuard<'_, Box<[u8]>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty batch.
    pub(crate) fn take_batch(&self) -> Requests {
        self.spare().pop().unwrap_or_else(|| Requests::new(self.session_config.batch))
    }

    /// Puts an empty batch back, for the next session that needs one.
    pub(crate) fn put_back(&self, batch: Requests) {
        let mut spare = self.spare();
        if batch.is_empty() && spare.len() < SPARE_BATCHES_MAX {
            spare.push(batch);
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Requests>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
