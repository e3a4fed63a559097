//! The actor that accepts connections and starts a session for each.
//!
//! It takes a permit before it accepts, so that connections beyond the limit wait in the kernel.
//! Restart policy: none; if one of its sockets fails, the server ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, ResponseActFuture,
    SpawnHandle, StreamHandler, WrapFuture,
};
use actix_rt::ArbiterHandle;
use gradebook::{Rejection, wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{timeout, timeout_at};

use crate::acceptor::{Accepted, Acceptor};
use crate::admission::{Admission, SourcePermit};
use crate::dispatch::WorkerContext;
use crate::event::{ServerEvent, SessionNumber, SharedSink};
use crate::limits::Source;
use crate::messages::{Drain, Drained, Ended};
use crate::session::{Session, SessionContext};
use crate::supervision::RestartLimit;

/// How often the rate limit forgets sources that sent nothing.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// The most rejected connections that get a reason at one time. They take descriptors beside those of
/// the connection limit, so they are few.
const REJECTED_MAX: usize = 16;

/// How long a rejected client may take to close, and how many bytes it may send meanwhile. Closing with
/// unread bytes would reset the connection, and the reset could overtake the reason.
const REJECTED_TIMEOUT: Duration = Duration::from_secs(1);
const REJECTED_BYTES_MAX: u64 = 64 * 1024;

/// A thread that sessions run on.
pub(crate) struct WorkerThread {
    /// Its arbiter; `None` for the listener's own thread.
    pub(crate) arbiter: Option<ArbiterHandle>,
    /// What its sessions share.
    pub(crate) worker: Arc<WorkerContext>,
}

/// Accepts connections.
pub(crate) struct Listener {
    /// The listening sockets, until the listener starts.
    sockets: Vec<TcpListener>,
    threads: Vec<WorkerThread>,
    connections_max: usize,
    permits: Arc<Semaphore>,
    admission: Arc<Admission>,
    /// The open sessions.
    sessions: HashMap<SessionNumber, Addr<Session<TcpStream>>>,
    /// The number of rejected connections that wait for their client to close.
    rejected: usize,
    accepting: Option<SpawnHandle>,
    /// Who waits for the last session to end.
    all_ended: Option<oneshot::Sender<()>>,
    restart_limit: RestartLimit,
    events: SharedSink,
}

impl Listener {
    pub(crate) fn new(
        sockets: Vec<TcpListener>,
        threads: Vec<WorkerThread>,
        connections_max: usize,
        admission: Arc<Admission>,
        restart_limit: RestartLimit,
        events: SharedSink,
    ) -> Self {
        Self {
            sockets,
            threads,
            connections_max,
            permits: Arc::new(Semaphore::new(connections_max)),
            admission,
            sessions: HashMap::new(),
            rejected: 0,
            accepting: None,
            all_ended: None,
            restart_limit,
            events,
        }
    }

    /// Starts a session, on the next thread in turn.
    fn spawn_session(
        &mut self,
        accepted: Accepted,
        source_permit: Option<SourcePermit>,
        context: &Context<Self>,
    ) {
        let number = self.admission.next_number();
        let peer = accepted.peer;
        self.events.emit(&ServerEvent::Accepted { session: number, peer });
        self.threads.rotate_left(1);
        let Some(WorkerThread { arbiter, worker }) = self.threads.last() else {
            return;
        };
        let session_context = SessionContext {
            number,
            peer,
            worker: Arc::clone(worker),
            listener: context.address().recipient(),
            permit: accepted.permit,
            admission: Arc::clone(&self.admission),
        };
        let session = match arbiter {
            None => Session::new(session_context, source_permit, Some(accepted.socket)).start(),
            Some(arbiter) => {
                let socket = accepted.socket.into_std();
                // The socket is registered again, with the runtime of the session's thread.
                Session::start_in_arbiter(arbiter, move |_| {
                    let socket = socket.and_then(TcpStream::from_std).ok();
                    Session::new(session_context, source_permit, socket)
                })
            }
        };
        self.sessions.insert(number, session);
    }

    /// Says why a connection closes, and closes it. Beyond [`REJECTED_MAX`] it closes without a word.
    fn reject(&mut self, socket: TcpStream, context: &mut Context<Self>) {
        if self.rejected >= REJECTED_MAX {
            return;
        }
        self.rejected += 1;
        context.spawn(say_rejected(socket).into_actor(self).map(|(), listener, _| {
            listener.rejected = listener.rejected.saturating_sub(1);
        }));
    }
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // A session sends one message, at its end.
        context.set_mailbox_capacity(self.connections_max);
        let sockets = std::mem::take(&mut self.sockets);
        let permits = Arc::clone(&self.permits);
        let acceptor = Acceptor::new(sockets, permits, Arc::clone(&self.events));
        self.accepting = Some(context.add_stream(acceptor.connections()));
        context.run_interval(FORGET_INTERVAL, |listener, _| {
            // All threads share one rate limit.
            let worker = listener.threads.first().map(|thread| &thread.worker);
            if let Some(rate) = worker.and_then(|worker| worker.session_config.rate.as_ref()) {
                rate.forget_quiet();
            }
        });
    }
}

impl StreamHandler<Accepted> for Listener {
    fn handle(&mut self, accepted: Accepted, context: &mut Self::Context) {
        // A cancelled stream may still yield the connection that it had.
        if self.accepting.is_none() {
            return;
        }
        let address = accepted.peer.ip();
        if self.admission.proxies().contains(address) {
            // The session reads where the client comes from.
            return self.spawn_session(accepted, None, context);
        }
        match self.admission.admit(Source::of(address)) {
            Some(permit) => self.spawn_session(accepted, Some(permit), context),
            None => {
                self.events.emit(&ServerEvent::ConnectionRejected(accepted.peer));
                self.reject(accepted.socket, context);
            }
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
        self.sessions.remove(&session);
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
        for session in self.sessions.values() {
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

/// Sends a client the reason of its rejection, and waits until the client closes.
async fn say_rejected(mut socket: TcpStream) {
    let mut line = Vec::new();
    wire::write_rejection(&mut line, Rejection::TooManyConnections);
    // A new connection has room for a line.
    if socket.try_write(&line).is_err() || socket.shutdown().await.is_err() {
        return;
    }
    let mut rest = socket.take(REJECTED_BYTES_MAX);
    drop(timeout(REJECTED_TIMEOUT, copy(&mut rest, &mut sink())).await);
}
