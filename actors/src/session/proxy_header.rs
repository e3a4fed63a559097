//! The header in which a proxy names the client (PROXY protocol, version 2,
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>). It is read from proxies only.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;

use bytes::{Buf, BytesMut};
use ppp::v2::{Addresses, Command, Header, PROTOCOL_PREFIX, ParseError};
use tokio::time::Instant;

use super::deadline::Deadline;
use super::stream::{SessionStream, poll_receive};
use crate::dispatch::WorkerContext;
use crate::event::CloseReason;

/// The longest header that is read: addresses, and values of the proxy such as a certificate's name.
const HEADER_BYTES_MAX: usize = 2048;

/// Receives the header at the beginning of a connection. Returns the client's address, if a header names
/// it, and the bytes behind the header.
///
/// # Errors
/// Returns an error if the connection ends before, in time or with the service, or the header is not
/// valid.
pub(super) async fn receive(
    stream: &mut impl SessionStream,
    worker: &WorkerContext,
    timer: &mut Deadline,
    draining: &Cell<bool>,
) -> Result<(Option<SocketAddr>, BytesMut), CloseReason> {
    let timeouts = worker.session_config.timeouts;
    let mut bytes = BytesMut::new();
    let mut deadline = (Instant::now() + timeouts.idle, CloseReason::Idle);
    loop {
        match read(&bytes) {
            ProxyHeader::Complete { used, peer } => {
                bytes.advance(used);
                return Ok((peer, bytes));
            }
            ProxyHeader::Absent => return Ok((None, bytes)),
            ProxyHeader::Invalid => return Err(CloseReason::BadProxyHeader),
            ProxyHeader::Incomplete => {}
        }
        let is_first = bytes.is_empty();
        poll_fn(|context| match poll_receive(stream, context, &mut worker.scratch()) {
            Poll::Ready(received) => {
                Poll::Ready(received.map(|received| bytes.extend_from_slice(received)))
            }
            Poll::Pending if draining.get() => Poll::Ready(Err(CloseReason::Drained)),
            Poll::Pending => timer.poll(context, deadline.0).map(|()| Err(deadline.1)),
        })
        .await?;
        if is_first {
            deadline = (Instant::now() + timeouts.request, CloseReason::TooSlow);
        }
    }
}

/// What a connection from a proxy begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProxyHeader {
    /// No header: the proxy itself is the client.
    Absent,
    /// The beginning of a header.
    Incomplete,
    /// A header in the first `used` bytes. `peer` is the client's address, if the header names one: a
    /// proxy that checks whether the server is up does not.
    Complete { used: usize, peer: Option<SocketAddr> },
    /// A header that is not valid, or too long.
    Invalid,
}

/// Reads the header from the front of what a proxy sent.
fn read(bytes: &[u8]) -> ProxyHeader {
    let prefix_bytes = bytes.len().min(PROTOCOL_PREFIX.len());
    if bytes.get(..prefix_bytes) != PROTOCOL_PREFIX.get(..prefix_bytes) {
        return ProxyHeader::Absent;
    }
    match Header::try_from(bytes) {
        Ok(header) => ProxyHeader::Complete { used: header.len(), peer: peer(&header) },
        Err(ParseError::Incomplete(_) | ParseError::Partial(..))
            if bytes.len() < HEADER_BYTES_MAX =>
        {
            ProxyHeader::Incomplete
        }
        Err(_) => ProxyHeader::Invalid,
    }
}

fn peer(header: &Header<'_>) -> Option<SocketAddr> {
    match (header.command, header.addresses) {
        (Command::Proxy, Addresses::IPv4(v4)) => {
            Some(SocketAddr::from((v4.source_address, v4.source_port)))
        }
        (Command::Proxy, Addresses::IPv6(v6)) => {
            Some(SocketAddr::from((v6.source_address, v6.source_port)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header for 192.0.2.60:4711, as a proxy would send it.
    fn header(command: u8) -> Vec<u8> {
        let mut bytes = PROTOCOL_PREFIX.to_vec();
        bytes.extend([0x20 | command, 0x11, 0, 12]);
        bytes.extend([192, 0, 2, 60, 127, 0, 0, 1, 0x12, 0x67, 0xc3, 0x50]);
        bytes
    }

    #[test]
    fn a_header_names_the_client_and_the_bytes_behind_it_are_the_client_s() {
        let peer = Some("192.0.2.60:4711".parse().unwrap());
        let bytes = [&header(1)[..], b"2100001 gAAAA"].concat();
        assert_eq!(read(&bytes), ProxyHeader::Complete { used: 28, peer });
        let check = header(0);
        assert_eq!(read(&check), ProxyHeader::Complete { used: 28, peer: None });
    }

    #[test]
    fn a_header_may_come_byte_by_byte() {
        let bytes = header(1);
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), ProxyHeader::Incomplete, "{end}");
        }
    }

    #[test]
    fn anything_else_is_the_client_s_and_a_broken_or_endless_header_is_not_valid() {
        for bytes in [&b"2100001 gAAAA"[..], b"\r\n2100001", b"PROXY TCP4 192.0.2.60"] {
            assert_eq!(read(bytes), ProxyHeader::Absent);
        }
        let mut version_3 = header(1);
        version_3[12] = 0x31;
        assert_eq!(read(&version_3), ProxyHeader::Invalid);
        let mut endless = header(1);
        endless[14..16].copy_from_slice(&[0xff, 0xff]);
        endless.resize(HEADER_BYTES_MAX - 1, 0);
        assert_eq!(read(&endless), ProxyHeader::Incomplete);
        endless.push(0);
        assert_eq!(read(&endless), ProxyHeader::Invalid);
    }
}
