//! The actor that seals answers, so that only the asking student can read them.

use actix::{Actor, ActorContext, Addr, Context, Handler, Supervised, Supervisor};
use actix_rt::ArbiterHandle;
use fernet_batch::Sealer;
use gradebook::{Answers, Replies};

use crate::event::Part;
use crate::messages::{Failed, Seal};
use crate::supervision::RestartLimit;

/// How an encryptor seals a batch: [`Answers::seal`], or a test's stand-in that fails.
pub type SealBatch = fn(Answers, &mut Sealer) -> Replies;

/// Seals batches; there is one on each worker thread. Restart policy: restarted after a panic; it has
/// no state to lose.
pub struct Encryptor {
    sealer: Sealer,
    seal: SealBatch,
    restart_limit: RestartLimit,
}

impl Encryptor {
    /// An encryptor that seals with this sealer.
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

    fn seal(&mut self, answers: Answers) -> Result<Replies, Failed> {
        let Self { sealer, seal, restart_limit } = self;
        restart_limit.guard(Part::Encryptor, || seal(answers, sealer))
    }
}

impl Actor for Encryptor {
    type Context = Context<Self>;
}

impl Supervised for Encryptor {}

impl Handler<Seal> for Encryptor {
    type Result = Vec<Result<Replies, Failed>>;

    fn handle(&mut self, Seal(batches): Seal, context: &mut Self::Context) -> Self::Result {
        let mut sealed = Vec::with_capacity(batches.len());
        for answers in batches {
            sealed.push(self.seal(answers));
        }
        if sealed.iter().any(Result::is_err) {
            context.stop();
        }
        sealed
    }
}
