//! The one actor that holds the book and answers from it.
//!
//! It never reads a file: a book arrives whole and valid in [`Install`], and taking it up *is* the
//! supervised restart. The store stops, its supervisor restarts it, and the new book is in place
//! before the next message of its mailbox, which survives, is answered. So no request is lost, and
//! no batch sees two editions.

use std::time::SystemTime;

use actix::{Actor, ActorContext, Addr, Context, Handler, ResponseFuture, Supervised, Supervisor};
use gradebook::sealed::RequestVerifier;
use gradebook::{Answers, Book, Requests, Timestamp, UnknownStudent};
use tokio::sync::oneshot;

use crate::event::{Part, ServerEvent, SharedSink};
use crate::messages::{Failed, Install, Lookup};
use crate::supervision::RestartLimit;

/// What the store does with a batch: [`Book::answer`], or a test's stand-in for it that fails.
pub type AnswerBatch = fn(&Book, Requests, &UnknownStudent, Timestamp) -> Answers;

/// Holds the book. Restart policy: restarted by [`Install`] and by a panic, its book kept.
pub struct GradeStore {
    book: Book,
    /// The next book and who waits for the old one, between [`Install`] and the restart.
    pending: Option<(Book, oneshot::Sender<Book>)>,
    profile: Profile,
    answer: AnswerBatch,
    restart_limit: RestartLimit,
    events: SharedSink,
}

/// Which requests the store answers.
pub enum Profile {
    /// Requests in clear; and how it answers unknown students.
    Clear(UnknownStudent),
    /// Sealed requests, which this one examines. What it has answered outlives restarts of the store.
    Sealed(Box<RequestVerifier>),
}

impl GradeStore {
    /// A store with its first book.
    pub fn new(
        book: Book,
        profile: Profile,
        answer: AnswerBatch,
        restart_limit: RestartLimit,
        events: SharedSink,
    ) -> Self {
        Self { book, pending: None, profile, answer, restart_limit, events }
    }

    /// Starts the store under supervision, on this thread. Its mailbox holds one message of each of
    /// `sessions_max` sessions, and a session never has two.
    pub fn supervise(self, sessions_max: usize) -> Addr<Self> {
        Supervisor::start(move |context: &mut Context<Self>| {
            context.set_mailbox_capacity(sessions_max);
            self
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
        let Self { book, profile, answer, restart_limit, .. } = self;
        let answer = |batch| {
            restart_limit.guard(Part::GradeStore, || match &mut *profile {
                Profile::Clear(unknown) => answer(book, batch, unknown, now),
                Profile::Sealed(verifier) => book.answer_sealed(batch, verifier, now),
            })
        };
        let answered: Vec<_> = batches.into_iter().map(answer).collect();
        if answered.iter().any(Result::is_err) {
            context.stop();
        }
        answered
    }
}

impl Handler<Install> for GradeStore {
    type Result = ResponseFuture<Result<Book, Failed>>;

    fn handle(&mut self, Install(book): Install, context: &mut Self::Context) -> Self::Result {
        let (old, returned) = oneshot::channel();
        self.pending = Some((book, old));
        context.stop();
        Box::pin(async { returned.await.map_err(|_| Failed) })
    }
}

impl Supervised for GradeStore {
    fn restarting(&mut self, _: &mut Self::Context) {
        let Some((mut book, old)) = self.pending.take() else {
            return;
        };
        if book.edition() > self.book.edition() {
            std::mem::swap(&mut book, &mut self.book);
            let (edition, students) = (self.book.edition(), self.book.students());
            self.events.emit(&ServerEvent::Installed { edition, students });
        }
        // A caller that has gone away leaves the old book to be dropped here.
        drop(old.send(book));
    }
}
