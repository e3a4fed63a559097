//! The state file of earlier versions: which statistics were released. A history takes it over.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gradebook::{InvalidHistory, LastEdition, ReleaseHistory};

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
    #[error(
        "{0}; restore a copy; or, if the path is right, remove the setting to release all statistics again"
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
