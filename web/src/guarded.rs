//! The deadlines and limits of a connection, below HTTP: slow, endless and half requests, clients that do
//! not read, and clients that say nothing end as on TCP.
//!
//! The HTTP library above has a deadline for the first head of a connection only, and none for writing. So
//! its own are off, and these hold instead.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use grade_actors::event::CloseReason;
use grade_actors::{Deadline, Timeouts};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::connection::{Connection, Phase};
use crate::transport::Stream;

/// The most bytes of a request's head: its lines up to the blank one.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The most bytes that are read while a request is handled, with what its body may hold beside text (chunk
/// extensions and trailers), and with the requests behind it that the library reads ahead.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// The bytes after which the input pauses, so that the library takes them in before its buffer grows: that
/// never shrinks.
const READ_BYTES: usize = 8 * 1024;

/// The most bytes that are read and dropped after the last response: more than Linux holds for one
/// connection by default (6 MiB, `tcp_rmem` in tcp(7)), so that an honest client reads the response.
const LINGER_BYTES_MAX: usize = 8 << 20;

const TOO_SLOW: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\
    access-control-allow-origin: *\r\ncache-control: no-store\r\n\r\n";
const TOO_LONG: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
    content-length: 0\r\naccess-control-allow-origin: *\r\ncache-control: no-store\r\n\r\n";

/// A connection that is guarded.
pub(crate) struct Guarded<S> {
    stream: S,
    connection: Rc<Connection>,
    timeouts: Timeouts,
    timer: Deadline,
    /// The end of the last response, or the beginning of the connection.
    last_activity: Instant,
    /// The bytes read in this phase of this request.
    request_bytes: usize,
    /// The request and the phase that they were read in.
    counted_for: (u64, bool),
    /// The bytes read since the last pause.
    unpaused_bytes: usize,
    /// When the write that waits must be done.
    write_deadline: Option<Instant>,
    /// Whether the guard has ended the input.
    is_over: bool,
    /// The end of the connection, once the last response is written.
    closing: Option<Closing>,
}

/// How far the end of a connection is.
struct Closing {
    /// When to stop waiting for the client.
    deadline: Instant,
    dropped_bytes: usize,
    /// Whether the client was sent the end.
    is_shut: bool,
}

impl<S: Stream> Guarded<S> {
    pub(crate) fn new(stream: S, connection: Rc<Connection>, timeouts: Timeouts) -> Self {
        let now = Instant::now();
        Self {
            stream,
            connection,
            timeouts,
            timer: Deadline::new(now + timeouts.idle),
            last_activity: now,
            request_bytes: 0,
            counted_for: (0, true),
            unpaused_bytes: 0,
            write_deadline: None,
            is_over: false,
            closing: None,
        }
    }

    /// What is known of the connection.
    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Ends the input, with a response if the client waits for one. It is given only while a head is awaited:
    /// then the response before is written whole.
    fn end_input(
        &mut self,
        context: &mut Context<'_>,
        reason: CloseReason,
        response: &[u8],
    ) -> Poll<io::Result<()>> {
        self.is_over = true;
        self.connection.close(reason);
        if !response.is_empty() {
            // A client that does not take these bytes at once does without them.
            let _ = Pin::new(&mut self.stream).poll_write(context, response);
        }
        Poll::Ready(Ok(()))
    }

    /// When the head must be complete, or the connection ends for silence.
    fn head_deadline(&self) -> (Instant, CloseReason) {
        match self.connection.started_at() {
            Some(started_at) => (started_at + self.timeouts.request, CloseReason::TooSlow),
            None => (self.last_activity + self.timeouts.idle, CloseReason::Idle),
        }
    }

    /// Ends the connection so that the client receives the last response: sends the end, then reads and
    /// drops what comes until the client ends too, since closing with unread bytes would reset the
    /// connection.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = Instant::now() + self.timeouts.linger;
        let closing =
            self.closing.get_or_insert(Closing { deadline, dropped_bytes: 0, is_shut: false });
        if !closing.is_shut {
            match Pin::new(&mut self.stream).poll_shutdown(context) {
                Poll::Ready(Ok(())) => closing.is_shut = true,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => {}
            }
        }
        let mut scratch = [0; 4096];
        while closing.dropped_bytes < LINGER_BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    closing.dropped_bytes += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.timer.poll(context, closing.deadline),
            }
        }
        Poll::Ready(())
    }

    /// Waits for a write until its deadline.
    fn poll_written<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_pending() {
            let deadline = Instant::now() + self.timeouts.write;
            let deadline = *self.write_deadline.get_or_insert(deadline);
            ready!(self.timer.poll(context, deadline));
            self.connection.close(CloseReason::NotReading);
            self.stream.reset_on_drop();
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl<S: Stream> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if guard.is_over {
            return Poll::Ready(Ok(()));
        }
        let in_head = guard.connection.phase() == Phase::Head;
        if in_head && guard.connection.is_last() {
            ready!(guard.poll_close(context));
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        if guard.unpaused_bytes >= READ_BYTES {
            guard.unpaused_bytes = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let counted_for = (guard.connection.handled(), in_head);
        if guard.counted_for != counted_for {
            guard.counted_for = counted_for;
            guard.request_bytes = 0;
        }
        // The library has seen these bytes, since the input has paused behind them.
        if in_head && guard.request_bytes >= HEAD_BYTES_MAX {
            return guard.end_input(context, CloseReason::TooLong, TOO_LONG);
        }
        if guard.request_bytes >= REQUEST_BYTES_MAX {
            return guard.end_input(context, CloseReason::TooLong, b"");
        }
        let filled = buffer.filled().len();
        match Pin::new(&mut guard.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let bytes = buffer.filled().len().saturating_sub(filled);
                if bytes == 0 {
                    guard.connection.close(CloseReason::Closed);
                } else {
                    guard.request_bytes = guard.request_bytes.saturating_add(bytes);
                    guard.unpaused_bytes = guard.unpaused_bytes.saturating_add(bytes);
                    if in_head {
                        guard.connection.begin_request();
                    }
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                guard.connection.close(CloseReason::Lost(error.kind()));
                Poll::Ready(Err(error))
            }
            Poll::Pending if in_head => {
                let (deadline, reason) = guard.head_deadline();
                ready!(guard.timer.poll(context, deadline));
                let response = if reason == CloseReason::TooSlow { TOO_SLOW } else { b"" };
                guard.end_input(context, reason, response)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: Stream> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        let written = Pin::new(&mut guard.stream).poll_write(context, bytes);
        guard.poll_written(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        let flushed = Pin::new(&mut guard.stream).poll_flush(context);
        let flushed = guard.poll_written(context, flushed);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            guard.write_deadline = None;
            if guard.connection.flushed() {
                guard.last_activity = Instant::now();
                // The input is polled again, for the deadline of the next request or the end.
                context.waker().wake_by_ref();
            }
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_close(context).map(Ok)
    }
}

#[cfg(test)]
mod tests;
