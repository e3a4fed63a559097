//! From the files of a class to a book: load, decide the edition's number, publish.

use std::path::PathBuf;
use std::time::SystemTime;

use gradebook::{Book, EditionNumber, IdSet, ReleaseHistory};

use crate::files::FileState;
use crate::files::load::{LoadedClass, ReadError, load};
use crate::files::state::{self, StateError};
use crate::settings::Settings;

/// A class that was loaded and published.
pub struct Publication {
    /// The book.
    pub book: Book,
    /// The students' IDs.
    pub ids: IdSet,
    /// Each file and the state in which it was read.
    pub files: Vec<(PathBuf, FileState)>,
    /// A digest of each file's bytes.
    pub digests: Vec<u128>,
    /// What the instructor should know of the files.
    pub warning: Option<String>,
}

/// Why a class cannot be published.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum PublishError {
    /// A file cannot be read.
    Read(#[from] ReadError),
    /// The release history cannot be read or written.
    State(#[from] StateError),
}

/// Publishes the first edition of a run. It writes nothing.
///
/// # Errors
/// Returns an error if a file cannot be read or is invalid.
pub fn publish_first(settings: &Settings) -> Result<Publication, PublishError> {
    let (history, last) = match &settings.state_file {
        Some(path) => state::read(path)?,
        None => <_>::default(),
    };
    let edition = next_edition(settings, last);
    let loaded = load(&settings.sources, &settings.read_limits)?;
    Ok(publish(loaded, edition, &history, settings))
}

/// Publishes a loaded class as an edition.
pub(super) fn publish(
    loaded: LoadedClass,
    edition: EditionNumber,
    history: &ReleaseHistory,
    settings: &Settings,
) -> Publication {
    let LoadedClass { class, files, digests, warning } = loaded;
    let ids = class.id_set();
    let book = Book::publish(class, edition, history, settings.policy);
    Publication { book, ids, files, digests, warning }
}

/// The number of the edition after `last`, which may be of an earlier run. Clients of sealed replies
/// reject an edition below one that they have seen, and a run may not know the last edition of the run
/// before it. So in that profile the number is at least the time in milliseconds, which is never less
/// than the number of reloads so far.
pub(super) fn next_edition(settings: &Settings, last: EditionNumber) -> EditionNumber {
    if !settings.profile.is_sealed() {
        return last.next();
    }
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let milliseconds = since_1970.map_or(0, |since| since.as_millis());
    last.next().max(EditionNumber(u64::try_from(milliseconds).unwrap_or(u64::MAX)))
}
