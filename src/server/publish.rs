//! From the files of a class to a book: load, decide the edition's number, publish.

use std::hash::Hasher as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use fernet_batch::Timestamp;
use grade_actors::{LabProfile, Profile, SealedProfile};
use gradebook::{
    Book, Class, EditionNumber, IdSet, LastEdition, PrivacyPolicy, ReleaseHistory, UnknownStudent,
};
use twox_hash::XxHash3_64;

use crate::files::FileState;
use crate::files::load::{LoadedClass, ReadError, load};
use crate::files::state::{self, StateError};
use crate::settings::Settings;

/// A class that was loaded and published.
pub struct Publication {
    /// The book.
    pub book: Book,
    /// The students' IDs.
    pub ids: Arc<IdSet>,
    /// Each file and the state in which it was read.
    pub files: Vec<(PathBuf, FileState)>,
    /// A digest of each file's bytes.
    pub digests: Vec<u128>,
    /// When the next assessment is released by itself.
    pub next_release: Option<Timestamp>,
    /// When the class file was exported, in seconds since 1970, if it says so.
    pub exported_at: Option<u64>,
    /// The edition, as the state file names it.
    pub last: LastEdition,
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

/// Publishes the first edition of a run: the last edition of the run before, if the state file has it
/// and the content is the same. It writes nothing.
///
/// # Errors
/// Returns an error if a file cannot be read or is invalid.
pub fn publish_first(settings: &Settings) -> Result<Publication, PublishError> {
    let (history, last) = match &settings.state_file {
        Some(path) => state::read(path)?,
        None => <_>::default(),
    };
    let staged = stage(settings)?;
    let content = Some(staged.content);
    let edition =
        if content == last.content { last } else { next_edition(settings, last, content) };
    publish(staged, edition, &history, settings)
}

/// A class as students may see it now.
pub(super) struct Staged {
    pub(super) class: Class,
    /// What identifies the content of its edition.
    pub(super) content: u64,
    pub(super) exported_at: Option<u64>,
    pub(super) digests: Vec<u128>,
    next_release: Option<Timestamp>,
    files: Vec<(PathBuf, FileState)>,
    warnings: Vec<String>,
}

/// Loads a class, and drops what is not released yet.
pub(super) fn stage(settings: &Settings) -> Result<Staged, PublishError> {
    let now = Timestamp::of(SystemTime::now());
    let loaded = load(&settings.sources, &settings.read_limits)?;
    let LoadedClass { class, files, digests, warnings, exported_at } = loaded;
    let next_release = class.next_release(now);
    let class = class.released_at(now);
    let content = content_digest(&class, &digests, settings.policy);
    Ok(Staged { class, content, exported_at, digests, next_release, files, warnings })
}

/// Publishes a class as the edition after `last`.
pub(super) fn publish_next(
    staged: Staged,
    last: LastEdition,
    history: &ReleaseHistory,
    settings: &Settings,
) -> Result<Publication, PublishError> {
    let edition = next_edition(settings, last, Some(staged.content));
    publish(staged, edition, history, settings)
}

fn publish(
    staged: Staged,
    edition: LastEdition,
    history: &ReleaseHistory,
    settings: &Settings,
) -> Result<Publication, PublishError> {
    let Staged { class, files, digests, next_release, exported_at, mut warnings, .. } = staged;
    let ids = Arc::new(class.id_set());
    warnings.extend(check_students(class.students(), &settings.profile)?);
    warnings.extend(oddities(&class));
    let stamp = edition.number.published_at(edition.published);
    let book = Book::publish(class, stamp, history, settings.policy);
    check_replies(&book, settings)?;
    Ok(Publication {
        book,
        ids,
        files,
        digests,
        next_release,
        exported_at,
        last: edition,
        warnings,
    })
}

/// What identifies the content of an edition: the bytes of its files, the assessments that are released,
/// and the policy for statistics.
fn content_digest(class: &Class, digests: &[u128], policy: PrivacyPolicy) -> u64 {
    let mut hasher = XxHash3_64::new();
    for digest in digests {
        hasher.write(&digest.to_le_bytes());
    }
    for assessment in class.assessments() {
        hasher.write(assessment.as_bytes());
        hasher.write_u8(0);
    }
    hasher.write(&policy.population_min.to_le_bytes());
    hasher.finish()
}

/// What is valid in a class, but seldom meant.
fn oddities(class: &Class) -> impl Iterator<Item = String> {
    let nameless = listed(class.nameless().map(str::to_owned));
    let negative =
        listed(class.negative_marks().map(|(id, assessment)| format!("{id} in {assessment:?}")));
    let nameless = nameless.map(|ids| format!("students without a name: {ids}"));
    let negative = negative.map(|marks| format!("negative marks: {marks}"));
    nameless.into_iter().chain(negative)
}

/// The first of some texts, and how many more there are; `None` if there are none.
fn listed(mut texts: impl Iterator<Item = String>) -> Option<String> {
    /// As many as fit a line.
    const SHOWN_MAX: usize = 5;
    let shown: Vec<_> = texts.by_ref().take(SHOWN_MAX).collect();
    match texts.count() {
        0 if shown.is_empty() => None,
        0 => Some(shown.join(", ")),
        more => Some(format!("{} and {more} more", shown.join(", "))),
    }
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

/// The edition after `last`, published now. `last` may be of an earlier run. Clients of sealed replies
/// reject an edition below one that they have seen, and a run may not know the last edition of the run
/// before it. So in that profile the number is at least the time in milliseconds, which is never less
/// than the number of reloads so far.
fn next_edition(settings: &Settings, last: LastEdition, content: Option<u64>) -> LastEdition {
    let now = SystemTime::now();
    let published = Timestamp::of(now);
    let mut number = last.number.next();
    if settings.profile.is_sealed() {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH);
        let milliseconds = since_1970.map_or(0, |since| since.as_millis());
        number = number.max(EditionNumber(u64::try_from(milliseconds).unwrap_or(u64::MAX)));
    }
    LastEdition { number, published, content }
}
