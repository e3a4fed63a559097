//! Editions that end with the process: a class file is published whenever it is read.

use std::hash::Hasher as _;
use std::path::PathBuf;
use std::time::SystemTime;

use fernet_batch::Timestamp;
use gradebook::{Book, Class, EditionNumber, LastEdition, PrivacyPolicy, StatisticsMode};
use twox_hash::XxHash3_64;

use super::checks::{ClassError, check_replies, check_students, oddities};
use crate::files::FileState;
use crate::files::load::{LoadedClass, ReadError, Sources, load};
use crate::settings::Settings;

/// A class that was loaded and published.
pub struct Publication {
    /// The book.
    pub book: Book,
    /// Each file and the state in which it was read.
    pub files: Vec<(PathBuf, FileState)>,
    /// A digest of each file's bytes.
    pub digests: Vec<u128>,
    /// When the next assessment is released by itself.
    pub next_release: Option<Timestamp>,
    /// When the class file was exported, in seconds since 1970, if it says so.
    pub exported_at: Option<u64>,
    /// The edition.
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
    /// The class does not fit the limits.
    Class(#[from] ClassError),
}

/// Publishes the first edition of a run.
///
/// # Errors
/// Returns an error if a file cannot be read or is invalid.
pub fn publish_first(settings: &Settings) -> Result<Publication, PublishError> {
    let staged = stage(settings, &settings.sources)?;
    publish_next(staged, LastEdition::default(), settings)
}

/// A class as students may see it now.
pub(crate) struct Staged {
    pub(crate) class: Class,
    /// What identifies the content of its edition.
    pub(crate) content: u64,
    pub(crate) exported_at: Option<u64>,
    pub(crate) digests: Vec<u128>,
    next_release: Option<Timestamp>,
    files: Vec<(PathBuf, FileState)>,
    warnings: Vec<String>,
}

/// Loads a class from these sources, and drops what is not released yet.
pub(crate) fn stage(settings: &Settings, sources: &Sources) -> Result<Staged, PublishError> {
    let now = Timestamp::of(SystemTime::now());
    let loaded = load(sources, &settings.read_limits)?;
    let LoadedClass { class, files, digests, warnings, exported_at, .. } = loaded;
    let next_release = class.next_release(now);
    let class = class.released_at(now);
    let content = content_digest(&class, &digests, settings.policy);
    Ok(Staged { class, content, exported_at, digests, next_release, files, warnings })
}

/// Publishes a class as the edition after `last`.
pub(crate) fn publish_next(
    staged: Staged,
    last: LastEdition,
    settings: &Settings,
) -> Result<Publication, PublishError> {
    let edition = next_edition(settings, last, Some(staged.content));
    publish(staged, edition, settings)
}

fn publish(
    staged: Staged,
    edition: LastEdition,
    settings: &Settings,
) -> Result<Publication, PublishError> {
    let Staged { class, files, digests, next_release, exported_at, mut warnings, .. } = staged;
    warnings.extend(check_students(class.students(), &settings.profile)?);
    warnings.extend(oddities(&class));
    let stamp = edition.number.published_at(edition.published);
    let book = Book::publish(class, stamp, settings.policy);
    check_replies(&book, settings)?;
    Ok(Publication { book, files, digests, next_release, exported_at, last: edition, warnings })
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
    hasher.write_u8(u8::from(policy.mode == StatisticsMode::Plain));
    hasher.finish()
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
