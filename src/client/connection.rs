//! One connection of the client: lines out, lines in, each within its time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Instant, SystemTime};

use super::endpoint::Endpoint;
use super::error::ClientError;
use super::reply::{Answer, read_reply};
use super::request::ClientRequest;

/// The longest reply line that is read, in bytes.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// A connection to a server.
pub(super) struct Connection<'a> {
    socket: TcpStream,
    endpoint: &'a Endpoint,
    /// Received bytes behind the last reply.
    buffer: Vec<u8>,
}

impl<'a> Connection<'a> {
    /// Connects to the first of the server's addresses that accepts.
    ///
    /// # Errors
    /// Returns an error if none accepts in time.
    pub(super) fn open(endpoint: &'a Endpoint) -> Result<Self, ClientError> {
        let socket = connect(endpoint).map_err(|error| ClientError::NotConnected {
            address: endpoint.address.clone(),
            error: error.to_string(),
        })?;
        Ok(Self { socket, endpoint, buffer: Vec::new() })
    }

    /// Sends requests, a line each, in one write.
    ///
    /// # Errors
    /// Returns an error if not all of them can be sent, or one cannot be sealed.
    pub(super) fn send<'q>(
        &mut self,
        requests: impl Iterator<Item = &'q ClientRequest>,
    ) -> Result<(), ClientError> {
        let now = SystemTime::now();
        let mut lines = String::new();
        for request in requests {
            lines.push_str(&request.line(self.endpoint.sealed.as_ref(), now)?);
        }
        match self.socket.write_all(lines.as_bytes()) {
            Ok(()) => Ok(()),
            // The server may have said why it closed the connection.
            Err(error) if is_closed(error.kind()) => Ok(()),
            Err(_) => Err(ClientError::Lost),
        }
    }

    /// Receives one reply line.
    ///
    /// # Errors
    /// Returns an error if it does not come in time, is cut off, or has no end.
    pub(super) fn receive(&mut self) -> Result<String, ClientError> {
        let deadline = Instant::now() + self.endpoint.timeout;
        let mut searched = 0;
        loop {
            let fresh = self.buffer.get(searched..).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', fresh) {
                let line: Vec<u8> = self.buffer.drain(..=searched + end).collect();
                let line = String::from_utf8(line).map_err(|_| ClientError::NotAToken)?;
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            searched = self.buffer.len();
            if searched > REPLY_BYTES_MAX {
                return Err(ClientError::TooLong(REPLY_BYTES_MAX));
            }
            self.read_more(deadline)?;
        }
    }

    fn read_more(&mut self, deadline: Instant) -> Result<(), ClientError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
            return Err(self.timed_out());
        }
        let mut buffer = [0; 16 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) if self.buffer.is_empty() => Err(match self.endpoint.sealed {
                Some(_) => ClientError::ClosedSealed,
                None => ClientError::Closed,
            }),
            Ok(0) => Err(ClientError::Lost),
            Ok(read) => {
                self.buffer.extend_from_slice(buffer.get(..read).unwrap_or_default());
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => Ok(()),
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(self.timed_out()),
                _ => Err(ClientError::Lost),
            },
        }
    }

    const fn timed_out(&self) -> ClientError {
        ClientError::TimedOut(self.endpoint.timeout)
    }
}

/// Sends one request over a connection of its own, and opens the answer. If the server rejects the
/// request for its time, the request is sent once more with the server's time: the server may have
/// started just now, or the clocks differ by less than an answer's greatest age.
///
/// # Errors
/// Returns an error if there is no trusted answer.
pub(super) fn ask(endpoint: &Endpoint, request: &ClientRequest) -> Result<Answer, ClientError> {
    match ask_once(endpoint, request) {
        Err(ClientError::ClockSkew { .. }) => ask_once(endpoint, request),
        answer => answer,
    }
}

/// Sends one request over a connection of its own, and opens the answer.
///
/// # Errors
/// Returns an error if there is no trusted answer.
pub(super) fn ask_once(
    endpoint: &Endpoint,
    request: &ClientRequest,
) -> Result<Answer, ClientError> {
    let mut connection = Connection::open(endpoint)?;
    connection.send(std::iter::once(request))?;
    let line = connection.receive()?;
    read_reply(endpoint, &line, request, SystemTime::now())
}

/// Returns true if an error says that the other side has closed the connection.
fn is_closed(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

fn connect(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let mut last_error = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in endpoint.address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, endpoint.timeout) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_write_timeout(Some(endpoint.timeout))?;
                return Ok(socket);
            }
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}
