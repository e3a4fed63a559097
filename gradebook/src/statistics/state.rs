//! Decisions and the release history as JSON, so that they outlive the process.

use std::sync::Arc;

use fernet_batch::Timestamp;
use serde::{Deserialize, Serialize};

use super::decisions::{Decisions, ExactRelease, MarkCounts, ReleaseStatus, WithheldReason};
use super::history::{AssessmentDraws, ReleaseHistory};
use super::policy::{Budget, PrivacyPolicy, StatisticsMode};
use super::private::{BINS, Batch, DrawTerms, Drawn};
use crate::values::{Decimal, EditionNumber};

/// The version of the format. Of the one before, only what stands about the last edition is read.
const FORM: u32 = 2;

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

/// The text is not a release history, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a release history, or is damaged")]
pub struct InvalidHistory;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryState {
    form: u32,
    edition: u64,
    published: u64,
    confirmed: bool,
    exact_shown: bool,
    assessments: Vec<AssessmentState>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AssessmentState {
    name: String,
    draws: Vec<DrawnState>,
    counted: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DrawnState {
    /// The full result in hundredths.
    range: u64,
    budget: String,
    batches: Vec<BatchState>,
}

/// Noisy numbers are texts: some readers of JSON round large numbers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchState {
    edition: u64,
    published: u64,
    count: u32,
    sum: String,
    bins: Option<Vec<String>>,
}

/// A state file of an earlier version.
#[derive(Deserialize)]
struct OldState {
    form: u32,
    edition: u64,
    #[serde(default)]
    published: u64,
    #[serde(default)]
    content: Option<u64>,
    #[serde(rename = "assessments")]
    _assessments: Vec<OldAssessment>,
}

#[derive(Deserialize)]
struct OldAssessment {
    #[serde(rename = "name")]
    _name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionsState {
    form: u32,
    population_min: u32,
    /// Absent under exact statistics.
    budget: Option<String>,
    assessments: Vec<StatusState>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusState {
    Exact { edition: u64, published: u64, marks: Vec<(String, u32)> },
    Drawn(DrawnState),
    NoMarks,
    FewerThan(u32),
    NoHistory,
    NoRange,
    NotDrawn,
}

impl ReleaseHistory {
    /// Writes the history up to an edition.
    pub fn to_json(&self, last: LastEdition) -> Vec<u8> {
        let assessments = self.assessments.iter().map(|draws| AssessmentState {
            name: draws.name.clone(),
            draws: draws.draws.iter().map(drawn_state).collect(),
            counted: draws.counted.iter().cloned().collect(),
        });
        let state = HistoryState {
            form: FORM,
            edition: last.number.0,
            published: last.published.0,
            confirmed: self.is_confirmed,
            exact_shown: self.exact_shown,
            assessments: assessments.collect(),
        };
        // Texts and numbers always become JSON.
        serde_json::to_vec(&state).unwrap_or_default()
    }

    /// Reads a history, and the edition up to which it goes. One of an earlier version has shown exact figures.
    ///
    /// # Errors
    /// Returns an error if the text is not what [`to_json`](Self::to_json) writes, or wrote in an earlier version.
    pub fn from_json(text: &[u8]) -> Result<(Self, LastEdition), InvalidHistory> {
        if let Ok(OldState { form: 1, edition, published, content, .. }) =
            serde_json::from_slice(text)
        {
            let published = Timestamp(published);
            let last = LastEdition { number: EditionNumber(edition), published, content };
            // It asks before it draws: what was shown before is not known in this history.
            let history = Self { exact_shown: true, ..Self::default() };
            return Ok((history, last));
        }
        let state: HistoryState = serde_json::from_slice(text).map_err(|_| InvalidHistory)?;
        if state.form != FORM {
            return Err(InvalidHistory);
        }
        let mut assessments = Vec::new();
        for AssessmentState { name, draws, counted } in state.assessments {
            let draws = draws.iter().map(drawn).collect::<Option<Vec<_>>>();
            let draws = draws.filter(|draws| !draws.is_empty()).ok_or(InvalidHistory)?;
            let counted = Arc::new(counted.into_iter().collect());
            assessments.push(AssessmentDraws { name, draws, counted });
        }
        let last = LastEdition {
            number: EditionNumber(state.edition),
            published: Timestamp(state.published),
            content: None,
        };
        let history = Self {
            assessments: Arc::new(assessments),
            is_confirmed: state.confirmed,
            exact_shown: state.exact_shown,
        };
        Ok((history, last))
    }
}

impl Decisions {
    /// Writes the decisions.
    pub fn to_json(&self) -> Vec<u8> {
        let PrivacyPolicy { population_min, mode } = self.policy;
        let state = DecisionsState {
            form: FORM,
            population_min,
            budget: match mode {
                StatisticsMode::Plain => None,
                StatisticsMode::Private(budget) => Some(budget.to_decimal().to_string()),
            },
            assessments: self.statuses.iter().map(status_state).collect(),
        };
        // Texts and numbers always become JSON.
        serde_json::to_vec(&state).unwrap_or_default()
    }

    /// Reads decisions about so many assessments.
    ///
    /// # Errors
    /// Returns an error if the text is not what [`to_json`](Self::to_json) writes for them.
    pub fn from_json(text: &[u8], assessments: usize) -> Result<Self, InvalidHistory> {
        let state: DecisionsState = serde_json::from_slice(text).map_err(|_| InvalidHistory)?;
        if state.form != FORM || state.assessments.len() != assessments {
            return Err(InvalidHistory);
        }
        let mode = match &state.budget {
            None => StatisticsMode::Plain,
            Some(text) => StatisticsMode::Private(budget(text).ok_or(InvalidHistory)?),
        };
        let policy = PrivacyPolicy { population_min: state.population_min, mode };
        let statuses = state.assessments.into_iter().map(status).collect::<Option<Vec<_>>>();
        Ok(Self { policy, statuses: statuses.ok_or(InvalidHistory)? })
    }
}

fn status_state(status: &ReleaseStatus) -> StatusState {
    match status {
        ReleaseStatus::Exact(ExactRelease { stamp, mark_counts, .. }) => StatusState::Exact {
            edition: stamp.number.0,
            published: stamp.published.0,
            marks: mark_counts.iter().map(|(mark, times)| (mark.to_string(), *times)).collect(),
        },
        ReleaseStatus::Drawn(drawn) => StatusState::Drawn(drawn_state(drawn)),
        // A plan has it, and no edition.
        ReleaseStatus::Longest(_) => StatusState::NotDrawn,
        ReleaseStatus::Withheld(reason) => match *reason {
            WithheldReason::NoMarks => StatusState::NoMarks,
            WithheldReason::FewerThan(marks) => StatusState::FewerThan(marks),
            WithheldReason::NoHistory => StatusState::NoHistory,
            WithheldReason::NoRange => StatusState::NoRange,
            // The others are never decided: a plan has them, or a reader finds them out.
            WithheldReason::NotDrawn
            | WithheldReason::AtPublication(_)
            | WithheldReason::TooUncertain => StatusState::NotDrawn,
        },
    }
}

fn status(state: StatusState) -> Option<ReleaseStatus> {
    let withheld = |reason| Some(ReleaseStatus::Withheld(reason));
    match state {
        StatusState::Exact { edition, published, marks } => {
            let stamp = EditionNumber(edition).published_at(Timestamp(published));
            let mut counts: MarkCounts = Vec::new();
            for (mark, times) in marks {
                counts.push((Decimal::parse(&mark).ok()?, times));
            }
            ExactRelease::of(stamp, counts).map(ReleaseStatus::Exact)
        }
        StatusState::Drawn(state) => drawn(&state).map(ReleaseStatus::Drawn),
        StatusState::NoMarks => withheld(WithheldReason::NoMarks),
        StatusState::FewerThan(marks) => withheld(WithheldReason::FewerThan(marks)),
        StatusState::NoHistory => withheld(WithheldReason::NoHistory),
        StatusState::NoRange => withheld(WithheldReason::NoRange),
        StatusState::NotDrawn => withheld(WithheldReason::NotDrawn),
    }
}

fn drawn_state(Drawn { terms, batches }: &Drawn) -> DrawnState {
    let batches = batches.iter().map(|batch| BatchState {
        edition: batch.stamp.number.0,
        published: batch.stamp.published.0,
        count: batch.count,
        sum: batch.sum.to_string(),
        bins: batch.bins.map(|bins| bins.iter().map(ToString::to_string).collect()),
    });
    DrawnState {
        range: terms.range,
        budget: terms.budget.to_decimal().to_string(),
        batches: batches.collect(),
    }
}

/// Reads what was drawn; `None` if it contradicts itself.
fn drawn(state: &DrawnState) -> Option<Drawn> {
    let mut batches = Vec::new();
    for batch in &state.batches {
        let bins = match &batch.bins {
            None => None,
            Some(texts) => {
                let bins: Option<Vec<i128>> = texts.iter().map(|text| text.parse().ok()).collect();
                Some(<[i128; BINS]>::try_from(bins?).ok()?)
            }
        };
        batches.push(Batch {
            stamp: EditionNumber(batch.edition).published_at(Timestamp(batch.published)),
            count: batch.count,
            sum: batch.sum.parse().ok()?,
            bins,
        });
    }
    let has_bins = batches.first()?.bins.is_some();
    let is_consistent =
        batches.iter().all(|batch| batch.bins.is_some() == has_bins && batch.count > 0);
    let terms = DrawTerms { range: state.range, budget: budget(&state.budget)?, has_bins };
    (is_consistent && terms.range > 0).then_some(Drawn { terms, batches })
}

fn budget(text: &str) -> Option<Budget> {
    Budget::new(Decimal::parse(text).ok()?)
}
