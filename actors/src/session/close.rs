//! Closing a connection so that the client receives the last replies.

use std::future::poll_fn;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::stream::{SessionStream, poll_receive};
use crate::dispatch::WorkerContext;
use crate::event::CloseReason;

/// The most bytes that are read and dropped after the last reply: more than Linux holds for one
/// connection by default (6 MiB, `tcp_rmem` in tcp(7)), so that an honest client is never reset.
const LINGER_BYTES_MAX: usize = 8 << 20;

/// Closes a connection. `answered` is whether a request was answered or rejected.
pub(super) async fn close(
    stream: &mut impl SessionStream,
    worker: &WorkerContext,
    reason: CloseReason,
    answered: bool,
) {
    match reason {
        CloseReason::Lost(_) | CloseReason::Panicked | CloseReason::BadProxyHeader => {}
        CloseReason::NotReading => drop(stream.reset_on_drop()),
        CloseReason::Closed => drop(stream.shutdown().await),
        // Without a reply there is nothing to deliver.
        CloseReason::Idle | CloseReason::Drained if !answered => drop(stream.shutdown().await),
        CloseReason::Idle
        | CloseReason::Drained
        | CloseReason::TooManyConnections
        | CloseReason::UnknownStudent
        | CloseReason::TooLong
        | CloseReason::TooSlow
        | CloseReason::KeyRevealed => {
            // Closing with unread bytes resets the connection, and the reset can overtake the replies.
            // So the client sees the end, and the server reads until the client closes too.
            drop(stream.shutdown().await);
            let linger = worker.session_config.timeouts.linger;
            drop(timeout(linger, read_to_end(stream, worker)).await);
        }
    }
}

/// Reads and drops the rest of the input, up to the limit.
async fn read_to_end(stream: &mut impl SessionStream, worker: &WorkerContext) {
    let mut dropped = 0;
    while dropped < LINGER_BYTES_MAX {
        let read = poll_fn(|context| {
            let mut scratch = worker.scratch();
            poll_receive(stream, context, &mut scratch).map_ok(<[u8]>::len)
        });
        let Ok(bytes) = read.await else { return };
        dropped += bytes;
    }
}
