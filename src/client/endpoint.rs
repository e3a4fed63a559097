//! The server's address, time limits and sealing options.

use std::time::Duration;

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
}
