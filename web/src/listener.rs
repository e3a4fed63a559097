//! The HTTP listener: accepts connections, and hands each to a thread that serves it.
//!
//! It is not an actor. Each of its threads has a dispatcher and an encryptor of its own, so that many TLS
//! handshakes do not hold up sessions. Restart policy: none; a connection that fails ends alone, and if
//! the socket fails, the server ends.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::KeepAlive;
use actix_rt::Arbiter;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use futures_util::{FutureExt, StreamExt};
use grade_actors::event::{CloseReason, ServerEvent, SessionNumber, SharedSink};
use grade_actors::{Acceptor, Server, Source, SourcePermit, Timeouts, WorkerContext};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::app::{routes, with_headers};
use crate::ask::Thread;
use crate::connection::{Connection, Draining};
use crate::guarded::Guarded;
use crate::page::Page;
use crate::pieces::WRITE_BYTES;
use crate::tls::Certificate;
use crate::transport::Transport;

/// Everything that the listener is started with.
pub struct HttpConfig {
    /// Where to listen.
    pub socket: TcpListener,
    /// The certificate; without one, the listener speaks HTTP in clear.
    pub certificate: Option<Certificate>,
    /// The page.
    pub page: Page,
    /// The number of threads that connections are spread over.
    pub threads: usize,
    /// The most open connections, beside those of the sessions.
    pub connections_max: usize,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Records events.
    pub events: SharedSink,
}

/// The running listener.
pub struct HttpListener {
    address: SocketAddr,
    draining: Arc<Draining>,
    failed: Arc<Notify>,
    arbiters: Vec<Arbiter>,
}

/// A connection on its way to a thread.
struct Arrival {
    socket: io::Result<std::net::TcpStream>,
    peer: SocketAddr,
    number: SessionNumber,
    permit: OwnedSemaphorePermit,
    /// `None` if the peer is a proxy.
    source_permit: Option<SourcePermit>,
}

impl HttpListener {
    /// Starts the threads and begins to accept.
    ///
    /// # Errors
    /// Returns an error if a thread cannot be started, or TLS cannot be set up.
    pub fn start(config: HttpConfig, server: &Server) -> io::Result<Self> {
        let HttpConfig { socket, certificate, page, threads, connections_max, timeouts, events } =
            config;
        let address = socket.local_addr()?;
        let tls = certificate.map(|certificate| certificate.acceptor());
        let tls = tls.transpose().map_err(io::Error::other)?;
        let draining = Arc::new(Draining::default());
        let page = Data::new(page);
        let mut arbiters = Vec::new();
        let mut senders = Vec::new();
        for _ in 0..threads {
            let arbiter = Arbiter::try_new()?;
            let (sender, arrivals) = unbounded_channel();
            let connections = Connections {
                worker: server.worker(&arbiter.handle())?,
                draining: Arc::clone(&draining),
                page: page.clone(),
                tls: tls.clone(),
                timeouts,
                events: Arc::clone(&events),
                is_remote: !address.ip().is_loopback(),
            };
            arbiter.spawn_fn(move || drop(actix_rt::spawn(connections.serve_all(arrivals))));
            senders.push(sender);
            arbiters.push(arbiter);
        }
        let failed = Arc::new(Notify::new());
        let permits = Arc::new(Semaphore::new(connections_max));
        let acceptor = Acceptor::new(vec![socket], permits, Arc::clone(&events));
        let admission = Arc::clone(server.admission());
        let accepting = Arc::clone(&failed);
        actix_rt::spawn(async move {
            let mut connections = std::pin::pin!(acceptor.connections());
            while let Some(accepted) = connections.next().await {
                let ip = accepted.peer.ip();
                let is_proxy = admission.proxies().contains(ip);
                let source_permit = if is_proxy { None } else { admission.admit(Source::of(ip)) };
                if source_permit.is_none() && !is_proxy {
                    events.emit(&ServerEvent::ConnectionRejected(accepted.peer));
                    continue;
                }
                senders.rotate_left(1);
                if let Some(thread) = senders.last() {
                    // At most as many wait there as there are permits.
                    drop(thread.send(Arrival {
                        socket: accepted.socket.into_std(),
                        peer: accepted.peer,
                        number: admission.next_number(),
                        permit: accepted.permit,
                        source_permit,
                    }));
                }
            }
            accepting.notify_one();
        });
        Ok(Self { address, draining, failed, arbiters })
    }

    /// The address that browsers connect to, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the listening socket fails.
    pub async fn failed(&self) {
        self.failed.notified().await;
    }

    /// Ends the service: what was read whole is answered, until the deadline at most, and everything else
    /// gets the status 503.
    pub async fn drain(&self, deadline: Instant) {
        drop(timeout_at(deadline, self.draining.drain()).await);
    }

    /// Stops the threads and waits for them.
    pub fn close(self) {
        for arbiter in self.arbiters {
            arbiter.stop();
            // A thread that panicked has reported that; there is nothing left to do for it.
            drop(arbiter.join());
        }
    }
}

/// What the connections of one thread share.
struct Connections {
    worker: Arc<WorkerContext>,
    draining: Arc<Draining>,
    page: Data<Page>,
    tls: Option<TlsAcceptor>,
    timeouts: Timeouts,
    events: SharedSink,
    /// Whether other machines can connect.
    is_remote: bool,
}

impl Connections {
    /// Serves connections as they arrive, all at the same time.
    async fn serve_all(self, mut arrivals: UnboundedReceiver<Arrival>) {
        let shared = Rc::new(self);
        let Some(http) = shared.http_service().await else { return };
        let http = Rc::new(http);
        while let Some(arrival) = arrivals.recv().await {
            let shared = Rc::clone(&shared);
            let http = Rc::clone(&http);
            actix_rt::spawn(async move { shared.serve(arrival, &*http).await });
        }
    }

    /// The service of the HTTP library, which serves one connection for each call.
    async fn http_service(
        &self,
    ) -> Option<
        impl Service<
            (Guarded<Transport>, Option<SocketAddr>),
            Response = (),
            Error = actix_http::error::DispatchError,
        > + use<>,
    > {
        let thread = Data::new(Thread {
            worker: Arc::clone(&self.worker),
            draining: Arc::clone(&self.draining),
        });
        let page = self.page.clone();
        let app = App::new()
            .app_data(thread)
            .app_data(page)
            .wrap(from_fn(with_headers))
            .configure(routes)
            .into_factory();
        let service = HttpService::build()
            // The deadlines of `Guarded` hold instead of these.
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(Duration::ZERO)
            .h1_write_buffer_size(WRITE_BYTES)
            .on_connect_ext(|stream: &Guarded<Transport>, data| {
                data.insert(Rc::clone(stream.connection()));
            })
            .h1(map_config(app, |()| AppConfig::default()));
        service.new_service(()).await.ok()
    }

    /// Serves one connection to its end.
    async fn serve<S>(&self, arrival: Arrival, http: &S)
    where
        S: Service<(Guarded<Transport>, Option<SocketAddr>), Response = ()>,
    {
        let Arrival { socket, peer, number, permit, source_permit } = arrival;
        self.events.emit(&ServerEvent::Accepted { session: number, peer });
        let is_proxy = source_permit.is_none();
        let local = socket.as_ref().ok().and_then(|socket| socket.local_addr().ok());
        let ip = peer.ip().to_canonical();
        let is_here =
            ip.is_loopback() || local.is_some_and(|local| local.ip().to_canonical() == ip);
        let is_allowed = self.tls.is_some() || !self.is_remote || is_proxy || is_here;
        let connection =
            Rc::new(Connection::new(number, peer, is_proxy, is_allowed, self.tls.is_some()));
        let served = AssertUnwindSafe(self.serve_http(socket, &connection, http)).catch_unwind();
        let reason = match served.await {
            Ok(()) => connection.close_reason().unwrap_or(CloseReason::Closed),
            Err(_) => CloseReason::Panicked,
        };
        let requests = connection.requests();
        self.events.emit(&ServerEvent::Ended { session: number, reason, requests });
        drop((permit, source_permit));
    }

    async fn serve_http<S>(
        &self,
        socket: io::Result<std::net::TcpStream>,
        connection: &Rc<Connection>,
        http: &S,
    ) where
        S: Service<(Guarded<Transport>, Option<SocketAddr>), Response = ()>,
    {
        // The socket is registered with the runtime of this thread.
        let Ok(socket) = socket.and_then(TcpStream::from_std) else { return };
        let stream = match &self.tls {
            None => Transport::Plain(socket),
            Some(tls) => match timeout(self.timeouts.request, tls.accept(socket)).await {
                Ok(Ok(stream)) => Transport::Tls(Box::new(stream)),
                Ok(Err(error)) => return connection.close(CloseReason::Lost(error.kind())),
                Err(_) => return connection.close(CloseReason::TooSlow),
            },
        };
        let stream = Guarded::new(stream, Rc::clone(connection), self.timeouts);
        // Once the client has ended its side, the library reads no more, so `Guarded` cannot end a connection on
        // which a request waits behind the last one.
        let lingered = async {
            connection.last_written().await;
            sleep(self.timeouts.linger).await;
        };
        tokio::select! {
            // Why it ended stands in the connection.
            _ = http.call((stream, Some(connection.peer))) => {}
            () = lingered => {}
        }
    }
}
