//! An assessment: one column of marks.

use fernet_batch::Timestamp;

use crate::values::Decimal;

/// One column of marks, as a class file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// Its name, which students use in requests.
    pub name: String,
    /// The number of points that is the full result, if it is known.
    pub out_of: Option<Decimal>,
    /// When students may see it.
    pub release: AssessmentRelease,
}

/// When students may see an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssessmentRelease {
    /// As soon as the class is published.
    Released,
    /// Not yet, and no moment is set.
    Hidden,
    /// From this moment on.
    From(Timestamp),
}

impl AssessmentRelease {
    /// Returns true if students may see the assessment at the time `now`.
    pub fn is_released(self, now: Timestamp) -> bool {
        match self {
            Self::Released => true,
            Self::Hidden => false,
            Self::From(moment) => moment <= now,
        }
    }
}

impl Assessment {
    /// When the next of these assessments is released behind a time, if one is.
    pub fn next_release<'a>(
        assessments: impl IntoIterator<Item = &'a Self>,
        after: Timestamp,
    ) -> Option<Timestamp> {
        let moments = assessments.into_iter().filter_map(|assessment| match assessment.release {
            AssessmentRelease::From(moment) if moment > after => Some(moment),
            _ => None,
        });
        moments.min()
    }
}

impl From<String> for Assessment {
    /// A released assessment of which only the name is known.
    fn from(name: String) -> Self {
        Self { name, out_of: None, release: AssessmentRelease::Released }
    }
}
