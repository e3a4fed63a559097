//! What an edition releases of each assessment. It is decided once, when the edition is published, and travels
//! with it, so that a later process answers as this one does.

use std::sync::Arc;

use super::exact::{Figures, sorted};
use super::policy::PrivacyPolicy;
use super::private::{Drawn, PrivateFigures};
use crate::values::{Decimal, EditionNumber, EditionStamp};

/// How often each mark occurs, from the lowest mark to the highest.
pub(super) type MarkCounts = Vec<(Decimal, u32)>;

/// What was decided about the statistics of each assessment of an edition, in its order.
#[derive(Clone)]
pub struct Decisions {
    pub(super) policy: PrivacyPolicy,
    pub(super) statuses: Vec<ReleaseStatus>,
}

/// What students may see of an assessment's statistics.
#[derive(Clone)]
pub(crate) enum ReleaseStatus {
    /// These figures.
    Exact(ExactRelease),
    /// Figures that are computed from what was drawn.
    Drawn(Drawn),
    /// Figures at least as long as those that will be drawn, to measure answers by.
    Longest(Box<PrivateFigures>),
    /// Nothing.
    Withheld(WithheldReason),
}

/// Exact figures.
#[derive(Clone)]
pub(crate) struct ExactRelease {
    /// The edition whose marks these are.
    pub(crate) stamp: EditionStamp,
    pub(crate) figures: Arc<Figures>,
    pub(super) mark_counts: Arc<MarkCounts>,
}

/// Why students see no figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithheldReason {
    /// There are no marks.
    NoMarks,
    /// There are fewer marks than so many.
    FewerThan(u32),
    /// Figures with noise need a history.
    NoHistory,
    /// Figures with noise need the full result.
    NoRange,
    /// Nothing is drawn into a new history until the command `publish`.
    NotDrawn,
    /// A batch is drawn when this is published; then the mean has this uncertainty, in hundredths.
    AtPublication(u64),
    /// The figures are so uncertain that they say nothing.
    TooUncertain,
}

/// What was decided about the statistics of one assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatisticDecision {
    /// Figures of these marks are released.
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

    /// Decisions about no assessment.
    pub(crate) fn none(policy: PrivacyPolicy) -> Self {
        Self { policy, statuses: Vec::new() }
    }

    pub(crate) fn statuses(&self) -> &[ReleaseStatus] {
        &self.statuses
    }

    /// What an edition decides about each of its assessments, in its order.
    pub fn of(&self, edition: EditionNumber) -> impl Iterator<Item = StatisticDecision> {
        self.statuses.iter().map(move |status| status.decision(edition))
    }

    /// The decisions about those assessments for which `keep` is true.
    #[must_use]
    pub fn only(mut self, keep: &[bool]) -> Self {
        let mut keep = keep.iter();
        self.statuses.retain(|_| keep.next().copied().unwrap_or_default());
        self
    }
}

impl ReleaseStatus {
    pub(super) fn decision(&self, edition: EditionNumber) -> StatisticDecision {
        let stamp = match self {
            Self::Exact(release) => Some(release.stamp),
            Self::Drawn(drawn) if drawn.figures().is_ok() => drawn.stamp(),
            Self::Drawn(_) | Self::Longest(_) | Self::Withheld(_) => None,
        };
        match stamp {
            Some(stamp) if stamp.number == edition => StatisticDecision::Released,
            Some(_) => StatisticDecision::Kept,
            None => StatisticDecision::Withheld,
        }
    }
}

impl ExactRelease {
    /// The figures of these marks; `None` if there are none.
    pub(super) fn of(stamp: EditionStamp, marks: MarkCounts) -> Option<Self> {
        let marks = sorted(marks);
        let figures = Arc::new(Figures::of(&marks)?);
        Some(Self { stamp, figures, mark_counts: Arc::new(marks) })
    }
}
