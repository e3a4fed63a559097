//! The loop of one connection: read every complete request there is, dispatch once, write once.
//!
//! It reads on only when the replies are written. So replies keep the order of the requests, a slow
//! reader slows only itself, and a session holds one batch at most. While it waits, it holds only the
//! bytes of an incomplete request.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gradebook::{Rejection, Requests, wire};
use tokio::io::AsyncWriteExt;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use super::close::close;
use super::deadline::Deadline;
use super::decoder::Decoder;
use super::proxy_header;
use super::state::SessionState;
use super::stream::{SessionStream, poll_receive};
use crate::admission::Admission;
use crate::audit::Requester;
use crate::dispatch::WorkerContext;
use crate::event::{CloseReason, ServerEvent};
use crate::limits::Source;

/// The state of one connection's loop.
pub(super) struct Connection<S> {
    stream: S,
    worker: Arc<WorkerContext>,
    requester: Requester,
    source: Source,
    state: Rc<SessionState>,
    decoder: Decoder,
    /// When the last replies were written, or the connection began.
    last_activity: Instant,
    timer: Deadline,
    /// The bytes read since the service began to end.
    drain_bytes: usize,
}

/// What the client sent next.
enum Input {
    /// Requests.
    Batch(Requests),
    /// The last requests, and why the connection closes behind them.
    Last(Requests, CloseReason),
    /// Nothing more.
    End(CloseReason),
}

/// The most bytes that are read after the service began to end. What a client has sent before is
/// answered, and a client that never stops asking is not waited for.
const DRAIN_BYTES_MAX: usize = 256 * 1024;

impl<S: SessionStream> Connection<S> {
    pub(super) fn new(
        stream: S,
        worker: Arc<WorkerContext>,
        requester: Requester,
        state: Rc<SessionState>,
    ) -> Self {
        let now = Instant::now();
        Self {
            stream,
            timer: Deadline::new(now + worker.session_config.timeouts.idle),
            worker,
            requester,
            source: Source::of(requester.peer.ip()),
            state,
            decoder: Decoder::default(),
            last_activity: now,
            drain_bytes: 0,
        }
    }

    /// Serves the client, then closes the connection. If the peer is a proxy, the connection is admitted
    /// when its header is read.
    pub(super) async fn run(mut self, proxied: Option<Arc<Admission>>) -> CloseReason {
        let admitted = match proxied {
            Some(admission) => self.admit_behind_proxy(&admission).await,
            None => Ok(()),
        };
        let reason = match admitted {
            Ok(()) => self.serve().await,
            Err(reason) => reason,
        };
        let answered = self.state.requests.get() > 0;
        close(&mut self.stream, &self.worker, reason, answered).await;
        reason
    }

    /// Reads where the client comes from, and counts the connection for that source.
    async fn admit_behind_proxy(&mut self, admission: &Arc<Admission>) -> Result<(), CloseReason> {
        let draining = &self.state.draining;
        let (peer, bytes) =
            proxy_header::receive(&mut self.stream, &self.worker, &mut self.timer, draining)
                .await?;
        self.decoder.keep(bytes);
        if let Some(peer) = peer {
            self.requester.peer = peer;
            self.source = Source::of(peer.ip());
        }
        if let Some(permit) = admission.admit(self.source) {
            self.state.admit(permit);
            return Ok(());
        }
        self.worker.events.emit(&ServerEvent::ConnectionRejected(self.requester.peer));
        let mut line = Vec::new();
        wire::write_rejection(&mut line, Rejection::TooManyConnections);
        self.write(&line).await?;
        Err(CloseReason::TooManyConnections)
    }

    async fn serve(&mut self) -> CloseReason {
        loop {
            match self.read_batch().await {
                Input::Batch(batch) => {
                    if let Err(reason) = self.reply_to(batch).await {
                        return reason;
                    }
                }
                Input::Last(batch, reason) => {
                    return self.reply_to(batch).await.err().unwrap_or(reason);
                }
                Input::End(reason) => return reason,
            }
        }
    }

    /// Waits for requests, and takes as many as there are and a batch may hold.
    async fn read_batch(&mut self) -> Input {
        if !self.decoder.is_empty()
            && let Some(input) = decode(&mut self.decoder, &self.worker, self.source, &[])
        {
            return input;
        }
        loop {
            match self.read().await {
                Ok(Some(input)) => return input,
                Ok(None) => {}
                Err(reason) => return self.end(reason),
            }
            // A client that sends without a pause never leaves the socket empty, where waiting would
            // check the deadline and let other sessions run.
            yield_now().await;
            let (deadline, reason) = self.deadline();
            if deadline <= Instant::now() {
                return self.end(reason);
            }
        }
    }

    fn end(&self, reason: CloseReason) -> Input {
        if reason != CloseReason::TooSlow {
            return Input::End(reason);
        }
        let mut batch = self.worker.take_batch();
        batch.push_rejected(Rejection::TooSlow);
        Input::Last(batch, reason)
    }

    /// Reads once and decodes; `None` if no request is complete yet. It waits until the deadline at
    /// most. Once the service ends, it reads only what has come already.
    async fn read(&mut self) -> Result<Option<Input>, CloseReason> {
        let (deadline, reason) = self.deadline();
        let mut polled_again = false;
        loop {
            if self.state.draining.get() && self.drain_bytes >= DRAIN_BYTES_MAX {
                return Err(CloseReason::Drained);
            }
            let read = poll_fn(|context| match self.poll_read(context) {
                Poll::Pending if self.state.draining.get() => {
                    Poll::Ready(Err(CloseReason::Drained))
                }
                Poll::Pending => self.timer.poll(context, deadline).map(|()| Err(reason)),
                ready => ready,
            });
            match read.await {
                Err(CloseReason::Drained) if !polled_again => {
                    // The runtime may not know yet of bytes that are here: let it poll the socket.
                    polled_again = true;
                    yield_now().await;
                }
                read => return read,
            }
        }
    }

    /// When to stop waiting, and why the connection closes then.
    fn deadline(&self) -> (Instant, CloseReason) {
        let timeouts = self.worker.session_config.timeouts;
        match self.decoder.started_at() {
            Some(started_at) => (started_at + timeouts.request, CloseReason::TooSlow),
            None => (self.last_activity + timeouts.idle, CloseReason::Idle),
        }
    }

    /// Reads what the socket has, and decodes it.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Input>, CloseReason>> {
        let mut scratch = self.worker.scratch();
        let scratch_bytes = scratch.len();
        let was_cut = self.decoder.is_cut();
        let received = match poll_receive(&mut self.stream, context, &mut scratch) {
            // Nothing followed what was cut. An end is seen again by the next read.
            Poll::Pending | Poll::Ready(Err(_)) if was_cut => &[],
            received => ready!(received)?,
        };
        self.decoder.set_cut(received.len() == scratch_bytes);
        if self.state.draining.get() {
            self.drain_bytes += received.len();
        }
        Poll::Ready(Ok(decode(&mut self.decoder, &self.worker, self.source, received)))
    }

    /// Replies to all requests of a batch, in as many writes as their limit of bytes needs.
    async fn reply_to(&mut self, mut batch: Requests) -> Result<(), CloseReason> {
        while !batch.is_empty() {
            batch = self.reply_once(batch).await?;
        }
        self.worker.put_back(batch);
        Ok(())
    }

    /// Replies with one write. Returns the requests that had no room in it.
    async fn reply_once(&mut self, batch: Requests) -> Result<Requests, CloseReason> {
        let requests = batch.len();
        let Ok(mut replies) = self.worker.dispatch(batch, self.requester).await else {
            // The batch was lost with the part that failed on it, or could not be recorded.
            self.count(requests);
            let mut lines = Vec::new();
            for _ in 0..requests {
                wire::write_rejection(&mut lines, Rejection::Busy);
            }
            self.write(&lines).await?;
            return Ok(self.worker.take_batch());
        };
        self.count(replies.len());
        self.worker.emit_requests(self.requester.session, &replies);
        let written = self.write_at_once(replies.bytes()).await?;
        if written < replies.bytes().len() {
            replies.shrink();
            self.write(replies.bytes().get(written..).unwrap_or_default()).await?;
        }
        if replies.is_last() {
            return Err(CloseReason::UnknownStudent);
        }
        if let Some(pause) = self.worker.session_config.reveal_pause
            && !replies.revealed_key().is_empty()
        {
            sleep(pause).await;
            self.write(replies.revealed_key()).await?;
            return Err(CloseReason::KeyRevealed);
        }
        Ok(replies.into_requests())
    }

    fn count(&self, requests: usize) {
        let requests = u64::try_from(requests).unwrap_or(u64::MAX);
        self.state.requests.set(self.state.requests.get().saturating_add(requests));
    }

    /// Writes what the socket takes without waiting, which usually is everything.
    async fn write_at_once(&mut self, bytes: &[u8]) -> Result<usize, CloseReason> {
        let mut written = 0;
        poll_fn(|context| {
            while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
                match Pin::new(&mut self.stream).poll_write(context, rest) {
                    Poll::Ready(Ok(0)) => {
                        return Poll::Ready(Err(CloseReason::Lost(ErrorKind::WriteZero)));
                    }
                    Poll::Ready(Ok(more)) => written += more,
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Err(CloseReason::Lost(error.kind())));
                    }
                    Poll::Pending => break,
                }
            }
            Poll::Ready(Ok(()))
        })
        .await?;
        self.last_activity = Instant::now();
        Ok(written)
    }

    /// Writes everything, within the write timeout.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), CloseReason> {
        let write = self.stream.write_all(bytes);
        match timeout(self.worker.session_config.timeouts.write, write).await {
            Ok(Ok(())) => {
                self.last_activity = Instant::now();
                Ok(())
            }
            Ok(Err(error)) => Err(CloseReason::Lost(error.kind())),
            Err(_) => Err(CloseReason::NotReading),
        }
    }
}

/// Decodes received bytes behind those that the decoder kept; `None` if no request is complete yet.
fn decode(
    decoder: &mut Decoder,
    worker: &WorkerContext,
    source: Source,
    received: &[u8],
) -> Option<Input> {
    let mut batch = worker.take_batch();
    match decoder.decode(received, &worker.session_config, source, &mut batch) {
        Err(reason) => Some(Input::Last(batch, reason)),
        Ok(()) if !batch.is_empty() => Some(Input::Batch(batch)),
        Ok(()) => {
            // A batch is memory that a waiting session does not hold.
            worker.put_back(batch);
            None
        }
    }
}
