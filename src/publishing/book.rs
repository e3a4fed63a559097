//! The book of an edition: its content joined with the keys.

use class_files::KeyFile;
use editions::{Content, ContentError, StoredEdition};
use fernet_batch::{StudentKeys, Timestamp};
use gradebook::{
    Assessment, Book, Class, Decisions, EditionStamp, InvalidHistory, ReleaseHistory,
    StatisticDecision,
};

/// Why an edition that was kept is not a book.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    /// The content is not a class.
    #[error("the edition {0}")]
    Content(#[from] ContentError),
    /// What was decided about statistics cannot be read.
    #[error("what was decided about statistics {0}")]
    Statistics(#[from] InvalidHistory),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// The class with every student, as it is shown at a time. A student without a key gets one that nobody has.
pub(super) fn whole_class(
    content: &Content,
    keys: &KeyFile,
    time: Timestamp,
) -> Result<Class, BookError> {
    let random = || StudentKeys::generate().ok();
    let class = content.into_class(|id| keys.keys(id).cloned().or_else(random))?;
    if class.students() < content.students() {
        return Err(BookError::Random);
    }
    Ok(class.released_at(time))
}

/// The class with the students who have a key, as it is shown at a time.
fn class_with_keys(
    content: &Content,
    keys: &KeyFile,
    time: Timestamp,
) -> Result<Class, ContentError> {
    Ok(content.into_class(|id| keys.keys(id).cloned())?.released_at(time))
}

/// What was decided about an edition, and everything that was released up to it.
pub(super) fn kept_statistics(
    edition: &StoredEdition,
) -> Result<(Decisions, ReleaseHistory), BookError> {
    let shown = shown(&edition.content, edition.record.time).filter(|is_shown| *is_shown).count();
    let decisions = Decisions::from_json(&edition.decisions, shown)?;
    let (releases, _) = ReleaseHistory::from_json(&edition.releases)?;
    Ok((decisions, releases))
}

/// Whether each assessment is shown at a time.
pub(super) fn shown(content: &Content, time: Timestamp) -> impl Iterator<Item = bool> {
    content.assessments().iter().map(move |assessment| assessment.release.is_released(time))
}

/// The next moment after a time at which an assessment is released by itself.
pub(super) fn next_release(content: &Content, after: Timestamp) -> Option<Timestamp> {
    Assessment::next_release(content.assessments(), after)
}

/// The book of an edition for the students who have a key.
pub(super) fn book(
    content: &Content,
    stamp: EditionStamp,
    decisions: &Decisions,
    keys: &KeyFile,
) -> Result<Book, BookError> {
    let class = class_with_keys(content, keys, stamp.published)?;
    let decided: Vec<StatisticDecision> = decisions.of(stamp.number).collect();
    if class.assessments().count() != decided.len() {
        return Err(BookError::Statistics(InvalidHistory));
    }
    Ok(Book::of_edition(class, stamp, decisions))
}
