//! `REPORT`: everything that a student may see, as one JSON document on one line.

use std::sync::Arc;

use serde::Serialize;

use super::exact::Figures;
use super::private::PrivateFigures;
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
    /// Exact figures, and when the edition was published whose marks they are: RFC 3339 in UTC.
    Exact {
        as_of: String,
        #[serde(flatten, serialize_with = "shared")]
        figures: Arc<Figures>,
    },
    /// Figures with noise.
    Private(Box<PrivateFigures>),
    /// Why there are no figures.
    Withheld { withheld: String },
}

fn shared<S: serde::Serializer>(figures: &Arc<Figures>, serializer: S) -> Result<S::Ok, S::Error> {
    figures.serialize(serializer)
}
