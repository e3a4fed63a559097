//! A timer for a deadline that moves with every request.
//!
//! Setting a timer costs more than looking at it, so it is set again only when the deadline has come
//! nearer, or when it rings too early; and it is told whom to wake only when that is somebody new.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// Rings at a deadline that is told anew with every look.
pub(crate) struct Deadline {
    sleep: Pin<Box<Sleep>>,
    /// Who is woken when it rings.
    waker: Option<Waker>,
}

impl Deadline {
    pub(crate) fn new(at: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(at)), waker: None }
    }

    /// Ready once `until` has passed.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, until: Instant) -> Poll<()> {
        let knows = |waker: &Waker| waker.will_wake(context.waker());
        if self.waker.as_ref().is_some_and(knows)
            && until >= self.sleep.deadline()
            && !self.sleep.is_elapsed()
        {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        if until < self.sleep.deadline() {
            self.sleep.as_mut().reset(until);
        }
        // Unconstrained: a timer that does not look, because the task has had its share of turns, would
        // not know whom to wake.
        while pin!(unconstrained(self.sleep.as_mut())).poll(context).is_ready() {
            if until <= Instant::now() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(until);
        }
        Poll::Pending
    }
}
