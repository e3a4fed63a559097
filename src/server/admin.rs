//! The admin socket of the running server.

use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::geteuid;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::admin::{AdminRequest, HEAD_BYTES_MAX, RequestHead, SocketPath};
use crate::publishing::{Done, TaskError};
use crate::redact::show_path;

/// The longest time in which a command sends its request, or takes a part of the reply.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most commands that are served at the same time. Others wait.
const CONNECTIONS_MAX: usize = 8;

/// How long to wait after a failure to accept, such as a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The bytes of a reply that are written within [`TIMEOUT`].
const CHUNK_BYTES: usize = 1 << 20;

/// A request with the place for its reply.
pub(super) struct AdminTask {
    pub(super) request: AdminRequest,
    pub(super) reply: oneshot::Sender<Result<Done, TaskError>>,
}

/// The socket, which is removed with this.
pub(super) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl AdminSocket {
    /// Makes the socket. One that an earlier process left behind is replaced.
    ///
    /// # Errors
    /// Returns an error if another server answers there, or the socket cannot be made.
    pub(super) fn bind(path: &Path) -> anyhow::Result<Self> {
        let shown = || format!("cannot make {} (admin.socket)", show_path(path));
        let short = SocketPath::of(path);
        let is_socket =
            path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_socket());
        if is_socket {
            if std::os::unix::net::UnixStream::connect(short.as_path()).is_ok() {
                bail!("{}: another server answers there; choose another path", shown());
            }
            std::fs::remove_file(path).with_context(shown)?;
        }
        let listener = UnixListener::bind(short.as_path()).with_context(shown)?;
        let socket = Self { listener, path: path.to_owned() };
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).with_context(shown)?;
        Ok(socket)
    }

    /// Hands on what commands ask for, for ever.
    pub(super) async fn serve(&self, tasks: mpsc::Sender<AdminTask>) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            if !is_allowed(&stream) {
                continue;
            }
            let tasks = tasks.clone();
            drop(tokio::task::spawn_local(async move {
                // A command that went away does not wait for a reply.
                drop(answer(stream, tasks).await);
                drop(permit);
            }));
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Returns true for the server's own user and for root.
fn is_allowed(stream: &UnixStream) -> bool {
    let user = stream.peer_cred().map(|peer| peer.uid());
    user.is_ok_and(|user| user == 0 || user == geteuid().as_raw())
}

async fn answer(stream: UnixStream, tasks: mpsc::Sender<AdminTask>) -> io::Result<()> {
    let (input, mut output) = stream.into_split();
    let request = timeout(TIMEOUT, read_request(BufReader::new(input))).await??;
    let (reply, done) = oneshot::channel();
    let task = AdminTask { request, reply };
    tasks.send(task).await.map_err(|_| ErrorKind::BrokenPipe)?;
    let done = done.await.map_err(|_| ErrorKind::BrokenPipe)?;
    let text = serde_json::to_vec(&done)?;
    for chunk in text.chunks(CHUNK_BYTES) {
        timeout(TIMEOUT, output.write_all(chunk)).await??;
    }
    output.shutdown().await
}

async fn read_request(
    mut input: BufReader<tokio::net::unix::OwnedReadHalf>,
) -> io::Result<AdminRequest> {
    let mut line = Vec::new();
    (&mut input).take(HEAD_BYTES_MAX).read_until(b'\n', &mut line).await?;
    let head = RequestHead::parse(&line).ok_or(ErrorKind::InvalidData)?;
    let mut content = Vec::new();
    let content_bytes = head.content_bytes();
    let read = input.take(content_bytes).read_to_end(&mut content).await?;
    if u64::try_from(read) != Ok(content_bytes) {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(head.with_content(content))
}
