//! A timer for a deadline that moves with every request.
//!
//! Setting a timer costs more than looking at it, so it is set again only when the deadline has come
//! nearer, or when it rings too early.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// Rings at a deadline that is told anew with every look.
pub(crate) struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    pub(crate) fn new(at: Instant) -> Self {
        Self(Box::pin(sleep_until(at)))
    }

    /// Ready once `until` has passed.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, until: Instant) -> Poll<()> {
        if until < self.0.deadline() {
            self.0.as_mut().reset(until);
        }
        while self.0.as_mut().poll(context).is_ready() {
            if until <= Instant::now() {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(until);
        }
        Poll::Pending
    }
}
