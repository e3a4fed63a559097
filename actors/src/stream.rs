//! What a session needs of a connection: a TCP stream, or a pipe in a test.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;

/// A connection that can also be ended the hard way.
pub trait SessionStream: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Makes the coming drop reset the connection instead of delivering what is still unsent.
    ///
    /// # Errors
    /// As of setting a socket option.
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
