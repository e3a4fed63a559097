//! Bodies in pieces, so that a connection that has sent one keeps no memory for it; and bodies that say
//! when all of them is taken.

use std::convert::Infallible;
use std::iter::from_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::BoxBody;
use actix_web::body::{BodySize, BodyStream, MessageBody};
use actix_web::web::Bytes;
use futures_util::stream::iter;
use futures_util::{Stream, StreamExt};

use crate::connection::Connection;

/// The bytes of a piece. With a head of common length, a piece fits the buffer of 8 KiB that the HTTP
/// library keeps for each connection; a longer one would make that buffer grow for good.
const PIECE_BYTES: usize = 6 * 1024;

/// The bytes from which on the library writes before it takes the next piece: more than a head, so that the
/// head and the first piece are one write.
pub(crate) const WRITE_BYTES: usize = 2 * 1024;

/// A body that is sent in pieces.
pub(crate) struct Pieces(Bytes);

impl Pieces {
    pub(crate) fn new(body: impl Into<Bytes>) -> Self {
        Self(body.into())
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(next_piece(&mut self.get_mut().0).map(Ok))
    }
}

fn next_piece(rest: &mut Bytes) -> Option<Bytes> {
    let piece = rest.split_to(rest.len().min(PIECE_BYTES));
    (!piece.is_empty()).then_some(piece)
}

/// A body whose parts are made as they are sent, in pieces. Its length is not known before.
pub(crate) fn in_pieces(parts: impl Stream<Item = Vec<u8>> + 'static) -> impl MessageBody {
    let pieces = parts.flat_map(|part| {
        let mut rest = Bytes::from(part);
        iter(from_fn(move || next_piece(&mut rest)))
    });
    BodyStream::new(pieces.map(Ok::<_, Infallible>))
}

/// The body of a response that notes in its connection when the library has all of it.
pub(crate) struct Noted {
    body: BoxBody,
    connection: Option<Rc<Connection>>,
}

impl Noted {
    pub(crate) fn new(body: BoxBody, connection: Option<Rc<Connection>>) -> Self {
        if let (BodySize::None | BodySize::Sized(0), Some(connection)) = (body.size(), &connection)
        {
            // The library does not ask for an empty body.
            connection.take_body();
        }
        Self { body, connection }
    }
}

impl MessageBody for Noted {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Self { body, connection } = self.get_mut();
        let next = Pin::new(body).poll_next(context);
        if let (Poll::Ready(None), Some(connection)) = (&next, connection) {
            connection.take_body();
        }
        next
    }
}

/// The library drops the body of a response to HEAD without asking for it.
impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.take_body();
        }
    }
}
