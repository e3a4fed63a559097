//! The side of the commands.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

use super::message::RequestHead;
use super::socket_path::SocketPath;
use crate::files::private_file::folder_of;
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
    /// Another user's process answers.
    #[error(
        "{}: a process of another user answers there; choose a path in a folder that only the server's user can \
         write (admin.socket)",
        show_path(.0)
    )]
    ForeignServer(PathBuf),
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
    if !folder_of(socket).exists() {
        return Ok(None);
    }
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
    if !is_server(&stream, socket) {
        return Err(AdminError::ForeignServer(socket.to_owned()));
    }
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

/// Returns true if the process at the other end may be the server: it is of this user, of root, or of the user who
/// owns the folder of the socket and alone can write it.
fn is_server(stream: &UnixStream, socket: &Path) -> bool {
    const OTHERS_WRITE: u32 = 0o022;
    let Ok(peer) = socket_peercred(stream) else { return false };
    let folder = folder_of(socket).metadata();
    let owner = folder.ok().filter(|folder| folder.mode() & OTHERS_WRITE == 0);
    peer.uid.is_root()
        || peer.uid == geteuid()
        || owner.is_some_and(|folder| folder.uid() == peer.uid.as_raw())
}

fn exchange(mut stream: UnixStream, line: &[u8], content: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(line)?;
    stream.write_all(content)?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.take(REPLY_BYTES_MAX).read_to_end(&mut reply)?;
    Ok(reply)
}
