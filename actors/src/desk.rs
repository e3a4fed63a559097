//! What all sessions of one thread share: whom to ask, within which limits, and working memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::Recipient;
use gradebook::wire::Grammar;
use gradebook::{BatchLimits, Replies, Requests};

use crate::audit::{Asker, Auditor};
use crate::event::Teller;
use crate::limits::{RequestRate, Timeouts};
use crate::messages::{Failed, Lookup, Seal};
use crate::round::Rounds;

/// The most bytes taken from a socket at once: several batches of short requests, and no more than a
/// client that does not read its replies may have the server hold for it.
const READ_BYTES: usize = 8 * 1024;

/// The most batches kept for the next sessions that need one.
const SPARE_BATCHES_MAX: usize = 32;

/// How sessions are to behave.
#[derive(Clone)]
pub struct Manners {
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
pub struct Desk {
    pub(crate) manners: Manners,
    pub(crate) teller: Teller,
    rounds: Rounds,
    scratch: Mutex<Box<[u8]>>,
    spare: Mutex<Vec<Requests>>,
}

impl Desk {
    /// A desk for sessions that ask this store and this encryptor, with an audit if there is one.
    pub fn new(
        manners: Manners,
        store: Recipient<Lookup>,
        encryptor: Recipient<Seal>,
        audit: Option<Auditor>,
        teller: Teller,
    ) -> Self {
        let scratch = Mutex::new(vec![0; READ_BYTES].into_boxed_slice());
        let rounds = Rounds::new(store, encryptor, audit);
        Self { manners, teller, rounds, scratch, spare: Mutex::new(Vec::new()) }
    }

    /// Asks the store, then the encryptor; and has it taken down, if there is an audit.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        questions: Requests,
        asker: Asker,
    ) -> Result<Replies, Failed> {
        let carry = || {
            let desk = Arc::clone(self);
            actix_rt::spawn(async move { desk.rounds.carry().await });
        };
        self.rounds.ask(questions, asker, carry).await
    }

    /// The memory to read into, for as long as one read and its parsing take.
    pub(crate) fn scratch(&self) -> MutexGuard<'_, Box<[u8]>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty batch.
    pub(crate) fn take_batch(&self) -> Requests {
        self.spare().pop().unwrap_or_else(|| Requests::new(self.manners.batch))
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
