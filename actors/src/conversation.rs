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
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use gradebook::wire::{self, Parsed};
use gradebook::{Questions, Refusal, Replies};
use tokio::io::{AsyncWriteExt, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use crate::alarm::Alarm;
use crate::desk::Desk;
use crate::event::{Ending, Event, SessionNumber};
use crate::limits::Source;
use crate::socket::Socket;

/// The state of one socket's loop.
pub(crate) struct Conversation<S> {
    socket: S,
    desk: Arc<Desk>,
    session: SessionNumber,
    source: Source,
    shared: Rc<Shared>,
    /// Received bytes that are no answered request yet.
    held: BytesMut,
    /// When the first byte of the incomplete request in `held` came.
    incomplete_since: Option<Instant>,
    /// When the last replies were written, or the connection began.
    quiet_since: Instant,
    alarm: Alarm,
    /// How many bytes have been read since the service's end.
    last_bytes: usize,
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

/// The most bytes that are still read after the service's end. What a client has sent before is
/// answered, and one that never stops asking is not waited for.
const LAST_BYTES_MAX: usize = 256 * 1024;

impl<S: Socket> Conversation<S> {
    pub(crate) fn new(
        socket: S,
        desk: Arc<Desk>,
        session: SessionNumber,
        source: Source,
        shared: Rc<Shared>,
    ) -> Self {
        let quiet_since = Instant::now();
        let alarm = Alarm::new(quiet_since + desk.manners.timeouts.idle);
        let (held, incomplete_since, last_bytes) = (BytesMut::new(), None, 0);
        Self {
            socket,
            desk,
            session,
            source,
            shared,
            held,
            incomplete_since,
            quiet_since,
            alarm,
            last_bytes,
        }
    }

    /// Talks until the conversation ends, then parts from the client.
    pub(crate) async fn run(mut self) -> Ending {
        let ending = self.talk().await;
        self.part(ending).await;
        ending
    }

    async fn talk(&mut self) -> Ending {
        loop {
            let (mut batch, heard) = self.hear().await;
            while !batch.is_empty() {
                batch = match self.reply(batch).await {
                    Ok(unanswered) => unanswered,
                    Err(ending) => return ending,
                };
            }
            self.desk.put_back(batch);
            if let Err(ending) = heard {
                return ending;
            }
        }
    }

    /// Waits for requests and takes as many as there are and a batch may hold. With an ending, what
    /// is in the batch is still to be answered.
    async fn hear(&mut self) -> (Questions, Result<(), Ending>) {
        let mut in_vain = false;
        loop {
            let mut batch = self.desk.take_batch();
            match self.take_in(&mut batch) {
                Ok(()) if batch.is_empty() => self.desk.put_back(batch),
                heard => return (batch, heard),
            }
            if let Err(ending) = self.read_again(in_vain).await {
                let mut batch = self.desk.take_batch();
                if ending == Ending::TooSlow {
                    batch.push_refused(Refusal::TooSlow);
                }
                return (batch, Err(ending));
            }
            in_vain = true;
        }
    }

    /// Reads; after a read in vain only if there is time left, and when others have had their turn.
    /// A client that sends without a pause never leaves the socket empty, where waiting would look
    /// at the time.
    async fn read_again(&mut self, in_vain: bool) -> Result<(), Ending> {
        if in_vain {
            yield_now().await;
            let (until, late) = self.patience();
            if until <= Instant::now() {
                return Err(late);
            }
        }
        self.read().await
    }

    /// Moves complete requests from the held bytes into the batch.
    fn take_in(&mut self, batch: &mut Questions) -> Result<(), Ending> {
        while !batch.is_full() {
            let admits =
                || self.desk.manners.rate.as_ref().is_none_or(|rate| rate.admits(self.source));
            let used = match wire::parse(self.desk.manners.grammar, &self.held) {
                Parsed::Request { used, .. } | Parsed::Malformed { used, .. } if !admits() => {
                    batch.push_refused(Refusal::TooMany);
                    used
                }
                Parsed::Request { request, used } => {
                    batch.push(request);
                    used
                }
                Parsed::Malformed { malformed, used } => {
                    batch.push_refused(Refusal::Malformed(malformed));
                    used
                }
                Parsed::TooLong => {
                    batch.push_refused(Refusal::TooLong);
                    return Err(Ending::TooLong);
                }
                Parsed::Incomplete { blank } => {
                    self.held.advance(blank);
                    break;
                }
            };
            self.held.advance(used);
        }
        // Behind an answered request, the first byte of the next is as old as this reading.
        let since = self.incomplete_since.filter(|_| batch.is_empty());
        self.incomplete_since = match self.held.is_empty() {
            true => None,
            false => since.or_else(|| Some(Instant::now())),
        };
        if !batch.is_full() {
            // Only the tail of a request is left to keep, not the memory that it came in.
            let tail = std::mem::take(&mut self.held);
            self.held.extend_from_slice(&tail);
        }
        Ok(())
    }

    /// Waits for more bytes; or for the time when waiting must end. Once the service ends, it only
    /// looks for what has come already.
    async fn read(&mut self) -> Result<(), Ending> {
        let (until, late) = self.patience();
        let before = self.held.len();
        let mut looked_again = false;
        loop {
            let draining = self.shared.draining.get();
            if draining && self.last_bytes >= LAST_BYTES_MAX {
                return Err(Ending::Drained);
            }
            let read = poll_fn(|context| match self.poll_read(context) {
                Poll::Pending if self.shared.draining.get() => Poll::Ready(Err(Ending::Drained)),
                Poll::Pending => self.alarm.poll(context, until).map(|()| Err(late)),
                ready => ready,
            });
            match read.await {
                Err(Ending::Drained) if !looked_again => {
                    // The runtime may not have heard yet of bytes that are here: let it look.
                    looked_again = true;
                    yield_now().await;
                }
                read => {
                    if draining {
                        self.last_bytes += self.held.len().saturating_sub(before);
                    }
                    return read;
                }
            }
        }
    }

    /// When waiting must end, and how the conversation ends then.
    fn patience(&self) -> (Instant, Ending) {
        let timeouts = self.desk.manners.timeouts;
        match self.incomplete_since {
            Some(since) => (since + timeouts.request, Ending::TooSlow),
            None => (self.quiet_since + timeouts.idle, Ending::Idle),
        }
    }

    /// Appends what the socket has to the held bytes.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        let mut scratch = self.desk.scratch();
        let mut buffer = ReadBuf::new(&mut scratch);
        Pin::new(&mut self.socket).poll_read(context, &mut buffer).map(|read| match read {
            Err(error) => Err(Ending::Lost(error.kind())),
            Ok(()) if buffer.filled().is_empty() => Err(Ending::Closed),
            Ok(()) => {
                self.held.extend_from_slice(buffer.filled());
                Ok(())
            }
        })
    }

    /// Answers a batch with one write. Gives back what found no room in it.
    async fn reply(&mut self, batch: Questions) -> Result<Questions, Ending> {
        let asked = batch.len();
        let Ok(mut replies) = self.desk.ask(batch).await else {
            // The batch was lost with the part that failed on it; each request gets its answer.
            self.count(asked);
            let mut lines = Vec::new();
            (0..asked).for_each(|_| wire::write_refusal(&mut lines, Refusal::Busy));
            self.write(&lines).await?;
            return Ok(self.desk.take_batch());
        };
        self.count(replies.len());
        self.tell(&replies);
        let written = self.write_at_once(replies.bytes()).await?;
        if written < replies.bytes().len() {
            replies.keep_only_what_is_needed();
            self.write(replies.bytes().get(written..).unwrap_or_default()).await?;
        }
        if replies.is_last() {
            return Err(Ending::UnknownStudent);
        }
        if let Some(pause) = self.desk.manners.reveal_pause {
            sleep(pause).await;
            self.write(replies.revealed_key()).await?;
            return Err(Ending::Revealed);
        }
        Ok(replies.into_questions())
    }

    fn count(&self, requests: usize) {
        let requests = u64::try_from(requests).unwrap_or(u64::MAX);
        self.shared.requests.set(self.shared.requests.get().saturating_add(requests));
    }

    /// Writes what the socket takes without waiting, which nearly always is everything.
    async fn write_at_once(&mut self, bytes: &[u8]) -> Result<usize, Ending> {
        let socket = &mut self.socket;
        let mut written = 0;
        poll_fn(|context| {
            while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
                match Pin::new(&mut *socket).poll_write(context, rest) {
                    Poll::Ready(Ok(0)) => {
                        return Poll::Ready(Err(Ending::Lost(ErrorKind::WriteZero)));
                    }
                    Poll::Ready(Ok(more)) => written += more,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(Ending::Lost(error.kind()))),
                    Poll::Pending => return Poll::Ready(Ok(())),
                }
            }
            Poll::Ready(Ok(()))
        })
        .await?;
        self.quiet_since = Instant::now();
        Ok(written)
    }

    /// Writes all of it, within the time for that.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        let write = self.socket.write_all(bytes);
        match timeout(self.desk.manners.timeouts.write, write).await {
            Ok(Ok(())) => self.quiet_since = Instant::now(),
            Ok(Err(error)) => return Err(Ending::Lost(error.kind())),
            Err(_) => return Err(Ending::NotReading),
        }
        Ok(())
    }

    fn tell(&self, replies: &Replies) {
        let teller = &self.desk.teller;
        if teller.wants_requests() {
            let session = self.session;
            for (request, outcome, reply) in replies.each() {
                teller.tell(&Event::Answered { session, request, outcome, reply });
            }
        }
    }

    /// Closes the connection so that the last replies arrive.
    async fn part(&mut self, ending: Ending) {
        match ending {
            Ending::Lost(_) | Ending::Panicked => {}
            Ending::NotReading => drop(self.socket.reset_on_drop()),
            Ending::Closed => drop(self.socket.shutdown().await),
            // Nothing has been answered, so there is nothing to deliver.
            Ending::Idle | Ending::Drained if self.shared.requests.get() == 0 => {
                drop(self.socket.shutdown().await);
            }
            Ending::Idle
            | Ending::Drained
            | Ending::UnknownStudent
            | Ending::TooLong
            | Ending::TooSlow
            | Ending::Revealed => {
                // Closing with unread bytes would reset the connection, and the reset could overtake
                // the replies: so let the client see the end and go on until it closes too.
                drop(self.socket.shutdown().await);
                let linger = self.desk.manners.timeouts.linger;
                drop(timeout(linger, self.read_to_end()).await);
            }
        }
    }

    /// Reads and forgets what still comes.
    async fn read_to_end(&mut self) {
        loop {
            self.held.clear();
            if poll_fn(|context| self.poll_read(context)).await.is_err() {
                return;
            }
        }
    }
}
