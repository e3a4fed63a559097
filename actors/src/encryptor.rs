//! The actor that turns what may be told into what only one student can read.

use actix::{Actor, ActorContext, Addr, Context, Handler, Supervised, Supervisor};
use actix_rt::ArbiterHandle;
use gradebook::{Answers, Replies, Sealer};

use crate::event::Part;
use crate::messages::{Failed, Seal};
use crate::supervision::RestartLimit;

/// What an encryptor does with a batch: [`Sealer::seal`], or a test's stand-in for it that fails.
pub type SealBatch = fn(&mut Sealer, Answers) -> Replies;

/// Seals batches; one for each thread of sessions. Restart policy: restarted by a panic; it has no
/// state to lose.
pub struct Encryptor {
    sealer: Sealer,
    seal: SealBatch,
    restart_limit: RestartLimit,
}

impl Encryptor {
    /// An encryptor that seals in this way.
    pub fn new(sealer: Sealer, seal: SealBatch, restart_limit: RestartLimit) -> Self {
        Self { sealer, seal, restart_limit }
    }

    /// Starts the encryptor under supervision, on the thread of `arbiter`. Its mailbox holds one
    /// message of each of `sessions_max` sessions.
    pub fn supervise(self, sessions_max: usize, arbiter: &ArbiterHandle) -> Addr<Self> {
        Supervisor::start_in_arbiter(arbiter, move |context: &mut Context<Self>| {
            context.set_mailbox_capacity(sessions_max);
            self
        })
    }
}

impl Actor for Encryptor {
    type Context = Context<Self>;
}

impl Supervised for Encryptor {}

impl Handler<Seal> for Encryptor {
    type Result = Vec<Result<Replies, Failed>>;

    fn handle(&mut self, Seal(batches): Seal, context: &mut Self::Context) -> Self::Result {
        let Self { sealer, seal, restart_limit } = self;
        let mut sealed =
            |answers| restart_limit.guard(Part::Encryptor, || seal(&mut *sealer, answers));
        let sealed: Vec<_> = batches.into_iter().map(&mut sealed).collect();
        if sealed.iter().any(Result::is_err) {
            context.stop();
        }
        sealed
    }
}
