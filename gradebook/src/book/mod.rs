//! The book: a published class in memory, ready to answer.
//!
//! [`Book::publish`] decides once which statistics students may see and renders what is the same for
//! the whole class. A book never changes. It knows no bytes of the wire.

mod answer;
#[cfg(test)]
mod tests;
mod topic;

use fernet_batch::DecoyKeys;

use crate::request::StudentId;
use crate::roster::{Class, Record, Roster, ShortText};
use crate::statistics::{
    ClassFigures, ExamAverage, NO_OWN_FIGURES, PrivacyPolicy, ReleaseHistory, Renderer,
    StatisticText,
};
use crate::values::EditionNumber;

/// One edition of a class with the students' keys.
pub struct Book {
    edition: EditionNumber,
    assessments: Vec<Assessment>,
    exam_average: Option<ExamAverage>,
    /// Whether students see only statistics of assessments in which they have a mark themselves.
    own_marks_only: bool,
    history: ReleaseHistory,
    roster: Roster,
    /// The length of the longest report that is possible, to which decoys of one are padded.
    report_bytes_max: usize,
}

/// One column of marks, with the texts about it.
struct Assessment {
    name: String,
    /// What stands before a mark: the name in ASCII, since some of the lab's clients fail on other
    /// characters, and a colon.
    label: ShortText,
    /// The class statistics in a report.
    figures: ClassFigures,
    /// The answer to `AVG`.
    average: StatisticText,
    /// The answer to `STATS`.
    statistics: StatisticText,
}

/// How a server answers a student ID that the class does not have.
#[derive(Clone, Default)]
pub enum UnknownStudent {
    /// Close the connection without a byte.
    #[default]
    Close,
    /// Send an `ERR` line.
    Error,
    /// Send a token that nobody can open, and pad all answers to one length.
    Decoy(DecoyKeys),
}

impl Book {
    /// Publishes a class as an edition. `history` is what earlier editions have released: together
    /// with the policy it decides which statistics this edition releases.
    pub fn publish(
        class: Class,
        edition: EditionNumber,
        history: &ReleaseHistory,
        policy: PrivacyPolicy,
    ) -> Self {
        let (names, roster) = class.into_parts();
        let (statuses, history) = history.publish(edition, &names, &roster, policy);
        let renderer = Renderer { edition, policy };
        let exam_average = renderer.exam_average(&names, &statuses);
        let mut assessments = Vec::new();
        for (name, status) in names.into_iter().zip(&statuses) {
            assessments.push(Assessment {
                label: format!("{}: ", deunicode::deunicode(&name)).into(),
                figures: renderer.figures(status),
                average: StatisticText::new(&format!("{name} average"), &renderer.mean(status)),
                statistics: StatisticText::new(
                    &format!("{name} statistics"),
                    &renderer.all(status),
                ),
                name,
            });
        }
        let own_marks_only = policy.applies();
        let mut book = Self {
            edition,
            assessments,
            exam_average,
            own_marks_only,
            history,
            roster,
            report_bytes_max: 0,
        };
        book.report_bytes_max = book.longest_report_bytes();
        book
    }

    /// The number of this edition.
    pub fn edition(&self) -> EditionNumber {
        self.edition
    }

    /// What this edition and those before it have released.
    pub fn release_history(&self) -> &ReleaseHistory {
        &self.history
    }

    /// The number of students.
    pub fn students(&self) -> usize {
        self.roster.len()
    }

    /// The names of the assessments, in the order of the class file.
    pub fn assessments(&self) -> impl Iterator<Item = &str> {
        self.assessments.iter().map(|assessment| assessment.name.as_str())
    }

    /// The students in the order of the class file: ID, name, and marks as the file has them.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str, impl Iterator<Item = &str>)> {
        self.roster.rows()
    }

    /// An upper bound of the length of every report: the first student's report, its own texts
    /// replaced by the longest of each.
    fn longest_report_bytes(&self) -> usize {
        /// The longest spelling of a byte in JSON: `\u001b`.
        const ESCAPED_BYTES_MAX: usize = 6;
        /// The longest decimal: a sign, 12 digits, a point and 18 digits.
        const MARK_BYTES_MAX: usize = 32;
        let name_bytes = self.roster.records().map(|record| record.name().len()).max();
        let first = self.roster.records().next();
        let frame_bytes =
            first.map_or(0, |first| json_bytes(&self.report(first, fernet_batch::Timestamp(0))));
        let mut figures_bytes = 0_usize;
        for assessment in &self.assessments {
            let bytes = json_bytes(&assessment.figures);
            figures_bytes = figures_bytes.saturating_add(bytes);
        }
        let withheld_bytes = json_bytes(&NO_OWN_FIGURES);
        let column_bytes = withheld_bytes.saturating_add(MARK_BYTES_MAX);
        frame_bytes
            .saturating_add(StudentId::LENGTH_MAX)
            .saturating_add(name_bytes.unwrap_or_default().saturating_mul(ESCAPED_BYTES_MAX))
            .saturating_add(figures_bytes)
            .saturating_add(self.assessments.len().saturating_mul(column_bytes))
    }

    /// Returns true if a student may see the statistics of a column.
    fn may_see(&self, record: Record<'_>, column: usize) -> bool {
        !self.own_marks_only || record.marks().nth(column).is_some_and(|mark| mark.value.is_some())
    }
}

/// The length of a value as JSON; 0 if it has no JSON, which no report has.
fn json_bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}
