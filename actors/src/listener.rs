//! The actor that accepts connections and hands each to a session.
//!
//! It waits for a permit before it accepts, so that connections beyond the limit wait in the kernel
//! and cost nothing. Restart policy: none; if its socket itself fails, the house is broken.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, ResponseActFuture,
    SpawnHandle, StreamHandler, WrapFuture,
};
use actix_rt::ArbiterHandle;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{sleep, timeout_at};

use crate::accept::AcceptFault;
use crate::desk::Desk;
use crate::event::{Event, SessionNumber, Teller};
use crate::limits::{ConnectionLimits, Source};
use crate::messages::{Drain, Drained, Ended};
use crate::restarts::Restarts;
use crate::session::{Guest, Session};

/// How long to wait when the system is short of what `accept` needs.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(100);

/// How often sources that have been quiet are forgotten by the rate limit.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// A thread that sessions run on.
pub(crate) struct Worker {
    /// Its arbiter; none is the listener's own thread.
    pub(crate) arbiter: Option<ArbiterHandle>,
    /// Where its sessions work.
    pub(crate) desk: Arc<Desk>,
}

/// Accepts connections.
pub(crate) struct Listener {
    /// The listening socket, until the listener starts.
    socket: Option<TcpListener>,
    workers: Vec<Worker>,
    limits: ConnectionLimits,
    permits: Arc<Semaphore>,
    /// The open sessions.
    guests: HashMap<SessionNumber, (Addr<Session<TcpStream>>, Source)>,
    /// How many of them each source has.
    per_source: HashMap<Source, usize>,
    last_number: u64,
    accepting: Option<SpawnHandle>,
    /// Who waits for the last session to end.
    all_ended: Option<oneshot::Sender<()>>,
    restarts: Restarts,
    teller: Teller,
}

impl Listener {
    pub(crate) fn new(
        socket: TcpListener,
        workers: Vec<Worker>,
        limits: ConnectionLimits,
        restarts: Restarts,
        teller: Teller,
    ) -> Self {
        Self {
            socket: Some(socket),
            workers,
            limits,
            permits: Arc::new(Semaphore::new(limits.total)),
            guests: HashMap::new(),
            per_source: HashMap::new(),
            last_number: 0,
            accepting: None,
            all_ended: None,
            restarts,
            teller,
        }
    }

    /// Starts a session, on the next worker in turn.
    fn seat(&mut self, arrival: Arrival, source: Source, context: &Context<Self>) {
        self.last_number = self.last_number.saturating_add(1);
        let number = SessionNumber(self.last_number);
        self.teller.tell(&Event::Accepted { session: number, peer: arrival.peer });
        self.workers.rotate_left(1);
        let Some(Worker { arbiter, desk }) = self.workers.last() else {
            return;
        };
        let listener = context.address().recipient();
        let (desk, permit) = (Arc::clone(desk), arrival.permit);
        let guest = Guest { number, peer: arrival.peer, desk, listener, permit };
        let session = match arbiter {
            None => Session::new(guest, Some(arrival.socket)).start(),
            Some(arbiter) => {
                let socket = arrival.socket.into_std();
                // The socket is registered anew, with the runtime of the worker's thread.
                Session::start_in_arbiter(arbiter, move |_| {
                    Session::new(guest, socket.and_then(TcpStream::from_std).ok())
                })
            }
        };
        self.guests.insert(number, (session, source));
    }
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // A session sends one farewell, so the mailbox holds one for each.
        context.set_mailbox_capacity(self.limits.total);
        if let Some(socket) = self.socket.take() {
            let (permits, teller) = (Arc::clone(&self.permits), Arc::clone(&self.teller));
            let door = Door { socket, permits, teller, failures: 0 };
            self.accepting = Some(context.add_stream(door.arrivals()));
        }
        context.run_interval(FORGET_INTERVAL, |listener, _| {
            // All workers have the same one.
            let rate =
                listener.workers.first().and_then(|worker| worker.desk.manners.rate.as_ref());
            if let Some(rate) = rate {
                rate.forget_quiet();
            }
        });
    }
}

impl StreamHandler<Arrival> for Listener {
    fn handle(&mut self, arrival: Arrival, context: &mut Self::Context) {
        // A stream that has been cancelled may still bring what it had at hand.
        if self.accepting.is_none() {
            return;
        }
        let source = Source::of(arrival.peer.ip());
        let open = self.per_source.entry(source).or_default();
        if *open < self.limits.per_source {
            *open += 1;
            self.seat(arrival, source, context);
        } else {
            self.teller.tell(&Event::TurnedAway(arrival.peer));
        }
    }

    fn finished(&mut self, _: &mut Self::Context) {
        self.restarts.give_up();
    }
}

impl Handler<Ended> for Listener {
    type Result = ();

    fn handle(&mut self, ended: Ended, _: &mut Self::Context) {
        let Ended { session, ending, requests } = ended;
        self.teller.tell(&Event::Ended { session, ending, requests });
        let Some((_, source)) = self.guests.remove(&session) else {
            return;
        };
        if let Entry::Occupied(mut open) = self.per_source.entry(source) {
            *open.get_mut() = open.get().saturating_sub(1);
            if *open.get() == 0 {
                open.remove();
            }
        }
        if self.guests.is_empty()
            && let Some(waiting) = self.all_ended.take()
        {
            // Nobody waits any longer if the deadline has passed.
            let _ = waiting.send(());
        }
    }
}

impl Handler<Drain> for Listener {
    type Result = ResponseActFuture<Self, Drained>;

    fn handle(&mut self, drain: Drain, context: &mut Self::Context) -> Self::Result {
        if let Some(accepting) = self.accepting.take() {
            context.cancel_future(accepting);
        }
        self.teller.tell(&Event::Draining(self.guests.len()));
        for (session, _) in self.guests.values() {
            session.do_send(drain);
        }
        let (sender, all_ended) = oneshot::channel();
        if !self.guests.is_empty() {
            self.all_ended = Some(sender);
        }
        let waited = timeout_at(drain.deadline, all_ended).into_actor(self);
        Box::pin(waited.map(|_, listener, context| {
            let cut_off = listener.guests.len();
            listener.teller.tell(&Event::Drained(cut_off));
            context.stop();
            Drained { cut_off }
        }))
    }
}

/// A connection with its permit.
struct Arrival {
    socket: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
}

/// The listening socket and what it takes to pass it.
struct Door {
    socket: TcpListener,
    permits: Arc<Semaphore>,
    teller: Teller,
    /// How often in a row accepting has failed for a shortage.
    failures: u64,
}

impl Door {
    fn arrivals(self) -> impl Stream<Item = Arrival> {
        unfold(self, |mut door| async {
            let arrival = door.next().await?;
            Some((arrival, door))
        })
    }

    /// The next connection, once there is a permit for it; nothing if there can never be one.
    async fn next(&mut self) -> Option<Arrival> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        loop {
            let error = match self.socket.accept().await {
                Ok((socket, peer)) => {
                    if self.failures > 0 {
                        self.teller.tell(&Event::AcceptResumed(self.failures));
                        self.failures = 0;
                    }
                    return Some(Arrival { socket, peer, permit });
                }
                Err(error) => error,
            };
            match AcceptFault::of(&error) {
                AcceptFault::ThisConnection => {}
                AcceptFault::Bug => {
                    self.teller.tell(&Event::AcceptFailed(&error));
                    return None;
                }
                AcceptFault::Shortage => {
                    if self.failures == 0 {
                        self.teller.tell(&Event::AcceptPaused(&error));
                    }
                    self.failures = self.failures.saturating_add(1);
                    sleep(SHORTAGE_PAUSE).await;
                }
            }
        }
    }
}
