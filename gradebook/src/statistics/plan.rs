//! What a publication would release, before anything is drawn. Drawing is the last step: a plan that is dropped has
//! disclosed nothing.

use std::sync::Arc;

use fernet_batch::{NoRandomness, Randomness};

use super::decisions::{Decisions, ExactRelease, ReleaseStatus, WithheldReason};
use super::history::{AssessmentDraws, ReleaseHistory};
use super::planner::{Drawing, PlannedAssessment, PlannedBatch, Planner, StatisticForecast};
use super::policy::{PrivacyPolicy, StatisticsMode};
use super::private::Drawn;
use crate::roster::Class;
use crate::values::{Decimal, EditionStamp};

/// The most draws of one assessment: each discloses every mark once more.
const DRAWS_MAX: usize = 2;

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

/// What a publication would release.
pub struct StatisticsPlan {
    stamp: EditionStamp,
    policy: PrivacyPolicy,
    history: ReleaseHistory,
    assessments: Vec<PlannedAssessment>,
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

    /// Decisions whose texts are at least as long as those that will be drawn: whatever can be refused for its
    /// length must be refused before the draw.
    pub fn longest(&self) -> Decisions {
        let longest = self.assessments.iter().map(|assessment| assessment.longest(self.stamp));
        Decisions { policy: self.policy, statuses: longest.collect() }
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
        let all = Arc::make_mut(&mut history.assessments);
        let mut statuses = Vec::new();
        for PlannedAssessment { name, status, batch } in assessments {
            let Some(PlannedBatch { terms, marks, ids, is_new_draw }) = batch else {
                statuses.push(status);
                continue;
            };
            let batch = terms.draw(&marks, stamp, random)?;
            let draws = draws_of(all, name);
            Arc::make_mut(&mut draws.counted).extend(ids);
            match draws.draws.last_mut().filter(|_| !is_new_draw) {
                Some(last) => last.batches.push(batch),
                None => draws.draws.push(Drawn { terms, batches: vec![batch] }),
            }
            statuses.extend(draws.last().cloned().map(ReleaseStatus::Drawn));
        }
        Ok((Decisions { policy, statuses }, history))
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
