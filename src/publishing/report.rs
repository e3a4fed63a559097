//! What the commands print about editions. The JSON is a contract; `docs/PUBLISHING.md` has it.

use editions::{Difference, EditionRecord, Held, MarkChanged, PublishedBy, Rule, StudentsChanged};
use gradebook::{StatisticDecision, StatisticForecast};
use serde::{Deserialize, Serialize};

/// Whether there is anything to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// The file says what the current edition says.
    None,
    /// The file waits to be published.
    Staged,
    /// The file looks wrong, or is left alone: it is published only if that is accepted.
    Held,
}

/// What publishing a class file would change.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DiffReport {
    /// The current edition.
    pub(crate) base: Option<u64>,
    pub(crate) state: State,
    /// What identifies the content that would be published.
    pub(crate) digest: Option<String>,
    /// What looks wrong.
    pub(crate) held: Vec<Held>,
    pub(crate) students: StudentsChanged,
    pub(crate) assessments: Vec<AssessmentReport>,
    /// The marks that change, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) marks: Option<Vec<MarkChanged>>,
}

/// What would change in an assessment.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AssessmentReport {
    pub(crate) assessment: String,
    pub(crate) new: usize,
    pub(crate) changed: usize,
    pub(crate) cleared: usize,
    /// Whether students see it then.
    pub(crate) released: bool,
    /// What students then see of its statistics; absent if they do not see it.
    pub(crate) statistics: Option<StatisticsWord>,
    /// How uncertain the mean then is; `None` if it is exact, or none is shown.
    pub(crate) uncertainty: Option<serde_json::Number>,
}

/// What students see of the statistics of an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StatisticsWord {
    /// The figures of the new marks.
    Released,
    /// The figures of an earlier edition.
    Kept,
    /// None.
    Withheld,
}

/// The editions of a history.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct EditionsReport {
    pub(crate) current: Option<u64>,
    /// The oldest first.
    pub(crate) editions: Vec<EditionReport>,
    /// The class file, if it waits to be published.
    pub(crate) staged: Option<StagedReport>,
}

/// One edition.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct EditionReport {
    pub(crate) edition: u64,
    pub(crate) parent: Option<u64>,
    /// RFC 3339 in UTC.
    pub(crate) time: String,
    pub(crate) by: PublishedBy,
    pub(crate) who: Option<String>,
    pub(crate) of: Option<u64>,
    pub(crate) students: usize,
    pub(crate) assessments: usize,
    pub(crate) marks: usize,
    pub(crate) on_hold: usize,
}

/// A class file that waits to be published.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StagedReport {
    pub(crate) state: State,
    pub(crate) digest: String,
    pub(crate) held: Vec<Held>,
    pub(crate) students: usize,
    pub(crate) assessments: usize,
    pub(crate) marks: usize,
    pub(crate) on_hold: usize,
}

impl DiffReport {
    /// Another full result of an assessment is no question if the assessment is drawn anew.
    pub(super) fn accept_range_of(&mut self, name: &str) {
        let is_meant = |held: &Held| {
            held.rule == Rule::RangeChanged && held.assessment.as_deref() == Some(name)
        };
        self.held.retain(|held| !is_meant(held));
        if self.held.is_empty() && self.state == State::Held {
            self.state = State::Staged;
        }
    }
}

impl EditionReport {
    pub(super) fn of(record: &EditionRecord) -> Self {
        Self {
            edition: record.edition.0,
            parent: record.parent.map(|parent| parent.0),
            time: record.time.to_string(),
            by: record.by,
            who: record.who.clone(),
            of: record.of.map(|of| of.0),
            students: record.students,
            assessments: record.assessments,
            marks: record.marks,
            on_hold: record.on_hold,
        }
    }
}

/// The lines of a difference. There is a forecast for each assessment that students see then.
pub(super) fn lines(
    difference: &Difference,
    forecasts: impl Iterator<Item = StatisticForecast>,
) -> Vec<AssessmentReport> {
    let mut forecasts = forecasts;
    let lines = difference.assessments.iter().map(|line| {
        let forecast = if line.released { forecasts.next() } else { None };
        let uncertainty = forecast.and_then(|forecast| forecast.uncertainty);
        AssessmentReport {
            assessment: line.assessment.clone(),
            new: line.new,
            changed: line.changed,
            cleared: line.cleared,
            released: line.released,
            statistics: forecast.map(|forecast| forecast.decision.into()),
            uncertainty: uncertainty.and_then(|number| number.to_string().parse().ok()),
        }
    });
    lines.collect()
}

impl From<StatisticDecision> for StatisticsWord {
    fn from(decision: StatisticDecision) -> Self {
        match decision {
            StatisticDecision::Released => Self::Released,
            StatisticDecision::Kept => Self::Kept,
            StatisticDecision::Withheld => Self::Withheld,
        }
    }
}

impl StatisticsWord {
    /// The word for people to read.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Kept => "as before",
            Self::Withheld => "withheld",
        }
    }
}
