//! Decisions as JSON. What was decided about the statistics of an edition is decided once, when the edition is published,
//! and travels with it, so that a later process answers as this one does.

use fernet_batch::Timestamp;
use serde::{Deserialize, Serialize};

use super::policy::PrivacyPolicy;
use super::release::{Decisions, ReleaseStatus, StatisticRelease};
use crate::values::EditionNumber;

use super::state::{AssessmentState, InvalidHistory, from_state, to_state};

/// The version of the format. Other versions are not read.
const FORM: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionsState {
    form: u32,
    population_min: u32,
    assessments: Vec<StatusState>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusState {
    Released(AssessmentState),
    NoMarks,
    BelowThreshold,
}

/// What was decided about the statistics of one assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatisticDecision {
    /// The figures of these marks are released.
    Released,
    /// The figures that an earlier edition released stay.
    Kept,
    /// No figures are shown.
    Withheld,
}

impl Decisions {
    /// The policy by which was decided.
    pub fn policy(&self) -> PrivacyPolicy {
        self.policy
    }

    /// What an edition decides about each of its assessments, in its order.
    pub fn of(&self, edition: EditionNumber) -> impl Iterator<Item = StatisticDecision> {
        self.statuses.iter().map(move |status| match status {
            ReleaseStatus::Released(release) if release.stamp.number == edition => {
                StatisticDecision::Released
            }
            ReleaseStatus::Released(_) => StatisticDecision::Kept,
            ReleaseStatus::NoMarks | ReleaseStatus::BelowThreshold => StatisticDecision::Withheld,
        })
    }

    /// The decisions about those assessments for which `keep` is true.
    #[must_use]
    pub fn only(mut self, keep: &[bool]) -> Self {
        let mut keep = keep.iter();
        self.statuses.retain(|_| keep.next().copied().unwrap_or_default());
        self
    }

    /// Writes the decisions.
    pub fn to_json(&self) -> Vec<u8> {
        let assessments = self.statuses.iter().map(|status| match status {
            ReleaseStatus::Released(release) => {
                // What was released before matters to later decisions, and stands in the history.
                let last = release.mark_counts.last().cloned();
                let release =
                    StatisticRelease { mark_counts: last.into_iter().collect(), ..release.clone() };
                StatusState::Released(to_state(&release))
            }
            ReleaseStatus::NoMarks => StatusState::NoMarks,
            ReleaseStatus::BelowThreshold => StatusState::BelowThreshold,
        });
        let state = DecisionsState {
            form: FORM,
            population_min: self.policy.population_min,
            assessments: assessments.collect(),
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
        let policy = PrivacyPolicy { population_min: state.population_min };
        let mut statuses = Vec::new();
        for status in state.assessments {
            statuses.push(match status {
                StatusState::Released(release) => ReleaseStatus::Released(
                    from_state(release, Timestamp(0)).ok_or(InvalidHistory)?,
                ),
                StatusState::NoMarks => ReleaseStatus::NoMarks,
                StatusState::BelowThreshold => ReleaseStatus::BelowThreshold,
            });
        }
        Ok(Self { policy, statuses })
    }
}
