//! From the files of a class to a book: load, decide the edition's number, publish.

use std::path::PathBuf;
use std::time::SystemTime;

use fernet_batch::Timestamp;
use grade_actors::{LabProfile, Profile, SealedProfile};
use gradebook::{Book, EditionNumber, IdSet, ReleaseHistory, UnknownStudent};

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
    /// What the instructor should know of the files and the class.
    pub warnings: Vec<String>,
}

/// Why a class cannot be published.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum PublishError {
    /// A file cannot be read.
    Read(#[from] ReadError),
    /// The release history cannot be read or written.
    State(#[from] StateError),
    /// The class does not fit the limits.
    Class(#[from] ClassError),
}

/// Why a class does not fit the limits of the settings.
#[derive(Debug, thiserror::Error)]
pub enum ClassError {
    /// Not every student can be answered.
    #[error(
        "sealed.replays = {replays} is less than the {students} students of the class, so that not each \
         could ask; set it to {students} at least"
    )]
    TooFewReplays {
        /// The setting.
        replays: usize,
        /// The students of the class.
        students: usize,
    },
    /// A reply is longer than a batch of replies may be. All answers to `REPORT` have one length.
    #[error(
        "a REPORT of this class has {bytes} bytes, more than limits.output_bytes = {bytes_max}; set it to \
         {bytes} at least"
    )]
    LongReport {
        /// The reply's length.
        bytes: usize,
        /// The setting.
        bytes_max: usize,
    },
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
    publish(loaded, edition, &history, settings)
}

/// Publishes a loaded class as an edition.
pub(super) fn publish(
    loaded: LoadedClass,
    edition: EditionNumber,
    history: &ReleaseHistory,
    settings: &Settings,
) -> Result<Publication, PublishError> {
    let LoadedClass { class, files, digests, mut warnings } = loaded;
    let ids = class.id_set();
    warnings.extend(check_students(class.students(), &settings.profile)?);
    let stamp = edition.published_at(Timestamp::of(SystemTime::now()));
    let book = Book::publish(class, stamp, history, settings.policy);
    check_replies(&book, settings)?;
    Ok(Publication { book, ids, files, digests, warnings })
}

/// Checks that each student has a share of the remembered requests. Returns a warning if the share is
/// smaller than the settings have it.
fn check_students(students: usize, profile: &Profile) -> Result<Option<String>, ClassError> {
    let Profile::Sealed(SealedProfile { replays, .. }) = profile else { return Ok(None) };
    if replays.total < students {
        return Err(ClassError::TooFewReplays { replays: replays.total, students });
    }
    let share = replays.share(students);
    Ok((share < replays.per_student).then(|| {
        format!(
            "sealed.replays = {} allows each of {students} students {share} requests within \
             sealed.clock_skew, fewer than sealed.replays_per_student = {}",
            replays.total, replays.per_student
        )
    }))
}

/// Checks that replies whose length must not tell a mark fit the limit.
fn check_replies(book: &Book, settings: &Settings) -> Result<(), ClassError> {
    let bytes_max = settings.session.batch.output_bytes;
    let bytes = match &settings.profile {
        Profile::Sealed(_) => book.sealed_reply_bytes_max(),
        Profile::Lab(LabProfile { unknown_student: UnknownStudent::Decoy(_), .. }) => {
            book.clear_reply_bytes_max()
        }
        Profile::Lab(_) => 0,
    };
    if bytes > bytes_max {
        return Err(ClassError::LongReport { bytes, bytes_max });
    }
    Ok(())
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
