//! What has been told, as a text that outlives the process.
//!
//! JSON: of each assessment its name, the edition that told its figures last, the rule by which, and
//! for every figure told the marks that it rests on, each with how often it occurs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ReleaseHistory, StatisticRelease};
use crate::book::EditionNumber;
use crate::decimal::Decimal;
use crate::statistics::{Figures, PrivacyPolicy};

/// The form of the text; another one is not read.
const FORM: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    form: u32,
    edition: u64,
    assessments: Vec<Assessment>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assessment {
    name: String,
    edition: u64,
    population_min: u32,
    told: Vec<Vec<(String, u32)>>,
}

/// Why a text is no record of what was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds no record of what was told, or a damaged one")]
pub struct InvalidHistory;

impl ReleaseHistory {
    /// The record of what was told up to this edition.
    pub fn to_record(&self, edition: EditionNumber) -> Vec<u8> {
        let Self(all) = self;
        let assessments = all.iter().map(assessment).collect();
        let record = Record { form: FORM, edition: edition.0, assessments };
        // Texts and numbers become JSON without fail.
        serde_json::to_vec(&record).unwrap_or_default()
    }

    /// Reads a record. Gives what was told, and up to which edition.
    ///
    /// # Errors
    /// [`InvalidHistory`].
    pub fn from_record(text: &[u8]) -> Result<(Self, EditionNumber), InvalidHistory> {
        let record: Record = serde_json::from_slice(text).map_err(|_| InvalidHistory)?;
        if record.form != FORM {
            return Err(InvalidHistory);
        }
        let all: Option<Vec<_>> = record.assessments.iter().map(release_of).collect();
        Ok((Self(Arc::new(all.ok_or(InvalidHistory)?)), EditionNumber(record.edition)))
    }
}

fn assessment(release: &StatisticRelease) -> Assessment {
    let StatisticRelease { name, edition, policy, mark_counts: told, .. } = release;
    let marks = |(mark, times): &(Decimal, u32)| (mark.to_string(), *times);
    Assessment {
        name: name.clone(),
        edition: edition.0,
        population_min: policy.population_min,
        told: told.iter().map(|told| told.iter().map(marks).collect()).collect(),
    }
}

fn release_of(assessment: &Assessment) -> Option<StatisticRelease> {
    let Assessment { name, edition, population_min, told } = assessment;
    let policy = PrivacyPolicy { population_min: *population_min };
    let marks = |(mark, times): &(String, u32)| Some((Decimal::parse(mark).ok()?, *times));
    let marks = |told: &Vec<_>| {
        let marks: Option<Vec<_>> = told.iter().map(marks).collect();
        // How marks are compared rests on their order.
        marks.filter(|marks| marks.is_sorted_by(|(one, _), (next, _)| one < next)).map(Arc::new)
    };
    let told: Option<Vec<_>> = told.iter().map(marks).collect();
    let told = told?;
    let figures = Figures::of(told.last()?.iter().copied(), policy)?;
    let (name, edition, figures) = (name.clone(), EditionNumber(*edition), Arc::new(figures));
    Some(StatisticRelease { name, edition, policy, figures, mark_counts: told })
}
