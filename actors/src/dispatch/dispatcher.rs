//! The dispatcher: carries the batches of a thread's sessions to the store and the encryptor.
//!
//! A message costs as much as rendering a grade, and most of a round trip is waking up. So sessions
//! enqueue their batches, and one task per thread carries what is enqueued in one message each way.
//! While it waits, further batches wait for the next turn. The audit does not hold up the next turn:
//! another task waits for it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix::Recipient;
use gradebook::{Replies, Requests};
use tokio::sync::{Notify, oneshot};

use crate::audit::{BatchReplies, Requester, SharedAudit};
use crate::messages::{Lookup, Seal};

/// The cost from which on a turn takes no further batch: that of 1,024 requests in clear, or of 256 sealed
/// ones, each of which costs four times as much. A batch is never divided. The writes to the sessions
/// of a turn follow each other, and a client with several connections is woken once for all of them; a
/// longer turn than a millisecond would hold up other work.
const TURN_COST: usize = 1024;
const CLEAR_COST: usize = 1;
const SEALED_COST: usize = 4;

/// Carries batches. Restart policy: if the task ends, the next request starts a new one.
pub(super) struct Dispatcher {
    store: Recipient<Lookup>,
    encryptor: Recipient<Seal>,
    audit: Option<SharedAudit>,
    /// The cost of a request, compared with one in clear.
    request_cost: usize,
    queue: Mutex<Queue>,
    work_available: Notify,
}

#[derive(Default)]
struct Queue {
    pending: VecDeque<PendingBatch>,
    /// Whether a task runs.
    running: bool,
}

/// A batch, and the session that waits for its replies.
struct PendingBatch {
    requests: Requests,
    waiter: Waiter,
}

/// The batches of one turn, and who waits for each.
struct Turn {
    requests: Vec<Requests>,
    waiters: Vec<Waiter>,
}

impl Turn {
    fn with_capacity(batches: usize) -> Self {
        Self { requests: Vec::with_capacity(batches), waiters: Vec::with_capacity(batches) }
    }
}

/// A session that waits for replies. When the sender is dropped, the session sees that its batch
/// failed.
struct Waiter {
    requester: Requester,
    replies: oneshot::Sender<Replies>,
}

impl Dispatcher {
    pub(super) fn new(
        store: Recipient<Lookup>,
        encryptor: Recipient<Seal>,
        audit: Option<SharedAudit>,
        sealed: bool,
    ) -> Self {
        Self {
            store,
            encryptor,
            audit,
            request_cost: if sealed { SEALED_COST } else { CLEAR_COST },
            queue: Mutex::default(),
            work_available: Notify::new(),
        }
    }

    /// Enqueues a batch, whose replies the receiver yields. Returns true if no task runs: then the
    /// caller must spawn [`run`](Self::run).
    pub(super) fn enqueue(
        &self,
        requests: Requests,
        requester: Requester,
    ) -> (oneshot::Receiver<Replies>, bool) {
        let (sender, receiver) = oneshot::channel();
        let waiter = Waiter { requester, replies: sender };
        let mut queue = self.queue();
        queue.pending.push_back(PendingBatch { requests, waiter });
        let was_running = std::mem::replace(&mut queue.running, true);
        drop(queue);
        if was_running {
            self.work_available.notify_one();
        }
        (receiver, !was_running)
    }

    /// Carries batches for ever.
    pub(super) async fn run(&self) {
        let _clear_on_exit = ClearOnExit(self);
        loop {
            let turn = self.take_turn();
            if turn.waiters.is_empty() {
                self.work_available.notified().await;
            } else {
                self.carry(turn).await;
            }
        }
    }

    /// The batches of the next turn, in the order in which they were enqueued.
    fn take_turn(&self) -> Turn {
        let mut queue = self.queue();
        // No batch costs less than one.
        let mut turn = Turn::with_capacity(queue.pending.len().min(TURN_COST));
        let mut cost = 0_usize;
        while cost < TURN_COST
            && let Some(batch) = queue.pending.pop_front()
        {
            let batch_cost = batch.requests.len().saturating_mul(self.request_cost);
            cost = cost.saturating_add(batch_cost);
            turn.requests.push(batch.requests);
            turn.waiters.push(batch.waiter);
        }
        turn
    }

    async fn carry(&self, Turn { requests, waiters }: Turn) {
        let Ok(answers) = self.store.send(Lookup(requests)).await else { return };
        let (answers, waiters) = keep_successes(answers, waiters);
        let Ok(replies) = self.encryptor.send(Seal(answers)).await else { return };
        let (replies, waiters) = keep_successes(replies, waiters);
        match &self.audit {
            None => {
                for (replies, waiter) in replies.into_iter().zip(waiters) {
                    waiter.deliver(replies);
                }
            }
            Some(audit) => record_and_deliver(audit, replies, waiters),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the batches that failed, together with their waiters.
fn keep_successes<T, E>(results: Vec<Result<T, E>>, waiters: Vec<Waiter>) -> (Vec<T>, Vec<Waiter>) {
    // Collecting would not know how many there are, and grow the vector step by step.
    let mut values = Vec::with_capacity(results.len());
    if results.iter().all(Result::is_ok) {
        values.extend(results.into_iter().flatten());
        return (values, waiters);
    }
    let mut kept = Vec::with_capacity(waiters.len());
    for (result, waiter) in results.into_iter().zip(waiters) {
        if let Ok(value) = result {
            values.push(value);
            kept.push(waiter);
        }
    }
    (values, kept)
}

/// Hands the replies to the audit, and delivers them once they are recorded.
fn record_and_deliver(audit: &SharedAudit, replies: Vec<Replies>, waiters: Vec<Waiter>) {
    let mut batches = Vec::with_capacity(replies.len());
    for (replies, waiter) in replies.into_iter().zip(&waiters) {
        batches.push(BatchReplies { requester: waiter.requester, replies });
    }
    let recorded = audit.record(batches);
    actix_rt::spawn(async move {
        let recorded = recorded.await.unwrap_or_default();
        for (batch, waiter) in recorded.into_iter().zip(waiters) {
            waiter.deliver(batch.replies);
        }
    });
}

impl Waiter {
    fn deliver(self, replies: Replies) {
        // A session that has ended needs no replies.
        drop(self.replies.send(replies));
    }
}

/// Lets the next request start a new task, should this one ever end.
struct ClearOnExit<'a>(&'a Dispatcher);

impl Drop for ClearOnExit<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.running = false;
        queue.pending.clear();
    }
}
