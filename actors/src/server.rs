//! The running tree: one store, an encryptor for each thread of sessions, one listener, and as many
//! sessions as there are connections.
//!
//! ```text
//! main --> Server --+-1- GradeStore  one; restarted by Install and by a panic, its mailbox kept
//!                  +-2- Encryptor   one per session thread; restarted by a panic
//!                  +-3- Listener    waits for a permit, then accepts; errors sorted by name
//!                         +-- 0..N Session   one socket, one permit; never restarted
//! ```
//!
//! Parts start in this order, so that nobody asks someone who is not there yet. There is no registry
//! and no global state: every test builds its own server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use actix::{Actor, Addr};
use actix_rt::{Arbiter, ArbiterHandle, System};
use gradebook::{Book, Sealer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;

use crate::audit::SharedAudit;
use crate::encryptor::{Encryptor, SealBatch};
use crate::event::{ServerEvent, SharedSink};
use crate::grade_store::{AnswerBatch, GradeStore, Profile};
use crate::limits::ConnectionLimits;
use crate::listener::{Listener, WorkerThread};
use crate::messages::{Drain, Drained, Failed, Install};
use crate::supervision::RestartLimit;
use crate::worker::{SessionConfig, WorkerContext};

/// How many connections the kernel holds ready to be accepted. With fewer, a burst of clients loses
/// its first packets and waits a second to send them again.
const BACKLOG: u32 = 4096;

/// Everything that a server is built from.
pub struct ServerConfig {
    /// Where to listen; see [`bind`].
    pub socket: TcpListener,
    /// The first book.
    pub book: Book,
    /// Which requests are answered.
    pub profile: Profile,
    /// How sessions behave.
    pub session_config: SessionConfig,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// How many threads sessions are spread over; the first is the caller's.
    pub workers: usize,
    /// How many restarts after panics there may be in a minute.
    pub restarts_max: usize,
    /// Who takes down what is answered, before it is.
    pub audit: Option<SharedAudit>,
    /// Who hears of events.
    pub events: SharedSink,
    /// How the store answers: `Book::answer`, unless a test wants it to fail.
    pub answer: AnswerBatch,
    /// How an encryptor seals: `Sealer::seal`, unless a test wants it to fail.
    pub seal: SealBatch,
}

/// The running tree.
pub struct Server {
    store: Addr<GradeStore>,
    listener: Addr<Listener>,
    arbiters: Vec<Arbiter>,
    address: SocketAddr,
    restart_limit: RestartLimit,
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

impl Server {
    /// Starts all parts, on the current arbiter and as many others as there are workers.
    ///
    /// # Errors
    /// When a worker's thread cannot be started, or the system gives no random bytes.
    pub fn open(config: ServerConfig) -> io::Result<Self> {
        let ServerConfig { socket, book, profile, session_config, connections, workers, .. } =
            config;
        let ServerConfig { restarts_max, audit, events, answer, seal, .. } = config;
        let address = socket.local_addr()?;
        let restart_limit = RestartLimit::new(restarts_max, Arc::clone(&events));
        let store =
            GradeStore::new(book, profile, answer, restart_limit.clone(), Arc::clone(&events))
                .supervise(connections.total);
        let sealer = || match session_config.reveal_pause {
            Some(_) => Sealer::revealing().map_err(io::Error::other),
            None => Sealer::new().map_err(io::Error::other),
        };
        let worker = |arbiter: &ArbiterHandle| -> io::Result<_> {
            let encryptor = Encryptor::new(sealer()?, seal, restart_limit.clone())
                .supervise(connections.total, arbiter)
                .recipient();
            let (store, events) = (store.clone().recipient(), Arc::clone(&events));
            Ok(Arc::new(WorkerContext::new(
                session_config.clone(),
                store,
                encryptor,
                audit.clone(),
                events,
            )))
        };
        let mut threads =
            vec![WorkerThread { arbiter: None, worker: worker(&Arbiter::current())? }];
        let mut arbiters = Vec::new();
        for _ in 1..workers {
            let arbiter = Arbiter::try_new()?;
            let handle = arbiter.handle();
            threads.push(WorkerThread { worker: worker(&handle)?, arbiter: Some(handle) });
            arbiters.push(arbiter);
        }
        let listener =
            Listener::new(socket, threads, connections, restart_limit.clone(), Arc::clone(&events))
                .start();
        events.emit(&ServerEvent::Listening(address));
        Ok(Self { store, listener, arbiters, address, restart_limit })
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

    /// Waits until the server is exceeded: its parts have failed too often.
    pub async fn exceeded(&self) {
        self.restart_limit.exceeded().await;
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
