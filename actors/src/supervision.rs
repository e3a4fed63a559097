//! How often parts may fail before the whole is called exceeded.

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

/// The restarts of one server, counted together.
///
/// A fault that comes back with every request would otherwise be restarted for ever. At one restart
/// too many the server is exceeded, and a service manager starts the process anew.
#[derive(Clone)]
pub struct RestartLimit {
    shared: Arc<Shared>,
    events: SharedSink,
}

struct Shared {
    max: usize,
    recent: Mutex<VecDeque<Instant>>,
    exceeded: Notify,
}

impl RestartLimit {
    /// A count that is broken by more than `max` restarts within [`RESTART_WINDOW`].
    pub fn new(max: usize, events: SharedSink) -> Self {
        let recent = Mutex::new(VecDeque::new());
        Self { shared: Arc::new(Shared { max, recent, exceeded: Notify::new() }), events }
    }

    /// Runs a handler's work. A panic in it is caught here, told and counted; the caller then lets
    /// its supervisor restart it.
    pub(crate) fn guard<T>(&self, part: Part, work: impl FnOnce() -> T) -> Result<T, Failed> {
        // Work only reads what the actor owns, but for a generator of random numbers and the requests
        // that were answered, which are good in any state that a panic may leave them in.
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
            self.events.emit(&ServerEvent::Panicked(part));
            self.count();
            Failed
        })
    }

    /// Waits until there have been too many restart_limit.
    pub async fn exceeded(&self) {
        self.shared.exceeded.notified().await;
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

    /// Calls the server broken at once.
    pub(crate) fn trip(&self) {
        self.shared.exceeded.notify_one();
    }
}
