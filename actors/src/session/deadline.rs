//! A timer for a deadline that moves with every request.
//!
//! Setting a timer costs more than checking it. So it is set again only when the deadline has moved
//! nearer, or when it fires too early; and it is polled only when the waker is new.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// Fires at a deadline that is passed with every poll.
pub struct Deadline {
    sleep: Pin<Box<Sleep>>,
    /// Who is woken when it fires.
    waker: Option<Waker>,
}

impl Deadline {
    /// A timer whose first deadline is this.
    pub fn new(at: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(at)), waker: None }
    }

    /// Ready once `deadline` has passed.
    pub fn poll(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let is_registered =
            self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_registered && deadline >= self.sleep.deadline() && !self.sleep.is_elapsed() {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        if deadline < self.sleep.deadline() {
            self.sleep.as_mut().reset(deadline);
        }
        // Unconstrained: when the task has used up its turns, a constrained timer is not polled, and
        // would not register the waker.
        while pin!(unconstrained(self.sleep.as_mut())).poll(context).is_ready() {
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
