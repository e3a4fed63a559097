//! Rounds: what several sessions ask at the same moment goes to the store in one message, and to the
//! encryptor in one.
//!
//! A message costs as much as rendering a grade, and most of a round trip is for waking and being
//! woken. So sessions lay their batches on the desk, and one task per desk carries what lies there: to
//! the store, to the encryptor, and back to each session. While it is on its way, what is laid down
//! waits for the next round. An audit does not hold up the next round: it is waited for aside.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix::Recipient;
use gradebook::{Replies, Requests};
use tokio::sync::{Notify, oneshot};

use crate::audit::{Answered, Asker, Auditor};
use crate::messages::{Failed, Lookup, Seal};

/// The most requests in a round; a batch is never divided. More would not make a round cheaper, but
/// let other work wait longer for its turn.
const REQUESTS_MAX: usize = 64;

/// Where sessions lay their batches down.
pub(crate) struct Rounds {
    store: Recipient<Lookup>,
    encryptor: Recipient<Seal>,
    audit: Option<Auditor>,
    waiting: Mutex<Waiting>,
    /// Rung when something is laid down.
    bell: Notify,
}

#[derive(Default)]
struct Waiting {
    asked: VecDeque<Asked>,
    /// Whether there is a task that carries.
    carried: bool,
}

/// A batch, and who waits for its replies. If the batch is lost, that one hears so.
struct Asked {
    questions: Requests,
    asker: Asker,
    answer: oneshot::Sender<Replies>,
}

impl Rounds {
    pub(crate) fn new(
        store: Recipient<Lookup>,
        encryptor: Recipient<Seal>,
        audit: Option<Auditor>,
    ) -> Self {
        Self { store, encryptor, audit, waiting: Mutex::default(), bell: Notify::new() }
    }

    /// Lays a batch down. If that must be carried by a new task, `carry` is to start one.
    pub(crate) async fn ask(
        &self,
        questions: Requests,
        asker: Asker,
        carry: impl FnOnce(),
    ) -> Result<Replies, Failed> {
        let (answer, replies) = oneshot::channel();
        let was_carried = {
            let mut waiting = self.waiting();
            waiting.asked.push_back(Asked { questions, asker, answer });
            std::mem::replace(&mut waiting.carried, true)
        };
        if was_carried {
            self.bell.notify_one();
        } else {
            carry();
        }
        replies.await.map_err(|_| Failed)
    }

    /// Carries round after round, for ever.
    pub(crate) async fn carry(&self) {
        let _left_behind = LeftBehind(self);
        loop {
            let round = self.next_round();
            if round.is_empty() {
                self.bell.notified().await;
            } else {
                self.carry_one(round).await;
            }
        }
    }

    /// What has been laid down, in that order, as far as a round may go.
    fn next_round(&self) -> Vec<Asked> {
        let mut waiting = self.waiting();
        let mut requests = 0_usize;
        let fitting = waiting.asked.iter().take_while(|asked| {
            let fits = requests < REQUESTS_MAX;
            requests = requests.saturating_add(asked.questions.len());
            fits
        });
        let fitting = fitting.count();
        waiting.asked.drain(..fitting).collect()
    }

    async fn carry_one(&self, round: Vec<Asked>) {
        let waits = |asked: Asked| (asked.questions, (asked.asker, asked.answer));
        let (questions, waiting): (Vec<_>, Vec<_>) = round.into_iter().map(waits).unzip();
        // Who waits and is dropped here hears that the batch is lost.
        let Ok(answered) = self.store.send(Lookup(questions)).await else { return };
        let found = answered.into_iter().zip(waiting);
        let (answers, waiting): (Vec<_>, Vec<_>) =
            found.filter_map(|(answers, waits)| Some((answers.ok()?, waits))).unzip();
        let Ok(sealed) = self.encryptor.send(Seal(answers)).await else { return };
        let sealed = sealed.into_iter().zip(waiting);
        let sealed = sealed.filter_map(|(replies, waits)| Some((replies.ok()?, waits)));
        match &self.audit {
            None => sealed.for_each(|(replies, (_, answer))| hand_over(answer, replies)),
            Some(audit) => {
                let witnessed = |(replies, (asker, answer))| (Answered { asker, replies }, answer);
                let (answered, waiting): (Vec<_>, Vec<_>) = sealed.map(witnessed).unzip();
                let taken_down = audit.take_down(answered);
                actix_rt::spawn(async move {
                    let taken_down = taken_down.await.unwrap_or_default();
                    let answers = taken_down.into_iter().zip(waiting);
                    answers.for_each(|(answered, answer)| hand_over(answer, answered.replies));
                });
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a session its replies.
fn hand_over(answer: oneshot::Sender<Replies>, replies: Replies) {
    // One that has ended in the meantime has no use for them.
    drop(answer.send(replies));
}

/// Lets the next asker start a new task, should this one ever end.
struct LeftBehind<'a>(&'a Rounds);

impl Drop for LeftBehind<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.carried = false;
        waiting.asked.clear();
    }
}
