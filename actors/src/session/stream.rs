//! What a session needs of a connection: a TCP stream, or an in-memory pipe in a test.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;

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
