//! The side of the commands.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::message::RequestHead;
use super::socket_path::SocketPath;
use crate::publishing::{Done, Offer, Task, TaskError};
use crate::redact::show_path;

/// The most bytes of a reply: every mark of a class of some million students.
const REPLY_BYTES_MAX: u64 = 4 << 30;

/// Why the running server cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// The socket is not usable.
    #[error("{}: {error}; only the server's own user and root can ask it", show_path(path))]
    Socket {
        /// The socket.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The server closed the connection without a reply.
    #[error(
        "{}: the server did not answer; only its own user and root can ask it, with the same version of the \
         program",
        show_path(.0)
    )]
    NoAnswer(PathBuf),
    /// The task failed.
    #[error(transparent)]
    Task(#[from] TaskError),
}

/// Asks the server that runs; `None` if none does.
///
/// # Errors
/// Returns an error if the server does not answer, or cannot do what it is asked for.
pub(crate) fn ask(
    socket: &Path,
    task: &Task,
    offer: Option<&Offer>,
    who: Option<&str>,
) -> Result<Option<Done>, AdminError> {
    let stream = match UnixStream::connect(SocketPath::of(socket).as_path()) {
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        connected => connected,
    };
    let failed = |error| AdminError::Socket { path: socket.to_owned(), error };
    let stream = stream.map_err(failed)?;
    let (head, content) = RequestHead::of(task, offer, who);
    let mut line = serde_json::to_vec(&head).map_err(|error| failed(error.into()))?;
    line.push(b'\n');
    let reply = exchange(stream, &line, &content).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
            AdminError::NoAnswer(socket.to_owned())
        }
        _ => failed(error),
    })?;
    let reply: Result<Done, TaskError> =
        serde_json::from_slice(&reply).map_err(|_| AdminError::NoAnswer(socket.to_owned()))?;
    Ok(Some(reply?))
}

fn exchange(mut stream: UnixStream, line: &[u8], content: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(line)?;
    stream.write_all(content)?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.take(REPLY_BYTES_MAX).read_to_end(&mut reply)?;
    Ok(reply)
}
