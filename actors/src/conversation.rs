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

use crate::alarm::Alarm;
use crate::audit::Asker;
use crate::desk::Desk;
use crate::event::{Ending, Event};
use crate::intake::Intake;
use crate::limits::Source;
use crate::socket::Socket;

/// The state of one socket's loop.
pub(crate) struct Conversation<S> {
    socket: S,
    desk: Arc<Desk>,
    asker: Asker,
    source: Source,
    shared: Rc<Shared>,
    intake: Intake,
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

/// What a read has brought: requests, none if they are not complete yet, and how it goes on.
type Heard = (Requests, Result<(), Ending>);

/// The most bytes that are still read after the service's end. What a client has sent before is
/// answered, and one that never stops asking is not waited for.
const LAST_BYTES_MAX: usize = 256 * 1024;

impl<S: Socket> Conversation<S> {
    pub(crate) fn new(socket: S, desk: Arc<Desk>, asker: Asker, shared: Rc<Shared>) -> Self {
        let quiet_since = Instant::now();
        let alarm = Alarm::new(quiet_since + desk.manners.timeouts.idle);
        let (source, intake, last_bytes) = (Source::of(asker.peer.ip()), Intake::default(), 0);
        Self { socket, desk, asker, source, shared, intake, quiet_since, alarm, last_bytes }
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
    async fn hear(&mut self) -> Heard {
        if !self.intake.is_empty() {
            let mut batch = self.desk.take_batch();
            let heard = self.intake.take_in(&[], &self.desk.manners, self.source, &mut batch);
            if heard.is_err() || !batch.is_empty() {
                return (batch, heard);
            }
            self.desk.put_back(batch);
        }
        let mut in_vain = false;
        loop {
            match self.read_again(in_vain).await {
                // A batch is memory, which a session that waits does not hold.
                Ok((batch, Ok(()))) if batch.is_empty() => self.desk.put_back(batch),
                Ok(heard) => return heard,
                Err(ending) => {
                    let mut batch = self.desk.take_batch();
                    if ending == Ending::TooSlow {
                        batch.push_rejected(Rejection::TooSlow);
                    }
                    return (batch, Err(ending));
                }
            }
            in_vain = true;
        }
    }

    /// Reads; after a read in vain only if there is time left, and when others have had their turn.
    /// A client that sends without a pause never leaves the socket empty, where waiting would look
    /// at the time.
    async fn read_again(&mut self, in_vain: bool) -> Result<Heard, Ending> {
        if in_vain {
            yield_now().await;
            let (until, late) = self.patience();
            if until <= Instant::now() {
                return Err(late);
            }
        }
        self.read().await
    }

    /// Waits for more bytes and takes them in; or waits for the time when waiting must end. Once the
    /// service ends, it only looks for what has come already.
    async fn read(&mut self) -> Result<Heard, Ending> {
        let (until, late) = self.patience();
        let mut looked_again = false;
        loop {
            if self.shared.draining.get() && self.last_bytes >= LAST_BYTES_MAX {
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
                read => return read,
            }
        }
    }

    /// When waiting must end, and how the conversation ends then.
    fn patience(&self) -> (Instant, Ending) {
        let timeouts = self.desk.manners.timeouts;
        match self.intake.incomplete_since() {
            Some(since) => (since + timeouts.request, Ending::TooSlow),
            None => (self.quiet_since + timeouts.idle, Ending::Idle),
        }
    }

    /// Takes in what the socket has.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Heard, Ending>> {
        let mut scratch = self.desk.scratch();
        let received = ready!(poll_receive(&mut self.socket, context, &mut scratch))?;
        if self.shared.draining.get() {
            self.last_bytes += received.len();
        }
        let mut batch = self.desk.take_batch();
        let heard = self.intake.take_in(received, &self.desk.manners, self.source, &mut batch);
        Poll::Ready(Ok((batch, heard)))
    }

    /// Answers a batch with one write. Gives back what found no room in it.
    async fn reply(&mut self, batch: Requests) -> Result<Requests, Ending> {
        let asked = batch.len();
        let Ok(mut replies) = self.desk.ask(batch, self.asker).await else {
            // The batch was lost with the part that failed on it, or could not be taken down; each
            // request gets its answer.
            self.count(asked);
            let mut lines = Vec::new();
            (0..asked).for_each(|_| wire::write_rejection(&mut lines, Rejection::Busy));
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
        Ok(replies.into_requests())
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
            let session = self.asker.session;
            for (request, outcome, reply) in replies.iter() {
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
            let read = poll_fn(|context| {
                let mut scratch = self.desk.scratch();
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
    socket: &mut impl Socket,
    context: &mut Context<'_>,
    scratch: &'a mut [u8],
) -> Poll<Result<&'a [u8], Ending>> {
    let mut buffer = ReadBuf::new(scratch);
    let read = ready!(Pin::new(socket).poll_read(context, &mut buffer));
    let filled = buffer.filled().len();
    Poll::Ready(match read {
        Err(error) => Err(Ending::Lost(error.kind())),
        Ok(()) => scratch.get(..filled).filter(|bytes| !bytes.is_empty()).ok_or(Ending::Closed),
    })
}
