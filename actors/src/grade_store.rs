//! The actor that holds the book and answers from it.
//!
//! It never reads a file: a valid book arrives in [`Install`], and installing it *is* the supervised
//! restart. The store stops, its supervisor restarts it, and the new book is in place before the next
//! message of its mailbox, which survives, is answered. So no request is lost, and no batch is
//! answered from two editions.

use std::time::SystemTime;

use actix::{
    Actor, ActorContext, Addr, Context, Handler, MessageResult, ResponseFuture, Supervised,
    Supervisor,
};
use fernet_batch::Timestamp;
use gradebook::{Answers, Book, Requests, UnknownStudent};
use tokio::sync::oneshot;

use crate::event::{Part, ServerEvent, SharedSink};
use crate::messages::{Drain, Drained, Failed, Install, Lookup};
use crate::profile::Responder;
use crate::supervision::RestartLimit;

/// How the store answers a batch: [`Book::answer`], or a test's stand-in that fails.
pub type AnswerBatch = fn(&Book, Requests, &UnknownStudent, Timestamp) -> Answers;

/// Holds the book. Restart policy: restarted by [`Install`] and after a panic, with its book.
pub struct GradeStore {
    book: Book,
    /// The next book and who waits for the old one, between [`Install`] and the restart.
    pending: Option<(Book, oneshot::Sender<Book>)>,
    responder: Responder,
    answer: AnswerBatch,
    restart_limit: RestartLimit,
    events: SharedSink,
}

impl GradeStore {
    /// A store with its first book.
    pub fn new(
        book: Book,
        responder: Responder,
        answer: AnswerBatch,
        restart_limit: RestartLimit,
        events: SharedSink,
    ) -> Self {
        Self { book, pending: None, responder, answer, restart_limit, events }
    }

    /// Starts the store under supervision, on this thread. Its mailbox holds one message of each of
    /// `sessions_max` sessions; a session never has two.
    pub fn supervise(self, sessions_max: usize) -> Addr<Self> {
        Supervisor::start(move |context: &mut Context<Self>| {
            context.set_mailbox_capacity(sessions_max);
            self
        })
    }

    fn answer(&mut self, requests: Requests, now: Timestamp) -> Result<Answers, Failed> {
        let Self { book, responder, answer, restart_limit, .. } = self;
        restart_limit.guard(Part::GradeStore, || match responder {
            Responder::Clear(unknown) => answer(book, requests, unknown, now),
            Responder::Sealed(verifier) => book.answer_sealed(requests, verifier, now),
        })
    }
}

impl Actor for GradeStore {
    type Context = Context<Self>;
}

impl Handler<Lookup> for GradeStore {
    type Result = Vec<Result<Answers, Failed>>;

    fn handle(&mut self, Lookup(batches): Lookup, context: &mut Self::Context) -> Self::Result {
        let now = Timestamp::of(SystemTime::now());
        let mut answered = Vec::with_capacity(batches.len());
        for requests in batches {
            answered.push(self.answer(requests, now));
        }
        if answered.iter().any(Result::is_err) {
            context.stop();
        }
        answered
    }
}

/// From now on, no sealed request is answered that a process after this one could answer again.
impl Handler<Drain> for GradeStore {
    type Result = MessageResult<Drain>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        if let Responder::Sealed(verifier) = &mut self.responder {
            verifier.refuse_after(Timestamp::of(SystemTime::now()));
        }
        MessageResult(Drained { cut_off: 0 })
    }
}

impl Handler<Install> for GradeStore {
    type Result = ResponseFuture<Result<Book, Failed>>;

    fn handle(&mut self, Install(book): Install, context: &mut Self::Context) -> Self::Result {
        let (old_book, returned) = oneshot::channel();
        self.pending = Some((book, old_book));
        context.stop();
        Box::pin(async { returned.await.map_err(|_| Failed) })
    }
}

impl Supervised for GradeStore {
    fn restarting(&mut self, _: &mut Self::Context) {
        let Some((mut book, old_book)) = self.pending.take() else {
            return;
        };
        // A book of the same edition has other keys.
        if book.edition() >= self.book.edition() {
            let is_new = book.edition() > self.book.edition();
            std::mem::swap(&mut book, &mut self.book);
            let edition = self.book.edition();
            let students = self.book.students();
            self.events.emit(&match is_new {
                true => ServerEvent::Installed { edition, students },
                false => ServerEvent::KeysExchanged(students),
            });
        }
        // If nobody waits for the old book, it is dropped here.
        drop(old_book.send(book));
    }
}
