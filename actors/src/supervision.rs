//! How often parts may fail before the server ends.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::event::{Part, ServerEvent, SharedSink};
use crate::messages::Failed;

/// The window in which restarts are counted.
pub const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// Counts the restarts of all parts of one server.
///
/// A fault that comes back with every request would otherwise restart a part for ever. At one restart
/// too many the limit trips, the process ends, and a service manager starts it again.
#[derive(Clone)]
pub struct RestartLimit {
    shared: Arc<Shared>,
    events: SharedSink,
}

struct Shared {
    max: usize,
    recent: Mutex<VecDeque<Instant>>,
    tripped: Notify,
}

impl RestartLimit {
    /// A limit of `max` restarts within [`RESTART_WINDOW`].
    pub fn new(max: usize, events: SharedSink) -> Self {
        let shared = Shared { max, recent: Mutex::default(), tripped: Notify::new() };
        Self { shared: Arc::new(shared), events }
    }

    /// Runs the work of a handler. A panic is caught here, emitted and counted; the caller then stops
    /// its actor, which the supervisor restarts.
    pub(crate) fn guard<T>(&self, part: Part, work: impl FnOnce() -> T) -> Result<T, Failed> {
        // What the work changes is valid in any state that a panic may leave it in: the random number generator, the
        // replay cache, and what a verifier opened, which the next batch clears. The batch that failed is dropped.
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
            self.events.emit(&ServerEvent::Panicked(part));
            self.count();
            Failed
        })
    }

    /// Waits until the limit has tripped.
    pub async fn exceeded(&self) {
        self.shared.tripped.notified().await;
    }

    fn count(&self) {
        let now = Instant::now();
        let mut recent = self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back(now);
        while recent.front().is_some_and(|first| now.duration_since(*first) > RESTART_WINDOW) {
            recent.pop_front();
        }
        if recent.len() > self.shared.max {
            self.events.emit(&ServerEvent::TooManyRestarts);
            self.trip();
        }
    }

    /// Trips the limit at once.
    pub(crate) fn trip(&self) {
        self.shared.tripped.notify_one();
    }
}
