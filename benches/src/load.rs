//! The load: connections that ask, wait for all replies, and ask again.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::ClientConfig;

use crate::check::Sample;
use crate::keys::Keys;
use crate::process::Process;
use crate::protocol::Protocol;
use crate::tls;

/// What to ask, of whom, how hard and how long.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) protocol: Protocol,
    /// If set, how to make TLS connections.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) connections: usize,
    /// How many requests are sent before the first reply is waited for.
    pub(crate) depth: usize,
    /// Whether each request has a connection of its own.
    pub(crate) connect_per_request: bool,
    /// The students who ask: each connection is one of them.
    pub(crate) ids: Vec<String>,
    /// Their keys, for sealed requests.
    pub(crate) keys: Keys,
    /// Whether each request is by another student, at random, instead.
    pub(crate) mixed: bool,
    /// The commands, asked in turn.
    pub(crate) commands: Vec<String>,
    /// How long to ask before measuring.
    pub(crate) warm_up: Duration,
    /// How long to measure.
    pub(crate) duration: Duration,
    /// The server's process, if its cost is wanted.
    pub(crate) server: Option<Process>,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    /// How many replies came while measuring.
    pub(crate) replies: u64,
    pub(crate) replies_per_second: f64,
    /// From the sending of a batch to its last reply, in microseconds.
    pub(crate) latency_us: Percentiles,
    /// The server's processor time, in microseconds.
    pub(crate) server_cpu_us_per_reply: Option<f64>,
    /// The server's memory at the end, in bytes.
    pub(crate) server_resident_bytes: Option<u64>,
    /// Replies kept for checking.
    #[serde(skip)]
    pub(crate) samples: Vec<Sample>,
}

/// Points of a distribution.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

/// Of every so many batches, the first reply is kept for checking.
const SAMPLED_OF: usize = 64;
/// The most replies kept for checking.
const SAMPLES_MAX: usize = 10_000;
/// The longest latency that is measured; longer ones count as this one.
const LATENCY_US_MAX: u64 = 60_000_000;
/// How long to wait for a reply before the server is called dead.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all connections of a load share.
struct Shared {
    load: Load,
    stop: Cell<bool>,
    replies: Cell<u64>,
    latency: RefCell<Histogram<u64>>,
    samples: RefCell<Vec<Sample>>,
}

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// Puts the load on the server.
///
/// # Errors
/// When a connection cannot be made, breaks, or is not answered in time.
pub(crate) fn run(load: Load) -> anyhow::Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, measure(load))
}

async fn measure(load: Load) -> anyhow::Result<Measured> {
    let shared = Rc::new(Shared {
        latency: RefCell::new(Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?),
        stop: Cell::new(false),
        replies: Cell::new(0),
        samples: RefCell::default(),
        load,
    });
    let load = &shared.load;
    let asking: Vec<_> =
        (0..load.connections).map(|n| spawn_local(ask(n, Rc::clone(&shared)))).collect();
    sleep(load.warm_up).await;
    let cpu = || load.server.map(Process::cpu).transpose();
    let began = Instant::now();
    let cpu_before = cpu()?;
    let before = shared.replies.get();
    shared.latency.borrow_mut().reset();
    sleep(load.duration).await;
    let elapsed = began.elapsed();
    let cpu_after = cpu()?;
    let after = shared.replies.get();
    shared.stop.set(true);
    for connection in asking {
        timeout(PATIENCE, connection).await.context("a connection hangs")???;
    }
    let replies = after - before;
    if replies == 0 {
        bail!("{} answered nothing", load.address);
    }
    let each = |total: Duration| total.as_secs_f64() * 1e6 / count(replies);
    let cpu_spent = cpu_after.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    let latency = shared.latency.borrow();
    Ok(Measured {
        replies,
        replies_per_second: count(replies) / elapsed.as_secs_f64(),
        latency_us: Percentiles::of(&latency),
        server_cpu_us_per_reply: cpu_spent.map(each),
        server_resident_bytes: load.server.map(Process::resident_bytes).transpose()?,
        samples: shared.samples.take(),
    })
}

/// One connection's asking, or one after the other's.
async fn ask(n: usize, shared: Rc<Shared>) -> anyhow::Result<()> {
    let load = &shared.load;
    let mut batches = load.batches(n)?;
    let mut socket = None;
    let mut buffer = vec![0; 256 * 1024];
    for round in 0.. {
        if shared.stop.get() {
            break;
        }
        let batch = batches.next()?;
        let began = Instant::now();
        let stream = match socket.take() {
            Some(stream) if !load.connect_per_request => socket.insert(stream),
            _ => socket.insert(load.connect(n).await?),
        };
        stream.write_all(&batch.bytes).await.context("the server does not read")?;
        stream.flush().await.context("the server does not read")?;
        let mut missing = load.depth * load.protocol.lines_per_reply();
        let mut first = (round % SAMPLED_OF == 0).then(Vec::new);
        while missing > 0 {
            let read = stream.read(&mut buffer).await.context("the connection broke")?;
            let received = buffer.get(..read).unwrap_or_default();
            let lines = memchr::memchr_iter(b'\n', received).count();
            if read == 0 || lines > missing {
                bail!(
                    "{missing} lines of replies were missing, then came {read} bytes, {lines} lines"
                );
            }
            missing -= lines;
            if let Some(first) = first.as_mut().filter(|first| !first.ends_with(b"\n")) {
                first.extend(received.split_inclusive(|byte| *byte == b'\n').next().unwrap_or(b""));
            }
        }
        let latency = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let depth = u64::try_from(load.depth).unwrap_or(u64::MAX);
        shared.latency.borrow_mut().saturating_record_n(latency, depth);
        shared.replies.set(shared.replies.get() + depth);
        let mut samples = shared.samples.borrow_mut();
        if let Some(reply) = first.filter(|_| samples.len() < SAMPLES_MAX) {
            samples.push(Sample { id: batch.id.clone(), command: batch.command.clone(), reply });
        }
    }
    Ok(())
}

impl Load {
    async fn connect(&self, n: usize) -> anyhow::Result<Box<dyn Stream>> {
        let socket = TcpSocket::new_v4()?;
        if self.connect_per_request {
            // One address has too few ports for all the connections of a run.
            let host = u8::try_from(n % 250).unwrap_or_default() + 2;
            socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into())?;
        }
        let stream = socket.connect(self.address).await.with_context(|| {
            format!("cannot connect to {}; is the server running?", self.address)
        })?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some(config) => Box::new(tls::connect(config, stream).await?),
        })
    }
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: histogram.max() }
    }
}

/// A count as a fraction's part: exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no run comes near 2^53 replies")]
fn count(n: u64) -> f64 {
    n as f64
}
