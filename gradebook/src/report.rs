//! `REPORT`: everything a student may know, as one JSON document on one line.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use crate::decimal::Decimal;
use crate::statistics::Figures;

/// The document. `docs/PROTOCOL.md` describes its fields.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    /// The edition of the class file that this was read from.
    pub(crate) edition: u64,
    /// When the answer was made, RFC 3339 in UTC.
    pub(crate) time: String,
    pub(crate) assessments: Vec<ReportLine<'a>>,
}

/// One assessment.
#[derive(Serialize)]
pub(crate) struct ReportLine<'a> {
    pub(crate) assessment: &'a str,
    /// The student's own mark; nothing while it is blank.
    pub(crate) mark: Option<Decimal>,
    pub(crate) class: &'a ClassFigures,
}

/// What is told of the class.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ClassFigures {
    /// The figures, and which edition they are of where that can be an older one.
    Known {
        #[serde(skip_serializing_if = "Option::is_none")]
        edition: Option<u64>,
        #[serde(flatten, serialize_with = "shared")]
        figures: Arc<Figures>,
    },
    /// The reason why there are none.
    Withheld { withheld: Cow<'static, str> },
}

/// What is told to who has no mark in an assessment.
pub(crate) static NO_OWN_FIGURES: ClassFigures =
    ClassFigures::Withheld { withheld: Cow::Borrowed(NO_OWN_MARK) };

/// Why a student does not see a figure: it says something of others only.
pub(crate) const NO_OWN_MARK: &str = "you have no mark in it";

fn shared<S: serde::Serializer>(figures: &Arc<Figures>, serializer: S) -> Result<S::Ok, S::Error> {
    figures.serialize(serializer)
}
