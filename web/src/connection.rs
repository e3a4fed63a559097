//! What is known of one connection, from its acceptance to its end: shared by the stream below HTTP and
//! the handlers above it, on one thread.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use grade_actors::event::{CloseReason, SessionNumber};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Where a connection stands in the exchange of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The head of a request is awaited or arrives.
    Head,
    /// A handler has the request.
    Handling,
    /// The response is being written.
    Answered,
}

/// One connection.
pub(crate) struct Connection {
    pub(crate) number: SessionNumber,
    pub(crate) peer: SocketAddr,
    /// Whether the peer is a proxy, whose header `Forwarded` is believed.
    pub(crate) is_proxy: bool,
    /// Whether the peer may ask here: in clear, only this machine and proxies may.
    pub(crate) is_allowed: bool,
    /// Whether the connection is TLS.
    pub(crate) is_secure: bool,
    phase: Cell<Phase>,
    /// Whether the connection ends behind the response.
    is_last: Cell<bool>,
    /// Whether the library has the whole body of the response.
    is_body_taken: Cell<bool>,
    /// The number of requests that handlers have had.
    handled: Cell<u64>,
    /// When the first byte of the request came.
    started_at: Cell<Option<Instant>>,
    /// When the first byte of the request came that a handler has.
    handling_since: Cell<Option<Instant>>,
    /// The number of requests of students that were answered.
    requests: Cell<u64>,
    close_reason: Cell<Option<CloseReason>>,
    in_flight: RefCell<Vec<InFlight>>,
    /// Notified when the response behind which the connection ends was written.
    last_written: Notify,
}

impl Connection {
    pub(crate) fn new(
        number: SessionNumber,
        peer: SocketAddr,
        is_proxy: bool,
        is_allowed: bool,
        is_secure: bool,
    ) -> Self {
        Self {
            number,
            peer,
            is_proxy,
            is_allowed,
            is_secure,
            phase: Cell::new(Phase::Head),
            is_last: Cell::new(false),
            is_body_taken: Cell::new(false),
            handled: Cell::new(0),
            started_at: Cell::new(None),
            handling_since: Cell::new(None),
            requests: Cell::new(0),
            close_reason: Cell::new(None),
            in_flight: RefCell::default(),
            last_written: Notify::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn started_at(&self) -> Option<Instant> {
        self.started_at.get()
    }

    /// Notes the first byte of a request.
    pub(crate) fn begin_request(&self) {
        if self.started_at.get().is_none() {
            self.started_at.set(Some(Instant::now()));
        }
    }

    /// When the first byte of the request came that a handler has. The beginning of a pipelined one is not
    /// known.
    pub(crate) fn handling_since(&self) -> Instant {
        self.handling_since.get().unwrap_or_else(Instant::now)
    }

    /// The number of requests that handlers have had.
    pub(crate) fn handled(&self) -> u64 {
        self.handled.get()
    }

    /// Notes that a handler has the request.
    pub(crate) fn handle(&self) {
        self.phase.set(Phase::Handling);
        self.handled.set(self.handled.get().wrapping_add(1));
        self.handling_since.set(self.started_at.take());
    }

    /// Keeps the end of the service waiting until the response is written.
    pub(crate) fn keep_in_flight(&self, in_flight: InFlight, requests: usize) {
        self.in_flight.borrow_mut().push(in_flight);
        let requests = u64::try_from(requests).unwrap_or(u64::MAX);
        self.requests.set(self.requests.get().saturating_add(requests));
    }

    /// Notes that the head of the response is ready, and whether the connection ends behind it.
    pub(crate) fn answer(&self, is_last: bool) {
        self.phase.set(Phase::Answered);
        self.is_last.set(is_last);
        self.is_body_taken.set(false);
    }

    /// Notes that the library has the whole body of the response.
    pub(crate) fn take_body(&self) {
        self.is_body_taken.set(true);
    }

    /// Returns true if the connection ends behind the response that is ready, being written, or written.
    pub(crate) fn is_last(&self) -> bool {
        self.is_last.get()
    }

    /// Notes that everything that the library had was written. Returns true if that was the end of a
    /// response: the library also writes in between.
    pub(crate) fn flushed(&self) -> bool {
        let is_end = self.phase.get() == Phase::Answered && self.is_body_taken.get();
        if is_end {
            self.phase.set(Phase::Head);
            self.in_flight.borrow_mut().clear();
            if self.is_last() {
                self.last_written.notify_one();
            }
        }
        is_end
    }

    /// Waits until the response was written behind which the connection ends.
    pub(crate) async fn last_written(&self) {
        self.last_written.notified().await;
    }

    /// Notes why the connection ends; the first reason stays.
    pub(crate) fn close(&self, reason: CloseReason) {
        if self.close_reason.get().is_none() {
            self.close_reason.set(Some(reason));
        }
    }

    pub(crate) fn close_reason(&self) -> Option<CloseReason> {
        self.close_reason.get()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.get()
    }
}

/// The end of the service, shared by all connections.
#[derive(Default)]
pub(crate) struct Draining {
    has_begun: AtomicBool,
    in_flight: AtomicUsize,
    all_written: Notify,
}

impl Draining {
    /// Returns true if the service ends: nothing more is answered.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::SeqCst)
    }

    /// Counts a request that will be answered; `None` if the service ends.
    pub(crate) fn take_in(self: &Arc<Self>) -> Option<InFlight> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let in_flight = InFlight(Arc::clone(self));
        (!self.has_begun()).then_some(in_flight)
    }

    /// Begins the end, and waits until everything that was taken in is written.
    pub(crate) async fn drain(&self) {
        self.has_begun.store(true, Ordering::SeqCst);
        loop {
            let written = self.all_written.notified();
            if self.in_flight.load(Ordering::SeqCst) == 0 {
                return;
            }
            written.await;
        }
    }
}

/// A request that is answered before the service ends.
pub(crate) struct InFlight(Arc<Draining>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.all_written.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_what_was_taken_in_and_takes_in_no_more() {
        let draining = Arc::new(Draining::default());
        let first = draining.take_in().unwrap();
        let second = draining.take_in().unwrap();
        let mut drain = std::pin::pin!(draining.drain());
        assert!(drain.as_mut().now_or_never().is_none());
        assert!(draining.take_in().is_none());
        drop(first);
        assert!(drain.as_mut().now_or_never().is_none());
        drop(second);
        assert!(drain.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_response_is_in_flight_until_it_is_written() {
        let draining = Arc::new(Draining::default());
        let peer = "127.0.0.1:60001".parse().unwrap();
        let connection = Connection::new(SessionNumber(1), peer, false, true, false);
        connection.handle();
        connection.keep_in_flight(draining.take_in().unwrap(), 3);
        connection.flushed();
        let mut drain = std::pin::pin!(draining.drain());
        assert!(drain.as_mut().now_or_never().is_none(), "what was written was not the response");
        connection.answer(false);
        assert!(!connection.flushed(), "the body is not there yet");
        assert!(drain.as_mut().now_or_never().is_none());
        connection.take_body();
        assert!(connection.flushed());
        assert!(drain.as_mut().now_or_never().is_some());
        assert_eq!((connection.requests(), connection.phase()), (3, Phase::Head));
    }
}
