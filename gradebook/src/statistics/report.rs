//! `REPORT`: everything that a student may see, as one JSON document on one line.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use super::figures::Figures;
use crate::roster::{MarkStatus, StoredMark};
use crate::values::Decimal;

/// The document. Its fields stand in `docs/PROTOCOL.md`.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    /// The edition that the answer comes from.
    pub(crate) edition: u64,
    /// When that edition was published, RFC 3339 in UTC.
    pub(crate) published: &'a str,
    /// When the answer was made, RFC 3339 in UTC.
    pub(crate) time: String,
    pub(crate) assessments: Vec<ReportLine<'a>>,
}

/// One assessment.
#[derive(Serialize)]
pub(crate) struct ReportLine<'a> {
    pub(crate) assessment: &'a str,
    #[serde(flatten)]
    pub(crate) mark: ReportMark<'a>,
    /// The number of points that is the full result, if it is known.
    pub(crate) out_of: Option<Decimal>,
    pub(crate) comment: Option<&'a str>,
    pub(crate) class: &'a ClassFigures,
}

/// The student's own mark.
#[derive(Serialize)]
pub(crate) struct ReportMark<'a> {
    /// The number, if it is one.
    pub(crate) mark: Option<Decimal>,
    pub(crate) status: MarkStatus,
    /// The letter or word, if it is one.
    pub(crate) letter: Option<&'a str>,
}

impl<'a> ReportMark<'a> {
    pub(crate) const BLANK: Self = Self { mark: None, status: MarkStatus::Blank, letter: None };

    pub(crate) fn of(mark: &'a StoredMark) -> Self {
        Self { mark: mark.value, status: mark.status, letter: mark.letter.as_deref() }
    }
}

/// The statistics of the class.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ClassFigures {
    /// The figures, and when the edition was published that released them first: RFC 3339 in UTC.
    Known {
        as_of: String,
        #[serde(flatten, serialize_with = "shared")]
        figures: Arc<Figures>,
    },
    /// Why there are no figures.
    Withheld { withheld: Cow<'static, str> },
}

/// The figures for a student who has no mark in the assessment.
pub(crate) static NO_OWN_FIGURES: ClassFigures =
    ClassFigures::Withheld { withheld: Cow::Borrowed(NO_OWN_MARK) };

/// Why a student does not see a figure that says something of other students only.
pub(crate) const NO_OWN_MARK: &str = "you have no mark in it";

fn shared<S: serde::Serializer>(figures: &Arc<Figures>, serializer: S) -> Result<S::Ok, S::Error> {
    figures.serialize(serializer)
}
