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

/// Room for the frames of a usual turn.
const FRAMES_EXPECTED: usize = 64;

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

    /// Seals the frames of all batches of one time together: alone, a batch of one request would leave most of the
    /// sealer's lanes empty. Returns false for a batch whose frames cannot be sealed.
    fn seal_together(&mut self, batches: &mut [Answers]) -> Vec<bool> {
        let mut sound = vec![true; batches.len()];
        let Some(time) = batches.first().map(Answers::time).filter(|_| batches.len() > 1) else {
            return sound;
        };
        let Self { sealer, restart_limit, .. } = self;
        let mut frames = Vec::with_capacity(FRAMES_EXPECTED);
        for (answers, is_sound) in batches.iter_mut().zip(&mut sound) {
            if answers.time() == time {
                // Of a batch whose frames are damaged, those before the damage are sealed, and sent to nobody.
                let collected =
                    restart_limit.guard(Part::Encryptor, || frames.extend(answers.unsealed()));
                *is_sound = collected.is_ok();
            }
        }
        let sealed = restart_limit.guard(Part::Encryptor, || sealer.seal(time, frames.into_iter()));
        // What is half sealed is never sent.
        if sealed.is_err() {
            sound.fill(false);
        }
        sound
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

    fn handle(&mut self, Seal(mut batches): Seal, context: &mut Self::Context) -> Self::Result {
        let sound = self.seal_together(&mut batches);
        let mut sealed = Vec::with_capacity(batches.len());
        for (answers, is_sound) in batches.into_iter().zip(sound) {
            sealed.push(if is_sound { self.seal(answers) } else { Err(Failed) });
        }
        if sealed.iter().any(Result::is_err) {
            context.stop();
        }
        sealed
    }
}
