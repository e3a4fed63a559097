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

use crate::roster::{Assessment, Class, IdSet, Roster, ShortText};
use crate::statistics::{
    ClassFigures, Decisions, Drawing, PrivacyPolicy, Publication, ReleaseHistory, Renderer,
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
    /// The answer to `GEA`.
    exam_average: Option<String>,
    roster: Roster,
    /// The parts of the answers to `GG`, where the class is small enough.
    ready_grades: Option<ReadyGrades>,
    /// Whether a length may not even depend on the longest mark of a column.
    is_private: bool,
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
    average: String,
    /// The answer to `STATS`.
    statistics: String,
}

/// The longest texts of an edition, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct AnswerLengths {
    /// A student ID.
    id: usize,
    /// The answer to `GG`.
    grades: usize,
    /// What writing the answer to `GG` takes before it is shortened.
    unshortened_grades: usize,
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
    /// gone ([`Class::released_at`]). Nothing of it is kept, so figures with noise are withheld.
    pub fn publish(class: Class, stamp: EditionStamp, policy: PrivacyPolicy) -> Self {
        let drawing = Drawing::NoHistory;
        let publication = Publication { stamp, class: &class, policy, drawing };
        let plan = ReleaseHistory::default().plan(publication);
        // Nothing is drawn again, so there is a plan.
        let decisions = plan.map_or_else(|_| Decisions::none(policy), |plan| plan.staged());
        Self::of_edition(class, stamp, &decisions)
    }

    /// An edition for which was decided which statistics it releases. All its assessments must be released;
    /// students without keys may be gone.
    pub fn of_edition(class: Class, stamp: EditionStamp, decisions: &Decisions) -> Self {
        let EditionStamp { number: edition, published } = stamp;
        let statuses = decisions.statuses();
        let (columns, roster) = class.into_parts();
        let names: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
        let renderer = Renderer { stamp };
        let exam_average = renderer.exam_average(&names, statuses);
        let mut assessments = Vec::new();
        for (Assessment { name, out_of, .. }, status) in columns.into_iter().zip(statuses) {
            assessments.push(PublishedAssessment {
                label: format!("{}: ", deunicode::deunicode(&name)).into(),
                figures: renderer.figures(status, out_of),
                average: format!("{name} average: {}", renderer.mean(status)),
                statistics: format!("{name} statistics: {}", renderer.all(status)),
                folded_name: name.to_lowercase(),
                out_of,
                name,
            });
        }
        let mut book = Self {
            edition,
            published: published.to_string(),
            assessments,
            exam_average,
            is_private: decisions.policy().is_private(),
            roster,
            ready_grades: None,
            lengths: AnswerLengths::default(),
        };
        let labels = book.assessments.iter().map(|assessment| assessment.label.as_str());
        book.ready_grades = ReadyGrades::new(labels, SEPARATOR, &book.roster);
        book.lengths = book.longest_answers();
        book.roster.forget_counts();
        book.roster.keep_mac_states();
        book
    }

    /// The number of this edition.
    pub fn edition(&self) -> EditionNumber {
        self.edition
    }

    /// The number of students.
    pub fn students(&self) -> usize {
        self.roster.len()
    }

    /// The set of the students' IDs, for comparing it with another class.
    pub fn id_set(&self) -> IdSet {
        self.roster.id_set()
    }

    /// The names of the assessments, in the order of the class file.
    pub fn assessments(&self) -> impl Iterator<Item = &str> {
        self.assessments.iter().map(|assessment| assessment.name.as_str())
    }

    /// The students in the order of the class file: ID, name, and marks as `GG` writes them.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str, impl Iterator<Item = &str>)> {
        self.roster.rows()
    }
}
