//! What the connections of a load send.

use std::rc::Rc;

use anyhow::Context as _;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use fernet_batch::Sealer;

use crate::load::Load;
use crate::protocol::LoadRequest;

/// How many batches each connection prepares, to send again and again.
const PREPARED_BATCHES: usize = 256;

/// Requests that are sent at once, and the first of them.
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) id: String,
    pub(crate) command: String,
}

impl Load {
    /// What the `n`-th connection sends.
    ///
    /// # Errors
    /// When a sealed request cannot be made.
    pub(crate) fn batches(&self, n: usize) -> anyhow::Result<Batches<'_>> {
        let seed = u64::try_from(n).unwrap_or_default();
        let own = self.ids.get(n % self.ids.len().max(1)).map_or("", String::as_str);
        let random = ChaCha20Rng::seed_from_u64(seed);
        let mut batches = Batches {
            load: self,
            own,
            random,
            sealer: Sealer::new()?,
            asked: 0,
            prepared: Vec::new(),
            next: 0,
        };
        if self.protocol.repeats() {
            let prepared: anyhow::Result<_> =
                (0..PREPARED_BATCHES).map(|_| batches.make().map(Rc::new)).collect();
            batches.prepared = prepared?;
        }
        Ok(batches)
    }
}

/// What one connection sends, batch after batch without end.
pub(crate) struct Batches<'a> {
    load: &'a Load,
    own: &'a str,
    random: ChaCha20Rng,
    sealer: Sealer,
    asked: usize,
    /// Batches to be sent again and again; none if each is sent once.
    prepared: Vec<Rc<Batch>>,
    next: usize,
}

impl Batches<'_> {
    /// The next batch.
    ///
    /// # Errors
    /// When a sealed request cannot be made.
    pub(crate) fn next(&mut self) -> anyhow::Result<Rc<Batch>> {
        self.next += 1;
        match self.prepared.get(self.next % self.prepared.len().max(1)) {
            Some(batch) => Ok(Rc::clone(batch)),
            None => self.make().map(Rc::new),
        }
    }

    fn make(&mut self) -> anyhow::Result<Batch> {
        let Load { ids, commands, mixed, protocol, keys, .. } = self.load;
        let mut requests = Vec::with_capacity(self.load.depth);
        for _ in 0..self.load.depth {
            let nonce = self.random.next_u64();
            let at = usize::try_from(nonce).unwrap_or_default();
            let other = ids.get(at % ids.len().max(1)).filter(|_| *mixed);
            let id = other.map_or(self.own, String::as_str);
            let command = commands.get(self.asked % commands.len().max(1));
            let command = command.map_or("", String::as_str);
            self.asked += 1;
            requests.push(LoadRequest { id, command, nonce });
        }
        let mut bytes = Vec::new();
        protocol.write_requests(&mut bytes, &requests, keys, &mut self.sealer)?;
        let first = requests.first().context("a batch has a request")?;
        Ok(Batch { bytes, id: first.id.to_owned(), command: first.command.to_owned() })
    }
}
