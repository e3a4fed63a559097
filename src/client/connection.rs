//! One connection of the client: lines out, lines in, each within its time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Instant, SystemTime};

use crate::client::{ClientError, ClientRequest, Endpoint};

/// The longest reply line that is read, in bytes.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// A connection to a server.
pub struct Connection<'a> {
    socket: TcpStream,
    server: &'a Endpoint,
    /// Received bytes behind the last reply.
    held: Vec<u8>,
}

impl<'a> Connection<'a> {
    /// Connects to the first of the server's addresses that accepts.
    ///
    /// # Errors
    /// [`ClientError::NotConnected`].
    pub fn open(server: &'a Endpoint) -> Result<Self, ClientError> {
        let connect = || {
            let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
            for address in server.address.to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, server.timeout) {
                    Ok(socket) => return Ok(socket),
                    Err(error) => last = error,
                }
            }
            Err(last)
        };
        let ready = |socket: TcpStream| {
            socket.set_nodelay(true)?;
            socket.set_write_timeout(Some(server.timeout))?;
            Ok(Self { socket, server, held: Vec::new() })
        };
        connect().and_then(ready).map_err(|error: io::Error| ClientError::NotConnected {
            address: server.address.clone(),
            why: error.to_string(),
        })
    }

    /// Sends requests, a line each, in one write.
    ///
    /// # Errors
    /// [`ClientError::Lost`] when they cannot all be sent; [`ClientError::InvalidField`] when one cannot be sealed.
    pub fn send<'q>(
        &mut self,
        requests: impl Iterator<Item = &'q ClientRequest>,
    ) -> Result<(), ClientError> {
        let now = SystemTime::now();
        let lines = requests.map(|request| request.line(self.server.sealed.as_ref(), now));
        let lines = lines.collect::<Result<String, _>>()?;
        self.socket.write_all(lines.as_bytes()).map_err(|_| ClientError::Lost)
    }

    /// Receives one reply line.
    ///
    /// # Errors
    /// [`ClientError`] when it does not come, is cut off, or has no end.
    pub fn receive(&mut self) -> Result<String, ClientError> {
        let deadline = Instant::now() + self.server.timeout;
        let mut searched = 0;
        loop {
            let fresh = self.held.get(searched..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', fresh) {
                let line: Vec<u8> = self.held.drain(..=searched + end).collect();
                return String::from_utf8(line)
                    .map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
                    .map_err(|_| ClientError::NotAToken);
            }
            searched = self.held.len();
            if searched > REPLY_BYTES_MAX {
                return Err(ClientError::TooLong(REPLY_BYTES_MAX));
            }
            self.read_more(deadline)?;
        }
    }

    fn read_more(&mut self, deadline: Instant) -> Result<(), ClientError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
            return Err(ClientError::TimedOut(self.server.timeout));
        }
        let mut buffer = [0; 16 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) if self.held.is_empty() => Err(ClientError::Closed),
            Ok(0) => Err(ClientError::Lost),
            Ok(read) => {
                self.held.extend_from_slice(buffer.get(..read).unwrap_or_default());
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => Ok(()),
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                    Err(ClientError::TimedOut(self.server.timeout))
                }
                _ => Err(ClientError::Lost),
            },
        }
    }
}
