//! A session over an in-memory pipe, with the real actors, and a log of the events.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use actix_rt::Arbiter;
use class_files::{ReadLimits, read_class};
use fernet_batch::{Sealer, Timestamp};
use grade_actors::event::{EventSink, ServerEvent, SessionNumber, SharedSink};
use grade_actors::messages::Ended;
use grade_actors::{
    Admission, AnswerBatch, Encryptor, GradeStore, Proxies, Responder, RestartLimit, SealBatch,
    Session, SessionConfig, SessionContext, SessionStream, Source, SourcePermit, Timeouts,
    WorkerContext,
};
use gradebook::wire::Grammar;
use gradebook::{Answers, BatchLimits, Book, EditionNumber, PrivacyPolicy, UnknownStudent};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CLASS;

/// Where every client of these sessions comes from.
pub(crate) const PEER: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 1), 60001));

/// Keeps the emitted events as text.
#[derive(Default)]
pub(crate) struct EventLog(Mutex<Vec<String>>);

impl EventSink for EventLog {
    fn emit(&self, event: &ServerEvent<'_>) {
        self.0.lock().unwrap().push(match event {
            ServerEvent::ConnectionRejected(peer) => format!("ConnectionRejected({peer})"),
            ServerEvent::Panicked(part) => format!("Panicked({part:?})"),
            ServerEvent::TooManyRestarts => "TooManyRestarts".to_owned(),
            ServerEvent::Installed { .. } => "Installed".to_owned(),
            _ => return,
        });
    }

    fn wants_requests(&self) -> bool {
        false
    }
}

impl EventLog {
    /// How many events begin with this text.
    pub(crate) fn count(&self, beginning: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|event| event.starts_with(beginning)).count()
    }
}

/// The invented class as an edition, its text changed by `change`.
pub(crate) fn edition(number: u64, change: impl Fn(&str) -> String) -> Book {
    let limits = ReadLimits { bytes_max: 1 << 20, rows_max: 100 };
    let class = read_class(change(CLASS).as_bytes(), None, &limits).unwrap();
    let edition = EditionNumber(number).published_at(Timestamp::default());
    Book::publish(class, edition, PrivacyPolicy::EXACT)
}

pub(crate) fn book() -> Book {
    edition(1, str::to_owned)
}

/// The default session configuration, with small batches.
pub(crate) fn session_config() -> SessionConfig {
    SessionConfig {
        grammar: Grammar { id_digits: 7, line_bytes: 64, sealed: false },
        batch: BatchLimits { requests: 16, output_bytes: 64 * 1024 },
        timeouts: Timeouts {
            request: Duration::from_secs(30),
            idle: Duration::from_secs(600),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
        },
        rate: None,
        reveal_pause: None,
    }
}

/// The actors that sessions depend on.
pub(crate) struct TestServer {
    pub(crate) worker: Arc<WorkerContext>,
    pub(crate) store: Addr<GradeStore>,
    pub(crate) events: Arc<EventLog>,
    pub(crate) restart_limit: RestartLimit,
    endings: UnboundedSender<Ended>,
    pub(crate) ended: UnboundedReceiver<Ended>,
}

impl TestServer {
    pub(crate) fn open(session_config: SessionConfig) -> Self {
        Self::with(session_config, Book::answer, Answers::seal)
    }

    /// Replaces the work of the store and of the encryptor, so that a test can make it fail.
    pub(crate) fn with(
        session_config: SessionConfig,
        answer: AnswerBatch,
        seal: SealBatch,
    ) -> Self {
        let events = Arc::new(EventLog::default());
        let sink: SharedSink = Arc::<EventLog>::clone(&events);
        let restart_limit = RestartLimit::new(5, Arc::clone(&sink));
        let responder = Responder::Clear(UnknownStudent::Close);
        let store =
            GradeStore::new(book(), responder, answer, restart_limit.clone(), Arc::clone(&sink))
                .supervise(100);
        let encryptor = Encryptor::new(Sealer::new().unwrap(), seal, restart_limit.clone())
            .supervise(100, &Arbiter::current());
        let worker = WorkerContext::new(
            session_config,
            store.clone().recipient(),
            encryptor.recipient(),
            None,
            sink,
        );
        let (endings, ended) = unbounded_channel();
        Self { worker: Arc::new(worker), store, events, restart_limit, endings, ended }
    }

    /// A session, and the client's end of its connection, which holds so many bytes each way.
    pub(crate) fn connect(&self, bytes: usize) -> (Addr<Session<DuplexStream>>, DuplexStream) {
        let (client, server) = duplex(bytes);
        (self.spawn_session(server), client)
    }

    /// A session on this connection.
    pub(crate) fn spawn_session<S: SessionStream>(&self, socket: S) -> Addr<Session<S>> {
        let permits = Arc::new(Semaphore::new(1));
        self.spawn_session_with(socket, SessionNumber(1), &permits)
    }

    /// A session with this number, on a permit of these.
    pub(crate) fn spawn_session_with<S: SessionStream>(
        &self,
        socket: S,
        number: SessionNumber,
        permits: &Arc<Semaphore>,
    ) -> Addr<Session<S>> {
        let admission = Arc::new(Admission::new(1, Proxies::default()));
        let source_permit = admission.admit(Source::of(PEER.ip()));
        let permit = Arc::clone(permits).try_acquire_owned().unwrap();
        self.spawn(socket, number, permit, (admission, source_permit))
    }

    /// A session whose peer is a proxy.
    pub(crate) fn connect_proxy(
        &self,
        admission: &Arc<Admission>,
    ) -> (Addr<Session<DuplexStream>>, DuplexStream) {
        let (client, server) = duplex(1024);
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let place = (Arc::clone(admission), None);
        (self.spawn(server, SessionNumber(1), permit, place), client)
    }

    fn spawn<S: SessionStream>(
        &self,
        socket: S,
        number: SessionNumber,
        permit: OwnedSemaphorePermit,
        (admission, source_permit): (Arc<Admission>, Option<SourcePermit>),
    ) -> Addr<Session<S>> {
        let context = SessionContext {
            number,
            peer: PEER,
            worker: Arc::clone(&self.worker),
            listener: EndRecorder(self.endings.clone()).start().recipient(),
            permit,
            admission,
        };
        Session::new(context, source_permit, Some(socket)).start()
    }
}

/// A connection that is always ready: the function makes the input, and all output is accepted.
pub(crate) struct AlwaysReady(pub(crate) fn(&mut ReadBuf<'_>));

impl AsyncRead for AlwaysReady {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        (self.0)(buffer);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for AlwaysReady {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl SessionStream for AlwaysReady {
    fn reset_on_drop(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Records how sessions end, in place of the listener.
struct EndRecorder(UnboundedSender<Ended>);

impl Actor for EndRecorder {
    type Context = Context<Self>;
}

impl Handler<Ended> for EndRecorder {
    type Result = ();

    fn handle(&mut self, ended: Ended, _: &mut Self::Context) {
        let _ = self.0.send(ended);
    }
}

pub(crate) async fn say(client: &mut DuplexStream, bytes: impl AsRef<[u8]>) {
    client.write_all(bytes.as_ref()).await.unwrap();
}

/// One reply line without its end.
pub(crate) async fn next_reply(client: &mut DuplexStream) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        line.push(client.read_u8().await.unwrap());
    }
    line.pop();
    String::from_utf8(line).unwrap()
}

/// All lines until the session closes.
pub(crate) async fn remaining_replies(client: &mut DuplexStream) -> Vec<String> {
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    text.lines().map(str::to_owned).collect()
}
