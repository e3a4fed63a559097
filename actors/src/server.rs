//! Starting, reloading and stopping the tree of actors.

use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::Arc;

use actix::{Actor, Addr};
use actix_rt::{Arbiter, ArbiterHandle, System};
use fernet_batch::{Sealer, Timestamp};
use gradebook::Book;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinError;
use tokio::time::Instant;

use crate::admission::{Admission, Proxies};
use crate::audit::SharedAudit;
use crate::dispatch::{SessionConfig, SessionLimits, WorkerContext};
use crate::encryptor::{Encryptor, SealBatch};
use crate::event::{ServerEvent, SharedSink};
use crate::grade_store::{AnswerBatch, GradeStore};
use crate::limits::ConnectionLimits;
use crate::listener::{Listener, WorkerThread};
use crate::messages::{Drain, Drained, Failed, Install};
use crate::profile::Profile;
use crate::supervision::RestartLimit;

/// The most connections that the kernel holds ready to be accepted. With fewer, a burst of clients
/// loses its first packets, which are sent again after a second.
const BACKLOG: u32 = 4096;

/// Everything that a server is started with.
pub struct ServerConfig {
    /// Where to listen, at least one; see [`bind`].
    pub sockets: Vec<TcpListener>,
    /// The first book.
    pub book: Book,
    /// When the process began to listen. Sealed requests of this second or before are not answered, since a
    /// process before this one may have answered them.
    pub started_at: Timestamp,
    /// Which requests are answered.
    pub profile: Profile,
    /// The limits of each session.
    pub session: SessionLimits,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// The proxies whose headers are believed.
    pub proxies: Proxies,
    /// The number of threads that sessions are spread over. The first is the caller's.
    pub workers: usize,
    /// The most restarts after panics within [`RESTART_WINDOW`](crate::RESTART_WINDOW).
    pub restarts_max: usize,
    /// Records replies before they are sent.
    pub audit: Option<SharedAudit>,
    /// Records events.
    pub events: SharedSink,
    /// How the store answers: `Book::answer`, unless a test makes it fail.
    pub answer: AnswerBatch,
    /// How an encryptor seals: `Answers::seal`, unless a test makes it fail.
    pub seal: SealBatch,
}

/// The running tree of actors.
///
/// ```text
/// main -> Server -+- GradeStore    one; restarted by Install and after a panic; its mailbox survives
///                 +- Encryptor     one per worker thread; stateless; restarted after a panic
///                 +- Dispatcher    one per worker thread; coalesces batches; restarted by the next request
///                 +- AuditWriter   one thread; when it stops, every request is refused
///                 +- Listener      takes a permit, accepts; accept errors sorted by kind
///                      +- Session  0..N; one connection, one permit; never restarted
///                 +- HttpListener  0 or 1; hands the lines of a request to a Dispatcher, as a session does
/// ```
///
/// Parts start in this order, so that nothing is sent to a part that is not there yet. There is no
/// registry and no global state: every test builds its own server.
pub struct Server {
    listener: Addr<Listener>,
    arbiters: Vec<Arbiter>,
    addresses: Vec<SocketAddr>,
    parts: WorkerParts,
    admission: Arc<Admission>,
}

/// Binds the socket to listen on. Port 0 stands for any free port.
///
/// # Errors
/// Returns an error if the port is taken or not allowed, or the address is not one of this machine.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server gets its port back while old connections are still in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit it: a reply is one write and must not wait for more.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Runs a future in a new actor system on this thread. Servers are started inside.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    System::new().block_on(future)
}

/// Runs a future as [`run`] does, in a task of its own. That suits a future that waits for long: the one that a runtime
/// waits for itself is polled whenever any session has run.
///
/// # Panics
/// Panics if the future does.
pub fn run_in_task<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    run(async {
        let ended = actix_rt::spawn(future).await.map_err(JoinError::try_into_panic);
        // Nobody cancels the task; if somebody did, it would end as by a panic.
        ended.unwrap_or_else(|panic| {
            resume_unwind(panic.unwrap_or_else(|cancelled| Box::new(cancelled)))
        })
    })
}

impl Server {
    /// Starts all parts, on the current arbiter and as many others as there are workers.
    ///
    /// # Errors
    /// Returns an error if a thread cannot be started, or the system gives no random bytes.
    pub fn start(config: ServerConfig) -> io::Result<Self> {
        let addresses: Vec<_> =
            config.sockets.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        let restart_limit = RestartLimit::new(config.restarts_max, Arc::clone(&config.events));
        let responder = config.profile.responder(config.started_at).map_err(io::Error::other)?;
        let store = GradeStore::new(
            config.book,
            responder,
            config.answer,
            restart_limit.clone(),
            Arc::clone(&config.events),
        )
        .supervise(config.connections.total);
        let parts = WorkerParts {
            session_config: SessionConfig::new(&config.profile, config.session),
            sessions_max: config.connections.total,
            store,
            audit: config.audit,
            seal: config.seal,
            restart_limit: restart_limit.clone(),
            events: Arc::clone(&config.events),
        };
        let admission = Arc::new(Admission::new(config.connections.per_source, config.proxies));
        let worker = parts.worker(&Arbiter::current())?;
        let mut threads = vec![WorkerThread { arbiter: None, worker }];
        let mut arbiters = Vec::new();
        for _ in 1..config.workers {
            let arbiter = Arbiter::try_new()?;
            let handle = arbiter.handle();
            let worker = parts.worker(&handle)?;
            threads.push(WorkerThread { arbiter: Some(handle), worker });
            arbiters.push(arbiter);
        }
        let listener = Listener::new(
            config.sockets,
            threads,
            config.connections.total,
            Arc::clone(&admission),
            restart_limit.clone(),
            Arc::clone(&config.events),
        )
        .start();
        config.events.emit(&ServerEvent::Listening(&addresses));
        Ok(Self { listener, arbiters, addresses, parts, admission })
    }

    /// The addresses that clients connect to, with the actual ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What all listeners share.
    pub fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// Starts an encryptor on a thread that is not one of the sessions', and makes what requests are
    /// asked through there.
    ///
    /// # Errors
    /// Returns an error if the system gives no random bytes.
    pub fn worker(&self, arbiter: &ArbiterHandle) -> io::Result<Arc<WorkerContext>> {
        self.parts.worker(arbiter)
    }

    /// Restarts the store with a new book. Requests that wait are answered from it; none is lost. A book of
    /// an older edition than the store's is not installed. The book that is unused is dropped on another
    /// thread, since that takes long for a big class.
    ///
    /// # Errors
    /// Returns an error if the store is gone.
    pub async fn install(&self, book: Book) -> Result<(), Failed> {
        let old_book = self.parts.store.send(Install(book)).await.map_err(|_| Failed)??;
        // Nothing waits for the end of dropping.
        drop(tokio::task::spawn_blocking(move || drop(old_book)));
        Ok(())
    }

    /// Waits until parts have failed too often.
    pub async fn too_many_restarts(&self) {
        self.parts.restart_limit.exceeded().await;
    }

    /// Ends the service: accepts no more, answers what was read, and waits for the sessions to end,
    /// until the deadline at most.
    pub async fn drain(&self, deadline: Instant) -> Drained {
        // A store that is gone answers nothing.
        let _ = self.parts.store.send(Drain { deadline }).await;
        // A listener that is gone has no sessions to wait for.
        self.listener.send(Drain { deadline }).await.unwrap_or(Drained { cut_off: 0 })
    }

    /// Stops the workers' threads and waits for them.
    pub fn close(self) {
        for arbiter in self.arbiters {
            arbiter.stop();
            // A worker that panicked has emitted that; there is nothing left to do for it.
            drop(arbiter.join());
        }
    }
}

/// The parts that all worker threads share, and what each thread is made from.
struct WorkerParts {
    session_config: SessionConfig,
    sessions_max: usize,
    store: Addr<GradeStore>,
    audit: Option<SharedAudit>,
    seal: SealBatch,
    restart_limit: RestartLimit,
    events: SharedSink,
}

impl WorkerParts {
    /// Starts the encryptor of a thread, and makes what its sessions share.
    fn worker(&self, arbiter: &ArbiterHandle) -> io::Result<Arc<WorkerContext>> {
        let sealer = Sealer::new().map_err(io::Error::other)?;
        let encryptor = Encryptor::new(sealer, self.seal, self.restart_limit.clone())
            .supervise(self.sessions_max, arbiter);
        Ok(Arc::new(WorkerContext::new(
            self.session_config.clone(),
            self.store.clone().recipient(),
            encryptor.recipient(),
            self.audit.clone(),
            Arc::clone(&self.events),
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_future_in_a_task_ends_as_one_that_is_waited_for_does() {
        assert_eq!(run_in_task(async { actix_rt::spawn(async { 7 }).await.ok() }), Some(7));
        let panic = catch_unwind(|| run_in_task(async { panic!("as is tested") }));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"as is tested"));
    }
}
