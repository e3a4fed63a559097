//! Accepting connections: a permit first, then `accept`, whose errors are sorted by kind.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::event::{ServerEvent, SharedSink};

/// How long to wait when the system lacks what `accept` needs.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// A connection with its permit.
pub struct Accepted {
    /// The connection.
    pub socket: TcpStream,
    /// The client's address, or that of a proxy.
    pub peer: SocketAddr,
    /// The permit to be one of the open connections.
    pub permit: OwnedSemaphorePermit,
}

/// The listening sockets, one for each address, and the permits that they share.
pub struct Acceptor {
    sockets: Vec<TcpListener>,
    permits: Arc<Semaphore>,
    events: SharedSink,
    /// The number of failures in a row.
    failures: u64,
}

impl Acceptor {
    /// An acceptor for these sockets, which takes a permit for each connection.
    pub fn new(sockets: Vec<TcpListener>, permits: Arc<Semaphore>, events: SharedSink) -> Self {
        Self { sockets, permits, events, failures: 0 }
    }

    /// The connections, as they come. The stream ends when a socket cannot be used again.
    pub fn connections(self) -> impl Stream<Item = Accepted> {
        unfold(self, |mut acceptor| async {
            let accepted = acceptor.accept().await?;
            Some((accepted, acceptor))
        })
    }

    /// The next connection, once there is a permit for it; `None` if a socket cannot be used again.
    async fn accept(&mut self) -> Option<Accepted> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        loop {
            let error = match poll_fn(|context| self.poll_accept(context)).await {
                Ok((socket, peer)) => {
                    if self.failures > 0 {
                        self.events.emit(&ServerEvent::AcceptResumed(self.failures));
                        self.failures = 0;
                    }
                    return Some(Accepted { socket, peer, permit });
                }
                Err(error) => error,
            };
            match AcceptErrorKind::of(&error) {
                AcceptErrorKind::Connection => {}
                AcceptErrorKind::Fatal => {
                    self.events.emit(&ServerEvent::AcceptFailed(&error));
                    return None;
                }
                AcceptErrorKind::Exhausted => {
                    if self.failures == 0 {
                        self.events.emit(&ServerEvent::AcceptPaused(&error));
                    }
                    self.failures = self.failures.saturating_add(1);
                    sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }

    /// A connection at any of the sockets, which take turns in being asked first.
    fn poll_accept(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let ready = self.sockets.iter().enumerate().find_map(|(at, socket)| {
            match socket.poll_accept(context) {
                Poll::Ready(accepted) => Some((at, accepted)),
                Poll::Pending => None,
            }
        });
        let Some((at, accepted)) = ready else { return Poll::Pending };
        self.sockets.rotate_left(at + 1);
        Poll::Ready(accepted)
    }
}

/// What a failed `accept` means for the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptErrorKind {
    /// One connection failed before it was accepted: take the next one.
    Connection,
    /// The system lacks something: wait, since trying again at once would spin.
    Exhausted,
    /// The listening socket is unusable.
    Fatal,
}

impl AcceptErrorKind {
    /// Sorts an error by its name, after the list in accept(2). Linux passes on errors of the new
    /// socket's network, which concern that connection only. An unknown name counts as exhaustion,
    /// since a pause is never wrong.
    fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(
                libc::ECONNABORTED
                | libc::EINTR
                | libc::EAGAIN
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::ENONET
                | libc::EOPNOTSUPP
                | libc::ETIMEDOUT
                // A firewall rule forbids this connection.
                | libc::EPERM,
            ) => Self::Connection,
            Some(libc::EBADF | libc::EFAULT | libc::EINVAL | libc::ENOTSOCK) => Self::Fatal,
            _ => Self::Exhausted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_errors_are_classified_by_errno() {
        let sorted = |code| AcceptErrorKind::of(&io::Error::from_raw_os_error(code));
        for code in [
            libc::ECONNABORTED,
            libc::EPROTO,
            libc::EINTR,
            libc::ENETDOWN,
            libc::ETIMEDOUT,
            libc::EPERM,
        ] {
            assert_eq!(sorted(code), AcceptErrorKind::Connection);
        }
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, 9999] {
            assert_eq!(sorted(code), AcceptErrorKind::Exhausted);
        }
        for code in [libc::EBADF, libc::EINVAL, libc::ENOTSOCK] {
            assert_eq!(sorted(code), AcceptErrorKind::Fatal);
        }
    }
}
