//! The actor that accepts connections and hands each to a session.
//!
//! It waits for a permit before it accepts, so that connections beyond the limit wait in the kernel
//! and cost nothing. Restart policy: none; if its socket itself fails, the server is broken.

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

use crate::accept_error::AcceptErrorKind;
use crate::event::{ServerEvent, SessionNumber, SharedSink};
use crate::limits::{ConnectionLimits, Source};
use crate::messages::{Drain, Drained, Ended};
use crate::session::{Session, SessionContext};
use crate::supervision::RestartLimit;
use crate::worker::WorkerContext;

/// How long to wait when the system is short of what `accept` needs.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// How often sources that have been quiet are forgotten by the rate limit.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// A thread that sessions run on.
pub(crate) struct WorkerThread {
    /// Its arbiter; none is the listener's own thread.
    pub(crate) arbiter: Option<ArbiterHandle>,
    /// Where its sessions work.
    pub(crate) worker: Arc<WorkerContext>,
}

/// Accepts connections.
pub(crate) struct Listener {
    /// The listening socket, until the listener starts.
    socket: Option<TcpListener>,
    workers: Vec<WorkerThread>,
    limits: ConnectionLimits,
    permits: Arc<Semaphore>,
    /// The open sessions.
    sessions: HashMap<SessionNumber, (Addr<Session<TcpStream>>, Source)>,
    /// How many of them each source has.
    per_source: HashMap<Source, usize>,
    last_number: u64,
    accepting: Option<SpawnHandle>,
    /// Who waits for the last session to end.
    all_ended: Option<oneshot::Sender<()>>,
    restart_limit: RestartLimit,
    events: SharedSink,
}

impl Listener {
    pub(crate) fn new(
        socket: TcpListener,
        workers: Vec<WorkerThread>,
        limits: ConnectionLimits,
        restart_limit: RestartLimit,
        events: SharedSink,
    ) -> Self {
        Self {
            socket: Some(socket),
            workers,
            limits,
            permits: Arc::new(Semaphore::new(limits.total)),
            sessions: HashMap::new(),
            per_source: HashMap::new(),
            last_number: 0,
            accepting: None,
            all_ended: None,
            restart_limit,
            events,
        }
    }

    /// Starts a session, on the next worker in turn.
    fn spawn_session(&mut self, accepted: Accepted, source: Source, context: &Context<Self>) {
        self.last_number = self.last_number.saturating_add(1);
        let number = SessionNumber(self.last_number);
        self.events.emit(&ServerEvent::Accepted { session: number, peer: accepted.peer });
        self.workers.rotate_left(1);
        let Some(WorkerThread { arbiter, worker }) = self.workers.last() else {
            return;
        };
        let listener = context.address().recipient();
        let (worker, permit) = (Arc::clone(worker), accepted.permit);
        let session_context =
            SessionContext { number, peer: accepted.peer, worker, listener, permit };
        let session = match arbiter {
            None => Session::new(session_context, Some(accepted.socket)).start(),
            Some(arbiter) => {
                let socket = accepted.socket.into_std();
                // The socket is registered anew, with the runtime of the worker's thread.
                Session::start_in_arbiter(arbiter, move |_| {
                    Session::new(session_context, socket.and_then(TcpStream::from_std).ok())
                })
            }
        };
        self.sessions.insert(number, (session, source));
    }
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // A session sends one farewell, so the mailbox holds one for each.
        context.set_mailbox_capacity(self.limits.total);
        if let Some(socket) = self.socket.take() {
            let (permits, events) = (Arc::clone(&self.permits), Arc::clone(&self.events));
            let acceptor = Acceptor { socket, permits, events, failures: 0 };
            self.accepting = Some(context.add_stream(acceptor.connections()));
        }
        context.run_interval(FORGET_INTERVAL, |listener, _| {
            // All workers have the same one.
            let rate = listener
                .workers
                .first()
                .and_then(|worker| worker.worker.session_config.rate.as_ref());
            if let Some(rate) = rate {
                rate.forget_quiet();
            }
        });
    }
}

impl StreamHandler<Accepted> for Listener {
    fn handle(&mut self, accepted: Accepted, context: &mut Self::Context) {
        // A stream that has been cancelled may still bring what it had at hand.
        if self.accepting.is_none() {
            return;
        }
        let source = Source::of(accepted.peer.ip());
        let open = self.per_source.entry(source).or_default();
        if *open < self.limits.per_source {
            *open += 1;
            self.spawn_session(accepted, source, context);
        } else {
            self.events.emit(&ServerEvent::ConnectionRejected(accepted.peer));
        }
    }

    fn finished(&mut self, _: &mut Self::Context) {
        self.restart_limit.trip();
    }
}

impl Handler<Ended> for Listener {
    type Result = ();

    fn handle(&mut self, ended: Ended, _: &mut Self::Context) {
        let Ended { session, reason, requests } = ended;
        self.events.emit(&ServerEvent::Ended { session, reason, requests });
        let Some((_, source)) = self.sessions.remove(&session) else {
            return;
        };
        if let Entry::Occupied(mut open) = self.per_source.entry(source) {
            *open.get_mut() = open.get().saturating_sub(1);
            if *open.get() == 0 {
                open.remove();
            }
        }
        if self.sessions.is_empty()
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
        self.events.emit(&ServerEvent::Draining(self.sessions.len()));
        for (session, _) in self.sessions.values() {
            session.do_send(drain);
        }
        let (sender, all_ended) = oneshot::channel();
        if !self.sessions.is_empty() {
            self.all_ended = Some(sender);
        }
        let waited = timeout_at(drain.deadline, all_ended).into_actor(self);
        Box::pin(waited.map(|_, listener, context| {
            let cut_off = listener.sessions.len();
            listener.events.emit(&ServerEvent::Drained(cut_off));
            context.stop();
            Drained { cut_off }
        }))
    }
}

/// A connection with its permit.
struct Accepted {
    socket: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
}

/// The listening socket and what it takes to pass it.
struct Acceptor {
    socket: TcpListener,
    permits: Arc<Semaphore>,
    events: SharedSink,
    /// How often in a row accepting has failed for a shortage.
    failures: u64,
}

impl Acceptor {
    fn connections(self) -> impl Stream<Item = Accepted> {
        unfold(self, |mut acceptor| async {
            let accepted = acceptor.next().await?;
            Some((accepted, acceptor))
        })
    }

    /// The next connection, once there is a permit for it; nothing if there can never be one.
    async fn next(&mut self) -> Option<Accepted> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        loop {
            let error = match self.socket.accept().await {
                Ok((socket, peer)) => {
                    if self.failures > 0 {
                        self.events.emit(&ServerEvent::AcceptResumed(self.failures));
                        self.failures = 0;
                    }
                    return Some(Accepted { socket, peer, permit });
                }
                Err(error) => error,
            };
            match AcceptErrorKind::of(&error) {
                AcceptErrorKind::Connection => {}
                AcceptErrorKind::Fatal => {
                    self.events.emit(&ServerEvent::AcceptFailed(&error));
                    return None;
                }
                AcceptErrorKind::Exhausted => {
                    if self.failures == 0 {
                        self.events.emit(&ServerEvent::AcceptPaused(&error));
                    }
                    self.failures = self.failures.saturating_add(1);
                    sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }
}
