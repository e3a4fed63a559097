//! Why a history cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use gradebook::EditionNumber;

/// Why a history cannot be opened, read or written. The text names the file.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The system refuses something.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// Another server has the lock.
    #[error("{}: another process uses this history; give each server its own folder", .0.display())]
    Locked(PathBuf),
    /// The folder belongs to something else.
    #[error("{}: contains other files; name a new or an empty folder", .0.display())]
    Foreign(PathBuf),
    /// A line of the journal was changed.
    #[error("{}: line {line} was changed or removed; restore the folder from a backup", path.display())]
    BrokenJournal {
        /// The journal.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The journal is another file than the one that was opened.
    #[error("{}: was removed, replaced or changed while it was in use; restore the folder and start again", .0.display())]
    Replaced(PathBuf),
    /// The file of an edition was cut or changed.
    #[error("{}: is damaged; restore it from a backup", .0.display())]
    Damaged(PathBuf),
    /// The file of an edition is gone.
    #[error("{}: is missing; restore it from a backup", .0.display())]
    Missing(PathBuf),
    /// The file of an edition does not follow from the last line of the journal.
    #[error("{}: does not follow edition {}; restore the folder from a backup", path.display(), last.0)]
    Unrelated {
        /// The file.
        path: PathBuf,
        /// The last edition of the journal; 0 if there is none.
        last: EditionNumber,
    },
    /// There is no such edition.
    #[error("there is no edition {}", .0.0)]
    Unknown(EditionNumber),
    /// The file of the edition was removed, since it was too old.
    #[error("edition {} is no longer kept (gradebook.history_max)", .0.0)]
    Pruned(EditionNumber),
}

pub(super) fn io_error(path: &Path, error: io::Error) -> HistoryError {
    HistoryError::Io { path: path.to_owned(), error }
}
