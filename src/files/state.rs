//! The state file: which statistics were released, from one run of the server to the next.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gradebook::{InvalidHistory, LastEdition, ReleaseHistory};

use super::private_file;
use crate::redact::show_path;

/// The most bytes of a state file: room for 64 releases of each of some hundred assessments.
const BYTES_MAX: u64 = 64 << 20;

/// Why the state file cannot be read or written, with its path.
#[derive(Debug, thiserror::Error)]
#[error("{} (gradebook.state_file): {error}", show_path(path))]
pub struct StateError {
    path: PathBuf,
    error: StateErrorKind,
}

#[derive(Debug, thiserror::Error)]
enum StateErrorKind {
    #[error("cannot be read: {0}")]
    Read(io::Error),
    #[error("cannot be written, so no new statistics may be released: {0}")]
    Write(io::Error),
    #[error("another server keeps its release history there; give each server its own file")]
    Locked,
    #[error(
        "{0}; restore a copy; or, if the path is right, remove it to release all statistics again"
    )]
    Invalid(#[from] InvalidHistory),
}

/// Reads the release history and the edition up to which it goes; an empty history if there is no
/// file.
///
/// # Errors
/// Returns an error if there is a file that cannot be read.
pub fn read(path: &Path) -> Result<(ReleaseHistory, LastEdition), StateError> {
    let state_error = |error| StateError { path: path.to_owned(), error };
    match read_text(path) {
        Ok(text) => ReleaseHistory::from_json(&text).map_err(|error| state_error(error.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(<_>::default()),
        Err(error) => Err(state_error(StateErrorKind::Read(error))),
    }
}

fn read_text(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a FIFO would wait for a writer.
    let file: File = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

/// Writes the release history up to an edition. It must be written before the edition is installed.
///
/// # Errors
/// Returns an error if the file cannot be written; then it is as it was.
pub(crate) fn write(
    path: &Path,
    history: &ReleaseHistory,
    last: LastEdition,
) -> Result<(), StateError> {
    let text = history.to_json(last);
    let too_large = u64::try_from(text.len()).is_ok_and(|bytes| bytes >= BYTES_MAX);
    let written = match too_large {
        true => Err(ErrorKind::FileTooLarge.into()),
        false => private_file::write(path, &text),
    };
    written.map_err(|error| {
        let error = StateErrorKind::Write(error);
        StateError { path: path.to_owned(), error }
    })
}

/// The lock of a state file, which only one server may write: a file beside it, since the state file
/// itself is replaced whenever it is written. The lock ends with the process.
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// Returns an error if another server has it, or its file cannot be created.
    pub(crate) fn take(path: &Path) -> Result<Self, StateError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        Self::take_with(path, &options)
    }

    /// Checks that the lock can be taken, and leaves no file behind.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(crate) fn check(path: &Path) -> Result<(), StateError> {
        let state_error = |error| StateError { path: path.to_owned(), error };
        if lock_path(path).exists() {
            return Self::take_with(path, OpenOptions::new().write(true)).map(drop);
        }
        let writable = private_file::check_folder(path);
        writable.map_err(|error| state_error(StateErrorKind::Write(error)))
    }

    fn take_with(path: &Path, options: &OpenOptions) -> Result<Self, StateError> {
        let state_error = |error| StateError { path: path.to_owned(), error };
        let opened = options.open(lock_path(path));
        let file = opened.map_err(|error| state_error(StateErrorKind::Write(error)))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(state_error(StateErrorKind::Locked)),
            Err(TryLockError::Error(error)) => Err(state_error(StateErrorKind::Write(error))),
        }
    }
}

/// The path of a state file's lock.
fn lock_path(path: &Path) -> PathBuf {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    lock.into()
}
