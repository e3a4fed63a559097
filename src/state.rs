//! What the server remembers from one run to the next: what it has told of the class.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gradebook::{EditionNumber, InvalidHistory, ReleaseHistory};

use crate::private_file;

/// The most bytes of a state file: 64 figures of each of some hundred assessments have room.
const BYTES_MAX: u64 = 64 << 20;

/// Why the state cannot be read or kept, with the path.
#[derive(Debug, thiserror::Error)]
#[error("{} (gradebook.state_file): {why}", path.display())]
pub struct StateError {
    path: PathBuf,
    why: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("cannot be read: {0}")]
    Read(io::Error),
    #[error("cannot be written, so nothing new may be told: {0}")]
    Write(io::Error),
    #[error(
        "{0}; put back a copy; or, if the path is right, remove it to tell all statistics anew"
    )]
    InvalidHistory(#[from] InvalidHistory),
}

/// Reads what has been told, and up to which edition; nothing, if there is no state yet.
///
/// # Errors
/// [`StateError`] when there is a file that cannot be read.
pub fn read(path: &Path) -> Result<(ReleaseHistory, EditionNumber), StateError> {
    let fault = |why| StateError { path: path.to_owned(), why };
    let mut text = Vec::new();
    // Opening a FIFO would wait for a writer.
    let open = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let regular = |file: File| match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    };
    let read = |file: File| file.take(BYTES_MAX).read_to_end(&mut text);
    match open.and_then(regular).and_then(read) {
        Ok(_) => ReleaseHistory::from_record(&text).map_err(|why| fault(why.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(<_>::default()),
        Err(error) => Err(fault(Reason::Read(error))),
    }
}

/// Keeps what is told up to an edition. It must be kept before it is told.
///
/// # Errors
/// [`StateError`].
pub(crate) fn write(
    path: &Path,
    history: &ReleaseHistory,
    edition: EditionNumber,
) -> Result<(), StateError> {
    let text = history.to_record(edition);
    let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let fits = if bytes < BYTES_MAX { Ok(()) } else { Err(ErrorKind::FileTooLarge.into()) };
    fits.and_then(|()| private_file::write(path, &text))
        .map_err(|error| StateError { path: path.to_owned(), why: Reason::Write(error) })
}
