//! `REPORT`: everything that a student may see, as one JSON document on one line.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use super::figures::Figures;
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
    /// The student's own mark; `None` for a blank.
    pub(crate) mark: Option<Decimal>,
    pub(crate) class: &'a ClassFigures,
}

/// The statistics of the class.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ClassFigures {
    /// The figures, and the edition that released them where that can be an older one.
    Known {
        #[serde(skip_serializing_if = "Option::is_none")]
        edition: Option<u64>,
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
