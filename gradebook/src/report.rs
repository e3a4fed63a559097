//! `REPORT`: everything a student may know, as one JSON document on one line.

use serde::Serialize;

use crate::decimal::Decimal;
use crate::statistics::ClassFigures;

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
