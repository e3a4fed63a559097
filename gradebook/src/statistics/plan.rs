//! What a publication would release, before anything is drawn. Drawing is the last step: a plan that is dropped has
//! told nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use fernet_batch::{NoRandomness, Randomness};

use super::decisions::{Decisions, ExactRelease, ReleaseStatus, StatisticDecision, WithheldReason};
use super::history::{AssessmentDraws, ReleaseHistory};
use super::policy::{Budget, PrivacyPolicy, StatisticsMode};
use super::private::{DrawTerms, Drawn, Hundredths, is_too_uncertain};
use crate::roster::Class;
use crate::values::{Decimal, EditionStamp};

/// The most draws of one assessment: each discloses every mark once more.
const DRAWS_MAX: usize = 2;

/// The part of a class that a batch has at least.
const BATCH_PARTS: usize = 4;

/// An edition that is about to be published.
#[derive(Clone, Copy)]
pub struct Publication<'a> {
    /// Its number and time.
    pub stamp: EditionStamp,
    /// The class, all of whose assessments must be released.
    pub class: &'a Class,
    /// How statistics are released.
    pub policy: PrivacyPolicy,
    /// What may be drawn.
    pub drawing: Drawing<'a>,
}

/// What may be drawn under [`StatisticsMode::Private`].
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

/// What a publication would release.
pub struct StatisticsPlan {
    stamp: EditionStamp,
    policy: PrivacyPolicy,
    history: ReleaseHistory,
    assessments: Vec<PlannedAssessment>,
}

/// What would be decided about the statistics of one assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatisticForecast {
    /// The decision.
    pub decision: StatisticDecision,
    /// The uncertainty of the mean that is shown then; `None` if it is exact, or none is shown.
    pub uncertainty: Option<Decimal>,
}

/// Why an assessment is not drawn again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedrawError {
    /// Statistics are exact, or nothing is kept.
    #[error(
        "there is nothing to draw again: figures are drawn with gradebook.statistics = \"private\" only"
    )]
    NotPrivate,
    /// The class has no such assessment, or students do not see it.
    #[error("students see no such assessment")]
    Unknown,
    /// Nothing was drawn yet.
    #[error("nothing has been drawn of it yet")]
    NotDrawn,
    /// It was drawn twice.
    #[error(
        "it has been drawn twice, and each draw discloses every mark once more; the figures stay"
    )]
    DrawnTwice,
    /// There are too few marks, or no full result.
    #[error("it has too few marks, or no full result; set out_of in the course file")]
    NoBatch,
}

struct PlannedAssessment {
    name: String,
    status: ReleaseStatus,
    batch: Option<PlannedBatch>,
}

/// Marks that would be counted.
struct PlannedBatch {
    terms: DrawTerms,
    marks: Vec<Hundredths>,
    ids: Vec<String>,
    /// Whether they are the first batch of a new draw.
    is_new_draw: bool,
}

/// The numbers of a column, each with the student's ID.
type Numbers<'a> = Vec<(&'a str, Decimal)>;

impl ReleaseHistory {
    /// Plans what an edition releases.
    ///
    /// # Errors
    /// Returns an error if an assessment cannot be drawn again.
    pub fn plan(&self, publication: Publication<'_>) -> Result<StatisticsPlan, RedrawError> {
        let Publication { stamp, class, policy, drawing } = publication;
        let mut history = self.clone();
        history.is_confirmed |= matches!(drawing, Drawing::Confirmed | Drawing::Again(_));
        let mut assessments = Vec::new();
        match policy.mode {
            StatisticsMode::Plain => {
                history.exact_shown = true;
                history.is_confirmed = true;
                for (name, marks) in class.assessments().zip(class.roster().count_marks()) {
                    let status = exact_status(stamp, marks, policy.population_min);
                    assessments.push(PlannedAssessment {
                        name: name.to_owned(),
                        status,
                        batch: None,
                    });
                }
            }
            StatisticsMode::Private(budget) => {
                let planner = Planner { history: &history, class, policy, budget, drawing };
                for column in 0..class.columns().len() {
                    assessments.extend(planner.plan(column));
                }
            }
        }
        if let Drawing::Again(name) = drawing {
            self.check_redraw(name, &assessments, policy)?;
        }
        Ok(StatisticsPlan { stamp, policy, history, assessments })
    }

    fn check_redraw(
        &self,
        name: &str,
        assessments: &[PlannedAssessment],
        policy: PrivacyPolicy,
    ) -> Result<(), RedrawError> {
        if !policy.is_private() {
            return Err(RedrawError::NotPrivate);
        }
        let planned = assessments.iter().find(|assessment| assessment.name == name);
        let planned = planned.ok_or(RedrawError::Unknown)?;
        let draws = self.find(name).ok_or(RedrawError::NotDrawn)?;
        if draws.draws.len() >= DRAWS_MAX {
            return Err(RedrawError::DrawnTwice);
        }
        let is_drawn = planned.batch.as_ref().is_some_and(|batch| batch.is_new_draw);
        if is_drawn { Ok(()) } else { Err(RedrawError::NoBatch) }
    }
}

/// The exact figures of a column, if it has enough marks.
fn exact_status(
    stamp: EditionStamp,
    marks: Vec<(Decimal, u32)>,
    population_min: u32,
) -> ReleaseStatus {
    match ExactRelease::of(stamp, marks) {
        None => ReleaseStatus::Withheld(WithheldReason::NoMarks),
        Some(release) if release.figures.count < population_min => {
            ReleaseStatus::Withheld(WithheldReason::FewerThan(population_min))
        }
        Some(release) => ReleaseStatus::Exact(release),
    }
}

/// Plans the draws of a class.
struct Planner<'a> {
    history: &'a ReleaseHistory,
    class: &'a Class,
    policy: PrivacyPolicy,
    budget: Budget,
    drawing: Drawing<'a>,
}

impl Planner<'_> {
    fn plan(&self, column: usize) -> Option<PlannedAssessment> {
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
    fn forecast(&self, stamp: EditionStamp) -> StatisticForecast {
        let uncertainty = match (&self.batch, &self.status) {
            (Some(batch), _) => batch.uncertainty(&self.status),
            (None, ReleaseStatus::Drawn(drawn)) => drawn.uncertainty(),
            (None, _) => None,
        };
        let decision = match (&self.batch, uncertainty) {
            (Some(batch), Some(hundredths)) if !is_too_uncertain(hundredths, batch.terms.range) => {
                StatisticDecision::Released
            }
            (Some(_), _) => StatisticDecision::Withheld,
            (None, _) => self.status.decision(stamp.number),
        };
        let points = |hundredths| Decimal::from_hundredths(i128::from(hundredths));
        StatisticForecast { decision, uncertainty: uncertainty.map(points) }
    }

    /// What students see now, or that it is drawn at the publication.
    fn staged(&self) -> ReleaseStatus {
        match (&self.status, &self.batch) {
            (ReleaseStatus::Withheld(_), Some(batch)) => {
                let uncertainty = batch.uncertainty(&self.status).unwrap_or_default();
                ReleaseStatus::Withheld(WithheldReason::AtPublication(uncertainty))
            }
            (status, _) => status.clone(),
        }
    }
}

impl PlannedBatch {
    /// The uncertainty of the mean once it is drawn.
    fn uncertainty(&self, status: &ReleaseStatus) -> Option<Hundredths> {
        let before = match status {
            ReleaseStatus::Drawn(drawn) if !self.is_new_draw => drawn.clone(),
            _ => Drawn { terms: self.terms, batches: Vec::new() },
        };
        let count = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        before.uncertainty_with(count)
    }
}

impl StatisticsPlan {
    /// Returns true if a batch would be drawn.
    pub fn draws(&self) -> bool {
        self.assessments.iter().any(|assessment| assessment.batch.is_some())
    }

    /// What would be decided about each assessment, in the order of the class.
    pub fn forecasts(&self) -> impl Iterator<Item = StatisticForecast> {
        self.assessments.iter().map(|assessment| assessment.forecast(self.stamp))
    }

    /// The decisions without what would be drawn: the figures of now.
    pub fn staged(&self) -> Decisions {
        let statuses = self.assessments.iter().map(PlannedAssessment::staged).collect();
        Decisions { policy: self.policy, statuses }
    }

    /// The history if nothing were drawn.
    pub fn history(&self) -> &ReleaseHistory {
        &self.history
    }

    /// Draws what is planned. Returns the decisions, and the history that includes them: it must be on disk before
    /// anything of it is shown.
    ///
    /// # Errors
    /// Returns an error if there is no randomness; then nothing was drawn.
    pub fn draw(
        self,
        random: &mut impl Randomness,
    ) -> Result<(Decisions, ReleaseHistory), NoRandomness> {
        let Self { stamp, policy, mut history, assessments } = self;
        let mut all = Vec::clone(&history.assessments);
        let mut statuses = Vec::new();
        for PlannedAssessment { name, status, batch } in assessments {
            let Some(PlannedBatch { terms, marks, ids, is_new_draw }) = batch else {
                statuses.push(status);
                continue;
            };
            let batch = terms.draw(&marks, stamp, random)?;
            let draws = draws_of(&mut all, name);
            let mut counted = BTreeSet::clone(&draws.counted);
            counted.extend(ids);
            draws.counted = Arc::new(counted);
            match draws.draws.last_mut().filter(|_| !is_new_draw) {
                Some(last) => last.batches.push(batch),
                None => draws.draws.push(Drawn { terms, batches: vec![batch] }),
            }
            statuses.extend(draws.last().cloned().map(ReleaseStatus::Drawn));
        }
        history.assessments = Arc::new(all);
        Ok((Decisions { policy, statuses }, history))
    }

    /// The decisions where nothing can be drawn: under exact statistics, or without a history.
    pub(crate) fn without_draws(self) -> Decisions {
        let statuses = self.assessments.into_iter().map(|assessment| assessment.status).collect();
        Decisions { policy: self.policy, statuses }
    }
}

/// The draws of an assessment, which are added if there are none.
fn draws_of(all: &mut Vec<AssessmentDraws>, name: String) -> &mut AssessmentDraws {
    let at = all.iter().position(|draws| draws.name == name).unwrap_or(all.len());
    if at == all.len() {
        all.push(AssessmentDraws { name, draws: Vec::new(), counted: Arc::default() });
    }
    #[expect(clippy::indexing_slicing, reason = "it was found or added above")]
    &mut all[at]
}
