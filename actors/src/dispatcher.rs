//! Dispatcher: what several sessions ask at the same moment goes to the store in one message, and to the
//! encryptor in one.
//!
//! A message costs as much as rendering a grade, and most of a round trip is for waking and being
//! woken. So sessions lay their batches on the worker, and one task per worker carries what lies there: to
//! the store, to the encryptor, and back to each session. While it is on its way, what is laid down
//! waits for the next round. An audit does not hold up the next round: it is waited for aside.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix::Recipient;
use gradebook::{Replies, Requests};
use tokio::sync::{Notify, oneshot};

use crate::audit::{BatchReplies, Requester, SharedAudit};
use crate::messages::{Failed, Lookup, Seal};

/// The most requests in a round; a batch is never divided. More would not make a round cheaper, but
/// let other work wait longer for its turn.
const REQUESTS_MAX: usize = 64;

/// Where sessions lay their batches down.
pub(crate) struct Dispatcher {
    store: Recipient<Lookup>,
    encryptor: Recipient<Seal>,
    audit: Option<SharedAudit>,
    queue: Mutex<Queue>,
    /// Rung when something is laid down.
    work_available: Notify,
}

#[derive(Default)]
struct Queue {
    pending: VecDeque<PendingBatch>,
    /// Whether there is a task that carries.
    running: bool,
}

/// A batch, and who waits for its replies. If the batch is lost, that one hears so.
struct PendingBatch {
    questions: Requests,
    requester: Requester,
    answer: oneshot::Sender<Replies>,
}

impl Dispatcher {
    pub(crate) fn new(
        store: Recipient<Lookup>,
        encryptor: Recipient<Seal>,
        audit: Option<SharedAudit>,
    ) -> Self {
        Self { store, encryptor, audit, queue: Mutex::default(), work_available: Notify::new() }
    }

    /// Lays a batch down. If that must be running by a new task, `carry` is to start one.
    pub(crate) async fn ask(
        &self,
        questions: Requests,
        requester: Requester,
        start: impl FnOnce(),
    ) -> Result<Replies, Failed> {
        let (answer, replies) = oneshot::channel();
        let was_running = {
            let mut queue = self.queue();
            queue.pending.push_back(PendingBatch { questions, requester, answer });
            std::mem::replace(&mut queue.running, true)
        };
        if was_running {
            self.work_available.notify_one();
        } else {
            start();
        }
        replies.await.map_err(|_| Failed)
    }

    /// Carries round after round, for ever.
    pub(crate) async fn run(&self) {
        let _clear_on_exit = ClearOnExit(self);
        loop {
            let batches = self.next_batches();
            if batches.is_empty() {
                self.work_available.notified().await;
            } else {
                self.run_once(batches).await;
            }
        }
    }

    /// What has been laid down, in that order, as far as a round may go.
    fn next_batches(&self) -> Vec<PendingBatch> {
        let mut queue = self.queue();
        let mut requests = 0_usize;
        let fitting = queue.pending.iter().take_while(|batch| {
            let fits = requests < REQUESTS_MAX;
            requests = requests.saturating_add(batch.questions.len());
            fits
        });
        let fitting = fitting.count();
        queue.pending.drain(..fitting).collect()
    }

    async fn run_once(&self, batches: Vec<PendingBatch>) {
        let waits = |batch: PendingBatch| (batch.questions, (batch.requester, batch.answer));
        let (questions, waiting): (Vec<_>, Vec<_>) = batches.into_iter().map(waits).unzip();
        // Who waits and is dropped here hears that the batch is lost.
        let Ok(answered) = self.store.send(Lookup(questions)).await else { return };
        let found = answered.into_iter().zip(waiting);
        let (answers, waiting): (Vec<_>, Vec<_>) =
            found.filter_map(|(answers, waits)| Some((answers.ok()?, waits))).unzip();
        let Ok(sealed) = self.encryptor.send(Seal(answers)).await else { return };
        let sealed = sealed.into_iter().zip(waiting);
        let sealed = sealed.filter_map(|(replies, waits)| Some((replies.ok()?, waits)));
        match &self.audit {
            None => sealed.for_each(|(replies, (_, answer))| deliver(answer, replies)),
            Some(audit) => {
                let with_requester =
                    |(replies, (requester, answer))| (BatchReplies { requester, replies }, answer);
                let (answered, waiting): (Vec<_>, Vec<_>) = sealed.map(with_requester).unzip();
                let recorded = audit.record(answered);
                actix_rt::spawn(async move {
                    let recorded = recorded.await.unwrap_or_default();
                    let answers = recorded.into_iter().zip(waiting);
                    answers.for_each(|(answered, answer)| deliver(answer, answered.replies));
                });
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a session its replies.
fn deliver(answer: oneshot::Sender<Replies>, replies: Replies) {
    // One that has ended in the meantime has no use for them.
    drop(answer.send(replies));
}

/// Lets the next requester start a new task, should this one ever end.
struct ClearOnExit<'a>(&'a Dispatcher);

impl Drop for ClearOnExit<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.running = false;
        queue.pending.clear();
    }
}
