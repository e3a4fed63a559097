//! The release history as JSON, so that it outlives the process.
//!
//! For each assessment: its name, the edition of its last release, the policy of that release, and
//! for every release the marks behind it, each with how often it occurs.

use std::sync::Arc;

use fernet_batch::Timestamp;
use serde::{Deserialize, Serialize};

use super::figures::Figures;
use super::policy::PrivacyPolicy;
use super::release::{MarkCounts, ReleaseHistory, StatisticRelease};
use crate::values::{Decimal, EditionNumber};

/// The version of the format. Other versions are not read.
const FORM: u32 = 1;

/// The edition up to which a history goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastEdition {
    /// Its number.
    pub number: EditionNumber,
    /// When it was published.
    pub published: Timestamp,
    /// What identifies its content; `None` if that is not known.
    pub content: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    form: u32,
    edition: u64,
    #[serde(default)]
    published: u64,
    #[serde(default)]
    content: Option<u64>,
    assessments: Vec<AssessmentState>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssessmentState {
    name: String,
    edition: u64,
    /// Earlier versions did not write it.
    #[serde(default)]
    published: Option<u64>,
    population_min: u32,
    #[serde(rename = "told")]
    mark_counts: Vec<Vec<(String, u32)>>,
}

/// The text is not a release history, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a release history, or is damaged")]
pub struct InvalidHistory;

impl ReleaseHistory {
    /// Writes the history of the releases up to an edition.
    pub fn to_json(&self, last: LastEdition) -> Vec<u8> {
        let Self(releases) = self;
        let assessments = releases.iter().map(to_state).collect();
        let LastEdition { number, published, content } = last;
        let state =
            State { form: FORM, edition: number.0, published: published.0, content, assessments };
        // Texts and numbers always become JSON.
        serde_json::to_vec(&state).unwrap_or_default()
    }

    /// Reads a history, and the edition up to which it goes.
    ///
    /// # Errors
    /// Returns an error if the text is not what [`to_json`](Self::to_json) writes.
    pub fn from_json(text: &[u8]) -> Result<(Self, LastEdition), InvalidHistory> {
        let state: State = serde_json::from_slice(text).map_err(|_| InvalidHistory)?;
        if state.form != FORM {
            return Err(InvalidHistory);
        }
        let mut releases = Vec::new();
        let published = Timestamp(state.published);
        for assessment in state.assessments {
            releases.push(from_state(assessment, published).ok_or(InvalidHistory)?);
        }
        let last =
            LastEdition { number: EditionNumber(state.edition), published, content: state.content };
        Ok((Self(Arc::new(releases)), last))
    }
}

pub(super) fn to_state(release: &StatisticRelease) -> AssessmentState {
    let mut mark_counts = Vec::new();
    for marks in &release.mark_counts {
        mark_counts.push(marks.iter().map(|(mark, times)| (mark.to_string(), *times)).collect());
    }
    AssessmentState {
        name: release.name.clone(),
        edition: release.stamp.number.0,
        published: Some(release.stamp.published.0),
        population_min: release.policy.population_min,
        mark_counts,
    }
}

/// Reads a release. One that does not say when it was published was still shown at the time `last`.
pub(super) fn from_state(state: AssessmentState, last: Timestamp) -> Option<StatisticRelease> {
    let policy = PrivacyPolicy { population_min: state.population_min };
    let mut mark_counts = Vec::new();
    for marks in &state.mark_counts {
        mark_counts.push(Arc::new(sorted_marks(marks)?));
    }
    let figures = Figures::of(mark_counts.last()?.iter().copied(), policy)?;
    Some(StatisticRelease {
        name: state.name,
        stamp: EditionNumber(state.edition).published_at(state.published.map_or(last, Timestamp)),
        policy,
        figures: Arc::new(figures),
        mark_counts,
    })
}

/// Marks in rising order, on which their comparison rests. Equal ones are counted together, since
/// earlier versions wrote `7` and `7.0` apart. `None` if a mark is invalid or out of order.
fn sorted_marks(marks: &[(String, u32)]) -> Option<MarkCounts> {
    let mut sorted: MarkCounts = Vec::new();
    for (mark, times) in marks {
        let mark = Decimal::parse(mark).ok()?;
        match sorted.last_mut() {
            Some((last, _)) if *last > mark => return None,
            Some((last, total)) if *last == mark => *total = total.checked_add(*times)?,
            _ => sorted.push((mark, *times)),
        }
    }
    Some(sorted)
}
