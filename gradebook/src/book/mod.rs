//! The book: a published class in memory, ready to answer.
//!
//! [`Book::publish`] decides once which statistics students may see and renders what is the same for
//! the whole class. A book never changes. It knows no bytes of the wire.

mod answer;
mod lengths;
mod ready_grades;
#[cfg(test)]
mod tests;
mod topic;

use fernet_batch::DecoyKeys;
use ready_grades::ReadyGrades;

use crate::roster::{Assessment, Class, Record, Roster, ShortText};
use crate::statistics::{
    ClassFigures, Decisions, ExamAverage, PrivacyPolicy, ReleaseHistory, Renderer, StatisticText,
};
use crate::values::{Decimal, EditionNumber, EditionStamp};

/// What stands between two marks of an answer.
const SEPARATOR: &str = ", ";

/// One edition of a class with the students' keys.
pub struct Book {
    edition: EditionNumber,
    /// When the edition was published, RFC 3339 in UTC.
    published: String,
    assessments: Vec<PublishedAssessment>,
    exam_average: Option<ExamAverage>,
    /// Whether students see only statistics of assessments in which they have a mark themselves.
    own_marks_only: bool,
    history: ReleaseHistory,
    roster: Roster,
    /// The parts of the answers to `GG`, where the class is small enough.
    ready_grades: Option<ReadyGrades>,
    /// The lengths that answers are padded to, so that none reveals a mark.
    lengths: AnswerLengths,
}

/// One column of marks, with the texts about it.
struct PublishedAssessment {
    name: String,
    /// The name in lower case.
    folded_name: String,
    /// The number of points that is the full result, if it is known.
    out_of: Option<Decimal>,
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

/// The longest texts of an edition, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct AnswerLengths {
    /// A student ID.
    id: usize,
    /// The answer to `GG`.
    grades: usize,
    /// The answer to `REPORT`.
    report: usize,
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
    /// Publishes a class as an edition, with all its assessments: those that are not released must be
    /// gone ([`Class::released_at`]). `history` is what earlier editions have released: together
    /// with the policy it decides which statistics this edition releases.
    pub fn publish(
        class: Class,
        stamp: EditionStamp,
        history: &ReleaseHistory,
        policy: PrivacyPolicy,
    ) -> Self {
        let (decisions, history) = history.decide(stamp, &class, policy);
        Self::of_edition(class, stamp, &decisions, history)
    }

    /// An edition for which was decided which statistics it releases. All its assessments must be released;
    /// students without keys may be gone. `history` is what is released up to now.
    pub fn of_edition(
        class: Class,
        stamp: EditionStamp,
        decisions: &Decisions,
        history: ReleaseHistory,
    ) -> Self {
        let EditionStamp { number: edition, published } = stamp;
        let Decisions { policy, statuses } = decisions;
        let policy = *policy;
        let (columns, roster) = class.into_parts();
        let names: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
        let renderer = Renderer { stamp, policy };
        let exam_average = renderer.exam_average(&names, statuses);
        let mut assessments = Vec::new();
        for (Assessment { name, out_of, .. }, status) in columns.into_iter().zip(statuses) {
            assessments.push(PublishedAssessment {
                label: format!("{}: ", deunicode::deunicode(&name)).into(),
                figures: renderer.figures(status),
                average: StatisticText::new(&format!("{name} average"), &renderer.mean(status)),
                statistics: StatisticText::new(
                    &format!("{name} statistics"),
                    &renderer.all(status),
                ),
                folded_name: name.to_lowercase(),
                out_of,
                name,
            });
        }
        let own_marks_only = policy.applies();
        let mut book = Self {
            edition,
            published: published.to_string(),
            assessments,
            exam_average,
            own_marks_only,
            history,
            roster,
            ready_grades: None,
            lengths: AnswerLengths::default(),
        };
        let labels = book.assessments.iter().map(|assessment| assessment.label.as_str());
        book.ready_grades = ReadyGrades::new(labels, SEPARATOR, &book.roster);
        book.lengths = book.longest_answers();
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

    /// The students in the order of the class file: ID, name, and marks as `GG` writes them.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str, impl Iterator<Item = &str>)> {
        self.roster.rows()
    }

    /// Returns true if a student may see the statistics of a column.
    fn may_see(&self, record: Record<'_>, column: usize) -> bool {
        !self.own_marks_only || record.marks().nth(column).is_some_and(|mark| mark.value.is_some())
    }
}
