//! The actor of one connection. Restart policy: never restarted; whatever ends it ends that
//! connection and no other.

mod close;
mod connection;
mod deadline;
mod decoder;
mod proxy_header;
mod state;
mod stream;

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

use crate::admission::{Admission, SourcePermit};
use crate::audit::Requester;
use crate::dispatch::WorkerContext;
use crate::event::{CloseReason, SessionNumber};
use crate::messages::{Drain, Drained, Ended};
use connection::Connection;
pub use deadline::Deadline;
use state::SessionState;
pub use stream::SessionStream;

/// What a session knows of its connection and its place in the server.
pub struct SessionContext {
    /// The session's number.
    pub number: SessionNumber,
    /// The client's address.
    pub peer: SocketAddr,
    /// What the sessions of its thread share.
    pub worker: Arc<WorkerContext>,
    /// Where to report the session's end.
    pub listener: Recipient<Ended>,
    /// The permit to be one of the open connections, returned when the session is dropped.
    pub permit: OwnedSemaphorePermit,
    /// What the listeners share.
    pub admission: Arc<Admission>,
}

/// The actor of one connection.
pub struct Session<S: SessionStream> {
    /// The connection, until the session starts.
    stream: Option<S>,
    context: SessionContext,
    state: Rc<SessionState>,
}

impl<S: SessionStream> Session<S> {
    /// A session on this connection; without one, a session that ends as it starts. It has the permit to be
    /// one of the connections of its source, unless the peer is a proxy, which may name another source.
    pub fn new(
        context: SessionContext,
        source_permit: Option<SourcePermit>,
        stream: Option<S>,
    ) -> Self {
        let state = Rc::new(SessionState::default());
        if let Some(permit) = source_permit {
            state.admit(permit);
        }
        Self { stream, context, state }
    }

    fn report_end(&self, reason: CloseReason) {
        let session = self.context.number;
        let requests = self.state.requests.get();
        self.context.listener.do_send(Ended { session, reason, requests });
    }
}

impl<S: SessionStream> Actor for Session<S> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some(stream) = self.stream.take() else {
            self.report_end(CloseReason::Lost(std::io::ErrorKind::NotConnected));
            return context.stop();
        };
        let SessionContext { number, peer, ref worker, ref admission, .. } = self.context;
        let requester = Requester { session: number, peer };
        let proxied = (!self.state.is_admitted()).then(|| Arc::clone(admission));
        let connection =
            Connection::new(stream, Arc::clone(worker), requester, Rc::clone(&self.state));
        let run = AssertUnwindSafe(connection.run(proxied)).catch_unwind();
        context.spawn(run.into_actor(self).map(|reason, session, context| {
            session.report_end(reason.unwrap_or(CloseReason::Panicked));
            context.stop();
        }));
    }
}

impl<S: SessionStream> Handler<Drain> for Session<S> {
    type Result = MessageResult<Drain>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.state.draining.set(true);
        MessageResult(Drained { cut_off: 0 })
    }
}
