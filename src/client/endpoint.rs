//! The server's address, time limits and sealing options.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fernet_batch::Timestamp;

use super::editions::Editions;

/// A server.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// `HOST:PORT`.
    pub(super) address: String,
    /// How long to wait for a connection, and for each answer.
    pub(super) timeout: Duration,
    /// How old an answer may be, and how far in the future.
    pub(super) age_max: Duration,
    /// If set, requests are sealed.
    pub(super) sealed: Option<SealedOptions>,
}

/// What sealed requests need.
#[derive(Debug)]
pub(super) struct SealedOptions {
    /// The course and term.
    pub(super) audience: String,
    /// The editions that have been seen.
    pub(super) editions: Editions,
    /// The server's clock, as far as its replies have stated it.
    pub(super) clock: ServerClock,
}

/// How far the server's clock is ahead of this machine's, in seconds: 0 until a reply says otherwise.
#[derive(Debug, Default)]
pub(super) struct ServerClock(AtomicI64);

impl ServerClock {
    /// The server's time at this machine's time `now`.
    pub(super) fn time_at(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add_signed(self.0.load(Ordering::Relaxed)))
    }

    /// Follows the server's clock, which said `server` at this machine's time `now`.
    pub(super) fn follow(&self, server: Timestamp, now: Timestamp) {
        let ahead = i64::try_from(server.0).unwrap_or(i64::MAX);
        let ahead = ahead.saturating_sub_unsigned(now.0);
        self.0.store(ahead, Ordering::Relaxed);
    }
}
