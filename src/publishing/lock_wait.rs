//! Waiting for a history that another process has.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::PublisherError;

/// The longest wait: commands have the history for moments, unless the class is large.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a process has waited for a history.
pub(crate) struct LockWait(Instant);

impl LockWait {
    /// Begins to wait.
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Pauses and returns true if it makes sense to try again after this error.
    pub(crate) fn continues_after(&self, error: &PublisherError) -> bool {
        let continues = error.is_locked() && self.0.elapsed() < WAIT_MAX;
        if continues {
            sleep(PAUSE);
        }
        continues
    }
}
