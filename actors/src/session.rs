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

use crate::audit::Asker;
use crate::conversation::{Conversation, Shared};
use crate::desk::Desk;
use crate::event::{Ending, SessionNumber};
use crate::messages::{Drain, Drained, Ended};
use crate::socket::Socket;

/// What a session is told of its connection.
pub struct Guest {
    /// The session's number.
    pub number: SessionNumber,
    /// Where the client comes from.
    pub peer: SocketAddr,
    /// The desk of the thread that the session runs on.
    pub desk: Arc<Desk>,
    /// Who hears of the session's end.
    pub listener: Recipient<Ended>,
    /// The right to be one of the open connections, returned when the session is dropped.
    pub permit: OwnedSemaphorePermit,
}

/// One connection's actor.
pub struct Session<S: Socket> {
    /// The connection, until the session starts.
    socket: Option<S>,
    guest: Guest,
    shared: Rc<Shared>,
}

impl<S: Socket> Session<S> {
    /// A session on this connection; without one, a session that ends as it starts.
    pub fn new(guest: Guest, socket: Option<S>) -> Self {
        Self { socket, guest, shared: Rc::default() }
    }

    fn end(&self, ending: Ending) {
        let (session, requests) = (self.guest.number, self.shared.requests.get());
        self.guest.listener.do_send(Ended { session, ending, requests });
    }
}

impl<S: Socket> Actor for Session<S> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some(socket) = self.socket.take() else {
            self.end(Ending::Lost(std::io::ErrorKind::NotConnected));
            return context.stop();
        };
        let Guest { number, peer, ref desk, .. } = self.guest;
        let (asker, shared) = (Asker { session: number, peer }, Rc::clone(&self.shared));
        let conversation = Conversation::new(socket, Arc::clone(desk), asker, shared);
        let talk = AssertUnwindSafe(conversation.run()).catch_unwind();
        context.spawn(talk.into_actor(self).map(|ending, session, context| {
            session.end(ending.unwrap_or(Ending::Panicked));
            context.stop();
        }));
    }
}

impl<S: Socket> Handler<Drain> for Session<S> {
    type Result = MessageResult<Drain>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.shared.draining.set(true);
        MessageResult(Drained { cut_off: 0 })
    }
}
