//! One socket's loop: take in every complete request there is, ask once, write once.
//!
//! It reads on only when the replies are written. So replies keep the order of the requests, a slow
//! reader slows only itself, and a session holds at most one batch. While it waits it holds nothing
//! but the bytes of a request that is not complete yet.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gradebook::wire;
use gradebook::{Rejection, Replies, Requests};
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use crate::audit::Requester;
use crate::deadline::Deadline;
use crate::decoder::Decoder;
use crate::event::{CloseReason, ServerEvent};
use crate::limits::Source;
use crate::stream::SessionStream;
use crate::worker::WorkerContext;

/// The state of one socket's loop.
pub(crate) struct Connection<S> {
    socket: S,
    worker: Arc<WorkerContext>,
    requester: Requester,
    source: Source,
    shared: Rc<Shared>,
    decoder: Decoder,
    /// When the last replies were written, or the connection began.
    last_activity: Instant,
    timer: Deadline,
    /// How many bytes have been read since the service's end.
    drain_bytes: usize,
}

/// What a conversation shares with its session.
#[derive(Default)]
pub(crate) struct Shared {
    /// Set when the service ends. The session's context polls the conversation after every message
    /// it handles, so no waking is needed.
    pub(crate) draining: Cell<bool>,
    /// How many requests have been dealt with.
    pub(crate) requests: Cell<u64>,
}

/// What a read has brought: requests, none if they are not complete yet, and how it goes on.
type Input = (Requests, Result<(), CloseReason>);

/// The most bytes that are still read after the service's end. What a client has sent before is
/// answered, and one that never stops asking is not waited for.
const DRAIN_BYTES_MAX: usize = 256 * 1024;

impl<S: SessionStream> Connection<S> {
    pub(crate) fn new(
        socket: S,
        worker: Arc<WorkerContext>,
        requester: Requester,
        shared: Rc<Shared>,
    ) -> Self {
        let last_activity = Instant::now();
        let timer = Deadline::new(last_activity + worker.session_config.timeouts.idle);
        let (source, decoder, drain_bytes) =
            (Source::of(requester.peer.ip()), Decoder::default(), 0);
        Self {
            socket,
            worker,
            requester,
            source,
            shared,
            decoder,
            last_activity,
            timer,
            drain_bytes,
        }
    }

    /// Talks until the conversation ends, then parts from the client.
    pub(crate) async fn run(mut self) -> CloseReason {
        let reason = self.serve().await;
        self.close(reason).await;
        reason
    }

    async fn serve(&mut self) -> CloseReason {
        loop {
            let (mut batch, input) = self.read_batch().await;
            while !batch.is_empty() {
                batch = match self.reply(batch).await {
                    Ok(unanswered) => unanswered,
                    Err(reason) => return reason,
                };
            }
            self.worker.put_back(batch);
            if let Err(reason) = input {
                return reason;
            }
        }
    }

    /// Waits for requests and takes as many as there are and a batch may hold. With an reason, what
    /// is in the batch is still to be answered.
    async fn read_batch(&mut self) -> Input {
        if !self.decoder.is_empty() {
            let mut batch = self.worker.take_batch();
            let input =
                self.decoder.decode(&[], &self.worker.session_config, self.source, &mut batch);
            if input.is_err() || !batch.is_empty() {
                return (batch, input);
            }
            self.worker.put_back(batch);
        }
        let mut read_before = false;
        loop {
            match self.read_again(read_before).await {
                // A batch is memory, which a session that waits does not hold.
                Ok((batch, Ok(()))) if batch.is_empty() => self.worker.put_back(batch),
                Ok(input) => return input,
                Err(reason) => {
                    let mut batch = self.worker.take_batch();
                    if reason == CloseReason::TooSlow {
                        batch.push_rejected(Rejection::TooSlow);
                    }
                    return (batch, Err(reason));
                }
            }
            read_before = true;
        }
    }

    /// Reads; after a read in vain only if there is time left, and when others have had their turn.
    /// A client that sends without a pause never leaves the socket empty, where waiting would look
    /// at the time.
    async fn read_again(&mut self, read_before: bool) -> Result<Input, CloseReason> {
        if read_before {
            yield_now().await;
            let (until, late) = self.deadline();
            if until <= Instant::now() {
                return Err(late);
            }
        }
        self.read().await
    }

    /// Waits for more bytes and takes them in; or waits for the time when waiting must end. Once the
    /// service ends, it only looks for what has come already.
    async fn read(&mut self) -> Result<Input, CloseReason> {
        let (until, late) = self.deadline();
        let mut looked_again = false;
        loop {
            if self.shared.draining.get() && self.drain_bytes >= DRAIN_BYTES_MAX {
                return Err(CloseReason::Drained);
            }
            let read = poll_fn(|context| match self.poll_read(context) {
                Poll::Pending if self.shared.draining.get() => {
                    Poll::Ready(Err(CloseReason::Drained))
                }
                Poll::Pending => self.timer.poll(context, until).map(|()| Err(late)),
                ready => ready,
            });
            match read.await {
                Err(CloseReason::Drained) if !looked_again => {
                    // The runtime may not have input yet of bytes that are here: let it look.
                    looked_again = true;
                    yield_now().await;
                }
                read => return read,
            }
        }
    }

    /// When waiting must end, and how the conversation ends then.
    fn deadline(&self) -> (Instant, CloseReason) {
        let timeouts = self.worker.session_config.timeouts;
        match self.decoder.started_at() {
            Some(since) => (since + timeouts.request, CloseReason::TooSlow),
            None => (self.last_activity + timeouts.idle, CloseReason::Idle),
        }
    }

    /// Takes in what the socket has.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Input, CloseReason>> {
        let mut scratch = self.worker.scratch();
        let received = ready!(poll_receive(&mut self.socket, context, &mut scratch))?;
        if self.shared.draining.get() {
            self.drain_bytes += received.len();
        }
        let mut batch = self.worker.take_batch();
        let input =
            self.decoder.decode(received, &self.worker.session_config, self.source, &mut batch);
        Poll::Ready(Ok((batch, input)))
    }

    /// Answers a batch with one write. Gives back what found no room in it.
    async fn reply(&mut self, batch: Requests) -> Result<Requests, CloseReason> {
        let asked = batch.len();
        let Ok(mut replies) = self.worker.ask(batch, self.requester).await else {
            // The batch was lost with the part that failed on it, or could not be taken down; each
            // request gets its answer.
            self.count(asked);
            let mut lines = Vec::new();
            (0..asked).for_each(|_| wire::write_rejection(&mut lines, Rejection::Busy));
            self.write(&lines).await?;
            return Ok(self.worker.take_batch());
        };
        self.count(replies.len());
        self.emit_requests(&replies);
        let written = self.write_at_once(replies.bytes()).await?;
        if written < replies.bytes().len() {
            replies.keep_only_what_is_needed();
            self.write(replies.bytes().get(written..).unwrap_or_default()).await?;
        }
        if replies.is_last() {
            return Err(CloseReason::UnknownStudent);
        }
        if let Some(pause) = self.worker.session_config.reveal_pause {
            sleep(pause).await;
            self.write(replies.revealed_key()).await?;
            return Err(CloseReason::Revealed);
        }
        Ok(replies.into_requests())
    }

    fn count(&self, requests: usize) {
        let requests = u64::try_from(requests).unwrap_or(u64::MAX);
        self.shared.requests.set(self.shared.requests.get().saturating_add(requests));
    }

    /// Writes what the socket takes without waiting, which nearly always is everything.
    async fn write_at_once(&mut self, bytes: &[u8]) -> Result<usize, CloseReason> {
        let socket = &mut self.socket;
        let mut written = 0;
        poll_fn(|context| {
            while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
                match Pin::new(&mut *socket).poll_write(context, rest) {
                    Poll::Ready(Ok(0)) => {
                        return Poll::Ready(Err(CloseReason::Lost(ErrorKind::WriteZero)));
                    }
                    Poll::Ready(Ok(more)) => written += more,
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Err(CloseReason::Lost(error.kind())));
                    }
                    Poll::Pending => return Poll::Ready(Ok(())),
                }
            }
            Poll::Ready(Ok(()))
        })
        .await?;
        self.last_activity = Instant::now();
        Ok(written)
    }

    /// Writes all of it, within the time for that.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), CloseReason> {
        let write = self.socket.write_all(bytes);
        match timeout(self.worker.session_config.timeouts.write, write).await {
            Ok(Ok(())) => self.last_activity = Instant::now(),
            Ok(Err(error)) => return Err(CloseReason::Lost(error.kind())),
            Err(_) => return Err(CloseReason::NotReading),
        }
        Ok(())
    }

    fn emit_requests(&self, replies: &Replies) {
        let events = &self.worker.events;
        if events.wants_requests() {
            let session = self.requester.session;
            for (request, outcome, reply) in replies.iter() {
                events.emit(&ServerEvent::Answered { session, request, outcome, reply });
            }
        }
    }

    /// Closes the connection so that the last replies arrive.
    async fn close(&mut self, reason: CloseReason) {
        match reason {
            CloseReason::Lost(_) | CloseReason::Panicked => {}
            CloseReason::NotReading => drop(self.socket.reset_on_drop()),
            CloseReason::Closed => drop(self.socket.shutdown().await),
            // Nothing has been answered, so there is nothing to deliver.
            CloseReason::Idle | CloseReason::Drained if self.shared.requests.get() == 0 => {
                drop(self.socket.shutdown().await);
            }
            CloseReason::Idle
            | CloseReason::Drained
            | CloseReason::UnknownStudent
            | CloseReason::TooLong
            | CloseReason::TooSlow
            | CloseReason::Revealed => {
                // Closing with unread bytes would reset the connection, and the reset could overtake
                // the replies: so let the client see the end and go on until it closes too.
                drop(self.socket.shutdown().await);
                let linger = self.worker.session_config.timeouts.linger;
                drop(timeout(linger, self.read_to_end()).await);
            }
        }
    }

    /// Reads and forgets what still comes.
    async fn read_to_end(&mut self) {
        loop {
            let read = poll_fn(|context| {
                let mut scratch = self.worker.scratch();
                poll_receive(&mut self.socket, context, &mut scratch).map(|read| read.is_ok())
            });
            if !read.await {
                return;
            }
        }
    }
}

/// Reads into `scratch`: at least one byte, or the connection's end.
fn poll_receive<'a>(
    socket: &mut impl SessionStream,
    context: &mut Context<'_>,
    scratch: &'a mut [u8],
) -> Poll<Result<&'a [u8], CloseReason>> {
    let mut buffer = ReadBuf::new(scratch);
    let read = ready!(Pin::new(socket).poll_read(context, &mut buffer));
    let filled = buffer.filled().len();
    Poll::Ready(match read {
        Err(error) => Err(CloseReason::Lost(error.kind())),
        Ok(()) => {
            scratch.get(..filled).filter(|bytes| !bytes.is_empty()).ok_or(CloseReason::Closed)
        }
    })
}
