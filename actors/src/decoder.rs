//! From received bytes to a batch of requests, and what is kept of them until more bytes come.

use bytes::{Buf, BytesMut};
use gradebook::wire::{self, Grammar, Parsed};
use gradebook::{Rejection, Requests};
use tokio::time::Instant;

use crate::event::CloseReason;
use crate::limits::Source;
use crate::worker::SessionConfig;

/// Received bytes that are no answered request yet.
#[derive(Default)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    /// When the first byte of the incomplete request in `buffer` came.
    started_at: Option<Instant>,
}

impl Decoder {
    /// Moves complete requests into the batch, as many as it takes, and keeps the rest.
    pub(crate) fn decode(
        &mut self,
        received: &[u8],
        session_config: &SessionConfig,
        source: Source,
        batch: &mut Requests,
    ) -> Result<(), CloseReason> {
        let admits = || session_config.rate.as_ref().is_none_or(|rate| rate.admits(source));
        let grammar = session_config.grammar;
        if self.buffer.is_empty() {
            // Nearly always all of it is complete requests, and nothing need be kept.
            let (used, taken) = fill(batch, grammar, received, admits);
            self.buffer.extend_from_slice(received.get(used..).unwrap_or_default());
            self.update_started_at(batch);
            return taken;
        }
        self.buffer.extend_from_slice(received);
        let (used, taken) = fill(batch, grammar, &self.buffer, admits);
        self.buffer.advance(used);
        if !batch.is_full() {
            // Only the tail of a request is left to keep, not the memory that it came in.
            let tail = std::mem::take(&mut self.buffer);
            self.buffer.extend_from_slice(&tail);
        }
        self.update_started_at(batch);
        taken
    }

    /// Whether there is something that a batch had no room for, or that is not complete.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// When the first byte of an incomplete request came, if there is one.
    pub(crate) fn started_at(&self) -> Option<Instant> {
        self.started_at
    }

    fn update_started_at(&mut self, batch: &Requests) {
        // Behind an answered request, the first byte of the next is as old as this reading.
        let since = self.started_at.filter(|_| batch.is_empty());
        self.started_at = match self.buffer.is_empty() {
            true => None,
            false => since.or_else(|| Some(Instant::now())),
        };
    }
}

/// Reads requests into the batch. Gives how many bytes that took, and whether the connection goes on.
fn fill(
    batch: &mut Requests,
    grammar: Grammar,
    bytes: &[u8],
    admits: impl Fn() -> bool,
) -> (usize, Result<(), CloseReason>) {
    let mut rest = bytes;
    let taken = loop {
        if batch.is_full() {
            break Ok(());
        }
        let used = match wire::parse(grammar, rest) {
            Parsed::Request { used, .. } | Parsed::Malformed { used, .. } if !admits() => {
                batch.push_rejected(Rejection::TooMany);
                used
            }
            Parsed::Request { request, used } => {
                batch.push(request);
                used
            }
            Parsed::Malformed { malformed, used } => {
                batch.push_rejected(Rejection::Malformed(malformed));
                used
            }
            Parsed::TooLong => {
                batch.push_rejected(Rejection::TooLong);
                break Err(CloseReason::TooLong);
            }
            Parsed::Incomplete { blank } => {
                rest = rest.get(blank..).unwrap_or_default();
                break Ok(());
            }
        };
        rest = rest.get(used..).unwrap_or_default();
    };
    (bytes.len() - rest.len(), taken)
}
