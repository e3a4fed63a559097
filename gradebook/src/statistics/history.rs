//! What the editions of a class have drawn so far. Each edition hands it to the next, and nothing in it is ever
//! removed: a mark that was counted may not be counted again.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::private::Drawn;
use crate::values::Decimal;

/// What the editions of a class have drawn so far, and which marks they have counted.
#[derive(Clone, Default)]
pub struct ReleaseHistory {
    pub(super) assessments: Arc<Vec<AssessmentDraws>>,
    /// Whether the command `publish` has confirmed that nothing was drawn before this history began.
    pub(super) is_confirmed: bool,
    /// Whether exact figures were shown to students.
    pub(super) exact_shown: bool,
}

/// Everything that was drawn of an assessment.
#[derive(Clone)]
pub(super) struct AssessmentDraws {
    pub(super) name: String,
    /// The draws: the second one, if there is one, counts the marks anew. The last one is shown.
    pub(super) draws: Vec<Drawn>,
    /// The IDs of the students whose marks were counted, ever.
    pub(super) counted: Arc<BTreeSet<String>>,
}

impl ReleaseHistory {
    /// Returns true if figures may be drawn by themselves: when a file is saved, when the server starts, or
    /// when an assessment is released.
    pub fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// Returns true if exact figures were shown to students.
    pub fn exact_shown(&self) -> bool {
        self.exact_shown
    }

    /// The full result with which an assessment was drawn last.
    pub fn drawn_out_of(&self, assessment: &str) -> Option<Decimal> {
        let range = self.find(assessment)?.last()?.terms.range;
        Some(Decimal::from_hundredths(i128::from(range)))
    }

    /// Returns true if an assessment was drawn last with this full result, to the hundredth.
    pub fn was_drawn_with(&self, assessment: &str, out_of: Option<Decimal>) -> bool {
        let drawn = self.drawn_out_of(assessment).map(Decimal::hundredths);
        drawn.is_some() && drawn == out_of.map(Decimal::hundredths)
    }

    /// What the draws of an assessment have spent on each mark together.
    pub fn spent(&self, assessment: &str) -> Decimal {
        let draws = self.find(assessment).into_iter().flat_map(|draws| &draws.draws);
        draws.fold(Decimal::default(), |spent, draw| spent.plus(draw.terms.budget.to_decimal()))
    }

    pub(super) fn find(&self, name: &str) -> Option<&AssessmentDraws> {
        self.assessments.iter().find(|draws| draws.name == name)
    }
}

impl AssessmentDraws {
    /// The draw that is shown.
    pub(super) fn last(&self) -> Option<&Drawn> {
        self.draws.last()
    }
}
