//! From the files of a class to a book: load, decide the edition's number, publish.

use std::path::PathBuf;
use std::time::SystemTime;

use fernet_batch::Timestamp;
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
    let edition = first_edition(settings, last);
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

/// The number of the first edition: above that of earlier runs, as far as it is known. Clients of
/// sealed replies reject an edition below one that they have seen; so in that profile it is at least
/// the time in milliseconds, and reading a class file takes longer than one.
fn first_edition(settings: &Settings, last: EditionNumber) -> EditionNumber {
    let by_clock = match settings.profile.is_sealed() {
        true => EditionNumber(Timestamp::of(SystemTime::now()).0.saturating_mul(1_000)),
        false => EditionNumber(1),
    };
    by_clock.max(last.next())
}
