//! Bodies in pieces, so that a connection that has sent one keeps no memory for it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

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
        let rest = &mut self.get_mut().0;
        let piece = rest.split_to(rest.len().min(PIECE_BYTES));
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}
