//! Whether a server could start with its history now.

use std::time::SystemTime;

use editions::{CheckedHistory, History, HistoryError, StoredEdition};
use fernet_batch::Timestamp;
use gradebook::{Drawing, EditionNumber, InvalidHistory, Publication, ReleaseHistory};

use super::book::{BookError, book, kept_statistics, whole_class};
use super::candidate::Candidate;
use super::checks::{check_replies, check_students, drawing_warning};
use super::error::PublisherError;
use super::publisher::read_keys;
use super::report::State;
use super::review::Review;
use crate::files::load::ReadError;
use crate::files::state;
use crate::settings::{HistorySettings, PublishMode, Settings};

/// A class as a server would start with it.
pub(crate) struct CheckedClass {
    /// The edition that would be served in place of the class file, and why that is not valid.
    pub(crate) in_place_of_file: Option<(EditionNumber, ReadError)>,
    /// Why a server with this history cannot start now, although everything is valid.
    pub(crate) start_error: Option<PublisherError>,
    pub(crate) students: usize,
    /// The assessments that are released.
    pub(crate) assessments: usize,
    /// What the operator should know.
    pub(crate) warnings: Vec<String>,
}

/// Checks the history, the keys and the class file, and changes nothing.
///
/// # Errors
/// Returns the first reason for which a start would fail now.
pub(crate) fn check(settings: &Settings) -> Result<CheckedClass, PublisherError> {
    let HistorySettings { folder, mode, import, .. } = settings.history()?;
    let CheckedHistory { current, is_in_use } = History::check(folder)?;
    let start_error = is_in_use.then(|| HistoryError::Locked(folder.clone()).into());
    let mut in_place_of_file = None;
    if let (None, Some(path)) = (&current, import) {
        state::read(path)?;
    }
    let keys = read_keys(settings)?;
    let mut warnings = keys.warnings;
    if let Some(current) = &current {
        let (_, releases) = kept_statistics(current)?;
        warnings.extend(drawing_warning(settings, &releases));
    }
    let now = Timestamp::of(SystemTime::now());
    let candidate = Candidate::read(&settings.sources, &keys.keys, &settings.read_limits);
    let content = match (candidate, &current) {
        (Err(error), None) => return Err(error.into()),
        (Ok(_), None) if *mode == PublishMode::OnCommand => {
            return Err(PublisherError::no_edition(settings));
        }
        (Err(error), Some(current)) => {
            in_place_of_file = Some((current.record.edition, error));
            current.content.clone()
        }
        (Ok(candidate), current) => {
            warnings.extend(candidate.warnings.iter().cloned());
            warnings.extend(waiting(&candidate, current.as_ref(), settings, now));
            candidate.content
        }
    };
    warnings.extend(check_students(content.students(), &settings.profile)?);
    let class = whole_class(&content, &keys.keys, now)?;
    let assessments = class.assessments().count();
    let stamp = EditionNumber(1).published_at(now);
    let drawing = Drawing::Confirmed;
    let publication = Publication { stamp, class: &class, policy: settings.policy, drawing };
    let plan = ReleaseHistory::default().plan(publication);
    let statistics = plan.map_err(|_| BookError::Statistics(InvalidHistory))?.staged();
    let book = book(&content, stamp, &statistics, &keys.keys)?;
    check_replies(&book, settings)?;
    let students = content.students();
    Ok(CheckedClass { in_place_of_file, start_error, students, assessments, warnings })
}

/// Says that a class file would wait.
fn waiting(
    candidate: &Candidate,
    current: Option<&StoredEdition>,
    settings: &Settings,
    now: Timestamp,
) -> Option<String> {
    let current = current?;
    let left = current.record.left.as_ref();
    let review = Review::of(candidate, Some(current), left, settings, now);
    let rules: Vec<_> = review.held.iter().map(|held| held.rule.word()).collect();
    (review.state == State::Held).then(|| {
        format!(
            "the class file would be held ({}), and edition {} served; {} shows why",
            rules.join(", "),
            current.record.edition.0,
            settings.command_line().with("diff")
        )
    })
}
