//! Which marks a publication would count, under private statistics.

use super::decisions::{ReleaseStatus, StatisticDecision, WithheldReason};
use super::history::{AssessmentDraws, ReleaseHistory};
use super::policy::{Budget, PrivacyPolicy};
use super::private::{DrawTerms, Drawn, Hundredths, is_too_uncertain};
use crate::roster::Class;
use crate::values::{Decimal, EditionStamp};

/// The part of a class that a batch has at least.
const BATCH_PARTS: usize = 4;

/// The numbers of a column, each with the student's ID.
type Numbers<'a> = Vec<(&'a str, Decimal)>;

/// What may be drawn under private statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing<'a> {
    /// Nothing, since it would be forgotten.
    NoHistory,
    /// As much as the history has been confirmed for.
    AsConfirmed,
    /// What has not been counted: a command asks for it, which confirms the history.
    Confirmed,
    /// The same, and all marks of this assessment anew.
    Again(&'a str),
}

/// What would be decided about the statistics of one assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatisticForecast {
    /// The decision.
    pub decision: StatisticDecision,
    /// The uncertainty of the mean that is shown then; `None` if it is exact, or none is shown.
    pub uncertainty: Option<Decimal>,
}

/// One assessment of a plan.
pub(super) struct PlannedAssessment {
    pub(super) name: String,
    pub(super) status: ReleaseStatus,
    pub(super) batch: Option<PlannedBatch>,
}

/// Marks that would be counted.
pub(super) struct PlannedBatch {
    pub(super) terms: DrawTerms,
    pub(super) marks: Vec<Hundredths>,
    pub(super) ids: Vec<String>,
    /// Whether they are the first batch of a new draw.
    pub(super) is_new_draw: bool,
}

/// Plans the draws of a class.
pub(super) struct Planner<'a> {
    pub(super) history: &'a ReleaseHistory,
    pub(super) class: &'a Class,
    pub(super) policy: PrivacyPolicy,
    pub(super) budget: Budget,
    pub(super) drawing: Drawing<'a>,
}

impl Planner<'_> {
    /// Plans what is released of a column; `None` if there is no such column.
    pub(super) fn plan(&self, column: usize) -> Option<PlannedAssessment> {
        let assessment = self.class.columns().get(column)?;
        let name = assessment.name.clone();
        let drawn = self.history.find(&name);
        let last = drawn.and_then(AssessmentDraws::last);
        let is_again = matches!(self.drawing, Drawing::Again(again) if again == name);
        let first_terms = assessment
            .out_of
            .and_then(|out_of| DrawTerms::new(out_of, self.budget, self.class.students()));
        let terms = match last {
            // What was fixed at the first draw stays until the marks are drawn anew.
            Some(last) if !is_again => Some(last.terms),
            _ => first_terms,
        };
        let numbers = self.numbers(column, drawn.filter(|_| !is_again));
        let batch = terms.and_then(|terms| self.batch(terms, &numbers, last.is_none() || is_again));
        let status = match last {
            Some(last) => ReleaseStatus::Drawn(last.clone()),
            None => ReleaseStatus::Withheld(self.reason(terms.is_some(), numbers.len())),
        };
        Some(PlannedAssessment { name, status, batch })
    }

    /// The numbers of a column that were never counted.
    fn numbers(&self, column: usize, drawn: Option<&AssessmentDraws>) -> Numbers<'_> {
        let is_counted = |id: &str| drawn.is_some_and(|drawn| drawn.counted.contains(id));
        let records = self.class.roster().records();
        let numbers = records.filter_map(|record| {
            let number = record.marks().nth(column)?.value?;
            (!is_counted(record.id())).then_some((record.id(), number))
        });
        numbers.collect()
    }

    /// The marks as a batch, if they are enough and may be drawn.
    fn batch(
        &self,
        terms: DrawTerms,
        numbers: &Numbers<'_>,
        is_new_draw: bool,
    ) -> Option<PlannedBatch> {
        let may_draw = self.drawing != Drawing::NoHistory && self.history.is_confirmed;
        if !may_draw || numbers.len() < self.batch_min() {
            return None;
        }
        Some(PlannedBatch {
            terms,
            marks: numbers.iter().map(|(_, mark)| terms.counted(*mark)).collect(),
            ids: numbers.iter().map(|(id, _)| (*id).to_owned()).collect(),
            is_new_draw,
        })
    }

    /// The least number of marks in a batch: `population_min`, and a quarter of the class.
    fn batch_min(&self) -> usize {
        let quarter = self.class.students().div_ceil(BATCH_PARTS);
        let population_min = usize::try_from(self.policy.population_min).unwrap_or(usize::MAX);
        quarter.max(population_min).max(1)
    }

    /// Why nothing is shown of an assessment of which nothing was drawn.
    fn reason(&self, has_terms: bool, marks: usize) -> WithheldReason {
        if self.drawing == Drawing::NoHistory {
            WithheldReason::NoHistory
        } else if marks == 0 {
            WithheldReason::NoMarks
        } else if !has_terms {
            WithheldReason::NoRange
        } else if marks < self.batch_min() {
            WithheldReason::FewerThan(u32::try_from(self.batch_min()).unwrap_or(u32::MAX))
        } else {
            WithheldReason::NotDrawn
        }
    }
}

impl PlannedAssessment {
    /// What will be shown, but for the numbers that are not drawn yet.
    pub(super) fn forecast(&self, stamp: EditionStamp) -> StatisticForecast {
        let uncertainty = match (&self.batch, &self.status) {
            (Some(batch), _) => batch.uncertainty(&self.status),
            (None, ReleaseStatus::Drawn(drawn)) => drawn.uncertainty(),
            (None, _) => None,
        };
        let decision = match &self.batch {
            Some(batch) if batch.is_shown(&self.status) => StatisticDecision::Released,
            Some(_) => StatisticDecision::Withheld,
            None => self.status.decision(stamp.number),
        };
        let uncertainty = uncertainty.filter(|_| decision != StatisticDecision::Withheld);
        let points = |hundredths| Decimal::from_hundredths(i128::from(hundredths));
        StatisticForecast { decision, uncertainty: uncertainty.map(points) }
    }

    /// What students see now, or that it is drawn at the publication.
    pub(super) fn staged(&self) -> ReleaseStatus {
        match (&self.status, &self.batch) {
            (ReleaseStatus::Withheld(_), Some(batch)) if !batch.is_shown(&self.status) => {
                ReleaseStatus::Withheld(WithheldReason::TooUncertain)
            }
            (ReleaseStatus::Withheld(_), Some(batch)) => {
                let uncertainty = batch.uncertainty(&self.status).unwrap_or_default();
                ReleaseStatus::Withheld(WithheldReason::AtPublication(uncertainty))
            }
            (status, _) => status.clone(),
        }
    }

    /// What students will see, or something longer.
    pub(super) fn longest(&self, stamp: EditionStamp) -> ReleaseStatus {
        let figures = self
            .batch
            .as_ref()
            .and_then(|batch| batch.before(&self.status).longest_figures(batch.count(), stamp));
        match figures {
            Some(figures) => ReleaseStatus::Longest(Box::new(figures)),
            None => self.status.clone(),
        }
    }
}

impl PlannedBatch {
    /// The uncertainty of the mean once it is drawn.
    fn uncertainty(&self, status: &ReleaseStatus) -> Option<Hundredths> {
        self.before(status).uncertainty_with(self.count())
    }

    fn count(&self) -> u32 {
        u32::try_from(self.marks.len()).unwrap_or(u32::MAX)
    }

    /// Returns true if the figures will be shown once it is drawn.
    fn is_shown(&self, status: &ReleaseStatus) -> bool {
        let uncertainty = self.uncertainty(status);
        uncertainty.is_some_and(|uncertainty| !is_too_uncertain(uncertainty, self.terms.range))
    }

    /// What was drawn before it, of the same draw.
    fn before(&self, status: &ReleaseStatus) -> Drawn {
        match status {
            ReleaseStatus::Drawn(drawn) if !self.is_new_draw => drawn.clone(),
            _ => Drawn { terms: self.terms, batches: Vec::new() },
        }
    }
}
