//! The running tree: one store, an encryptor for each thread of sessions, one listener, and as many
//! sessions as there are connections.
//!
//! ```text
//! main --> House --+-1- GradeStore  one; restarted by Install and by a panic, its mailbox kept
//!                  +-2- Encryptor   one per session thread; restarted by a panic
//!                  +-3- Listener    waits for a permit, then accepts; errors sorted by name
//!                         +-- 0..N Session   one socket, one permit; never restarted
//! ```
//!
//! Parts start in this order, so that nobody asks someone who is not there yet. There is no registry
//! and no global state: every test builds its own house.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use actix::{Actor, Addr};
use actix_rt::{Arbiter, ArbiterHandle, System};
use gradebook::{Book, Sealer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;

use crate::audit::Auditor;
use crate::desk::{Desk, Manners};
use crate::encryptor::{Encryptor, SealBatch};
use crate::event::{Event, Teller};
use crate::grade_store::{Answer, GradeStore, Reception};
use crate::limits::ConnectionLimits;
use crate::listener::{Listener, Worker};
use crate::messages::{Drain, Drained, Failed, Install};
use crate::restarts::Restarts;

/// How many connections the kernel holds ready to be accepted. With fewer, a burst of clients loses
/// its first packets and waits a second to send them again.
const BACKLOG: u32 = 4096;

/// Everything that a house is built from.
pub struct Blueprint {
    /// Where to listen; see [`bind`].
    pub socket: TcpListener,
    /// The first book.
    pub book: Book,
    /// Which requests are answered.
    pub reception: Reception,
    /// How sessions behave.
    pub manners: Manners,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// How many threads sessions are spread over; the first is the caller's.
    pub workers: usize,
    /// How many restarts after panics there may be in a minute.
    pub restarts_max: usize,
    /// Who takes down what is answered, before it is.
    pub audit: Option<Auditor>,
    /// Who hears of events.
    pub teller: Teller,
    /// How the store answers: `Book::answer`, unless a test wants it to fail.
    pub answer: Answer,
    /// How an encryptor seals: `Sealer::seal`, unless a test wants it to fail.
    pub seal: SealBatch,
}

/// The running tree.
pub struct House {
    store: Addr<GradeStore>,
    listener: Addr<Listener>,
    arbiters: Vec<Arbiter>,
    address: SocketAddr,
    restarts: Restarts,
}

/// Binds the socket to listen on. Port 0 is any free one.
///
/// # Errors
/// As of binding: the port is taken, the address is not ours, or the port is not allowed.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Lets a restarted server have its port back while old connections are still in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit it: a reply is one write and should not wait for more.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Runs a future in a new actor system on this thread: houses are opened in there.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    System::new().block_on(future)
}

impl House {
    /// Starts all parts, on the current arbiter and as many others as there are workers.
    ///
    /// # Errors
    /// When a worker's thread cannot be started, or the system gives no random bytes.
    pub fn open(blueprint: Blueprint) -> io::Result<Self> {
        let Blueprint { socket, book, reception, manners, connections, workers, .. } = blueprint;
        let Blueprint { restarts_max, audit, teller, answer, seal, .. } = blueprint;
        let address = socket.local_addr()?;
        let restarts = Restarts::new(restarts_max, Arc::clone(&teller));
        let store = GradeStore::new(book, reception, answer, restarts.clone(), Arc::clone(&teller))
            .supervise(connections.total);
        let sealer = || match manners.reveal_pause {
            Some(_) => Sealer::revealing().map_err(io::Error::other),
            None => Sealer::new().map_err(io::Error::other),
        };
        let desk = |arbiter: &ArbiterHandle| -> io::Result<_> {
            let encryptor = Encryptor::new(sealer()?, seal, restarts.clone())
                .supervise(connections.total, arbiter)
                .recipient();
            let (store, teller) = (store.clone().recipient(), Arc::clone(&teller));
            Ok(Arc::new(Desk::new(manners.clone(), store, encryptor, audit.clone(), teller)))
        };
        let mut seats = vec![Worker { arbiter: None, desk: desk(&Arbiter::current())? }];
        let mut arbiters = Vec::new();
        for _ in 1..workers {
            let arbiter = Arbiter::try_new()?;
            let handle = arbiter.handle();
            seats.push(Worker { desk: desk(&handle)?, arbiter: Some(handle) });
            arbiters.push(arbiter);
        }
        let listener =
            Listener::new(socket, seats, connections, restarts.clone(), Arc::clone(&teller))
                .start();
        teller.tell(&Event::Listening(address));
        Ok(Self { store, listener, arbiters, address, restarts })
    }

    /// The address that clients connect to, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the store restart with a new book. Requests that wait are answered from it; none is
    /// lost. The old book is dropped off the actors' thread, since that takes a while for a big one.
    ///
    /// # Errors
    /// [`Failed`] if the store is gone.
    pub async fn install(&self, book: Book) -> Result<(), Failed> {
        let old = self.store.send(Install(book)).await.map_err(|_| Failed)??;
        // The end of dropping is nobody's concern.
        drop(tokio::task::spawn_blocking(move || drop(old)));
        Ok(())
    }

    /// Waits until the house is broken: its parts have failed too often.
    pub async fn broken(&self) {
        self.restarts.broken().await;
    }

    /// Ends the service: accepts no more, answers what has been taken, and waits for the sessions
    /// to end, but not beyond the deadline.
    pub async fn drain(&self, deadline: Instant) -> Drained {
        // A listener that is gone has no sessions to wait for.
        self.listener.send(Drain { deadline }).await.unwrap_or(Drained { cut_off: 0 })
    }

    /// Stops the workers' threads and waits for them.
    pub fn close(self) {
        for arbiter in self.arbiters {
            arbiter.stop();
            // A worker that panicked has been told of; there is nothing left to do for it.
            drop(arbiter.join());
        }
    }
}
