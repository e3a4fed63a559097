//! The actor for one connection. Restart policy: temporary; whatever ends it ends that connection
//! and no other.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Recipient,
    WrapFuture,
};
use futures_util::FutureExt;
use tokio::sync::OwnedSemaphorePermit;

use crate::audit::Requester;
use crate::connection::{Connection, Shared};
use crate::event::{CloseReason, SessionNumber};
use crate::messages::{Drain, Drained, Ended};
use crate::stream::SessionStream;
use crate::worker::WorkerContext;

/// What a session is told of its connection.
pub struct SessionContext {
    /// The session's number.
    pub number: SessionNumber,
    /// Where the client comes from.
    pub peer: SocketAddr,
    /// The worker of the thread that the session runs on.
    pub worker: Arc<WorkerContext>,
    /// Who hears of the session's end.
    pub listener: Recipient<Ended>,
    /// The right to be one of the open connections, returned when the session is dropped.
    pub permit: OwnedSemaphorePermit,
}

/// One connection's actor.
pub struct Session<S: SessionStream> {
    /// The connection, until the session starts.
    socket: Option<S>,
    context: SessionContext,
    shared: Rc<Shared>,
}

impl<S: SessionStream> Session<S> {
    /// A session on this connection; without one, a session that ends as it starts.
    pub fn new(context: SessionContext, socket: Option<S>) -> Self {
        Self { socket, context, shared: Rc::default() }
    }

    fn end(&self, reason: CloseReason) {
        let (session, requests) = (self.context.number, self.shared.requests.get());
        self.context.listener.do_send(Ended { session, reason, requests });
    }
}

impl<S: SessionStream> Actor for Session<S> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some(socket) = self.socket.take() else {
            self.end(CloseReason::Lost(std::io::ErrorKind::NotConnected));
            return context.stop();
        };
        let SessionContext { number, peer, ref worker, .. } = self.context;
        let (requester, shared) = (Requester { session: number, peer }, Rc::clone(&self.shared));
        let connection = Connection::new(socket, Arc::clone(worker), requester, shared);
        let outcome = AssertUnwindSafe(connection.run()).catch_unwind();
        context.spawn(outcome.into_actor(self).map(|reason, session, context| {
            session.end(reason.unwrap_or(CloseReason::Panicked));
            context.stop();
        }));
    }
}

impl<S: SessionStream> Handler<Drain> for Session<S> {
    type Result = MessageResult<Drain>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.shared.draining.set(true);
        MessageResult(Drained { cut_off: 0 })
    }
}
