//! From received bytes to a batch of requests, and the bytes that are kept until more come.

use bytes::{Buf, BytesMut};
use gradebook::wire::{self, Parsed};
use gradebook::{Rejection, Requests};
use tokio::time::Instant;

use crate::dispatch::SessionConfig;
use crate::event::CloseReason;
use crate::limits::Source;

/// Received bytes that are not yet a request in a batch.
#[derive(Default)]
pub(super) struct Decoder {
    buffer: BytesMut,
    /// When the first byte of the incomplete request in the buffer came.
    started_at: Option<Instant>,
    /// Whether the last read took as much as it could, so that more may have come already.
    is_cut: bool,
}

impl Decoder {
    /// Moves complete requests into the batch, as many as it takes, and keeps the other bytes. Behind a read that was
    /// cut, a line without its end is kept, too: how much a read takes must not decide whether its beginning is a
    /// request of its own.
    ///
    /// # Errors
    /// Returns an error if the connection must close behind the requests in the batch.
    pub(super) fn decode(
        &mut self,
        received: &[u8],
        config: &SessionConfig,
        source: Source,
        batch: &mut Requests,
    ) -> Result<(), CloseReason> {
        let result = if self.buffer.is_empty() {
            // The received bytes usually are complete requests, and none are kept.
            let (used, filled) = fill(batch, received, self.is_cut, config, source);
            self.buffer.extend_from_slice(received.get(used..).unwrap_or_default());
            filled
        } else {
            self.buffer.extend_from_slice(received);
            let (used, filled) = fill(batch, &self.buffer, self.is_cut, config, source);
            self.buffer.advance(used);
            if !batch.is_full() {
                // Keeps the tail of a request, and not the memory that it came in.
                let tail = std::mem::take(&mut self.buffer);
                self.buffer.extend_from_slice(&tail);
            }
            filled
        };
        self.update_started_at(batch);
        result
    }

    /// Keeps bytes that came before the first request was read for.
    pub(super) fn keep(&mut self, bytes: BytesMut) {
        self.buffer = bytes;
    }

    /// Notes whether the last read was cut.
    pub(super) fn set_cut(&mut self, is_cut: bool) {
        self.is_cut = is_cut;
    }

    /// Returns true if the last read was cut.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns true if no bytes are kept.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// When the first byte of an incomplete request came, if there is one.
    pub(super) fn started_at(&self) -> Option<Instant> {
        self.started_at
    }

    fn update_started_at(&mut self, batch: &Requests) {
        if self.buffer.is_empty() {
            self.started_at = None;
        } else if self.started_at.is_none() || !batch.is_empty() {
            // Behind a complete request, the first byte of the next one came with this read.
            self.started_at = Some(Instant::now());
        }
    }
}

/// Reads requests into the batch; if more bytes may follow, up to the last line end. Returns the bytes used, and
/// whether the connection stays open.
fn fill(
    batch: &mut Requests,
    bytes: &[u8],
    is_cut: bool,
    config: &SessionConfig,
    source: Source,
) -> (usize, Result<(), CloseReason>) {
    let mut unended = usize::MAX;
    if is_cut {
        unended = bytes.iter().rposition(|byte| *byte == wire::LINE_END).map_or(0, |at| at + 1);
    }
    let mut position = 0;
    while !batch.is_full() {
        let rest = bytes.get(position..).unwrap_or_default();
        if position >= unended {
            let line = wire::skip_white_space(rest);
            // A longer line is none, whatever follows.
            if line.len() <= config.grammar.line_bytes {
                return (bytes.len() - line.len(), Ok(()));
            }
        }
        position += match wire::parse(config.grammar, rest) {
            Parsed::Request { used, .. } | Parsed::Malformed { used, .. }
                if !config.admits(source) =>
            {
                batch.push_rejected(Rejection::TooMany);
                used
            }
            Parsed::Request { request, used } => {
                let text = rest.get(..used).unwrap_or_default();
                if config.reveal_pause.is_some() && wire::is_blank_form(text) {
                    batch.push_revealing(request);
                } else {
                    batch.push(request);
                }
                used
            }
            Parsed::Malformed { malformed, used } => {
                batch.push_rejected(Rejection::Malformed(malformed));
                used
            }
            Parsed::TooLong => {
                batch.push_rejected(Rejection::TooLong);
                return (position, Err(CloseReason::TooLong));
            }
            Parsed::Incomplete { blank } => return (position + blank, Ok(())),
        };
    }
    (position, Ok(()))
}
