//! What a session needs of a connection: a TCP stream, or an in-memory pipe in a test.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

use crate::event::CloseReason;

/// A connection that can also be reset.
pub trait SessionStream: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Makes the drop of the stream reset the connection instead of delivering what is unsent.
    ///
    /// # Errors
    /// Returns an error if the socket option cannot be set.
    fn reset_on_drop(&self) -> io::Result<()>;
}

impl SessionStream for TcpStream {
    fn reset_on_drop(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl SessionStream for DuplexStream {
    fn reset_on_drop(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads into `scratch`: at least one byte, or the end of the connection.
pub(super) fn poll_receive<'a>(
    stream: &mut impl SessionStream,
    context: &mut Context<'_>,
    scratch: &'a mut [u8],
) -> Poll<Result<&'a [u8], CloseReason>> {
    let mut buffer = ReadBuf::new(scratch);
    let read = ready!(Pin::new(stream).poll_read(context, &mut buffer));
    let filled = buffer.filled().len();
    Poll::Ready(match read {
        Err(error) => Err(CloseReason::Lost(error.kind())),
        Ok(()) => {
            scratch.get(..filled).filter(|bytes| !bytes.is_empty()).ok_or(CloseReason::Closed)
        }
    })
}
