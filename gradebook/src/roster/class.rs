//! A class: what a class file says.

use fernet_batch::Timestamp;

use super::assessment::Assessment;
use super::id_set::IdSet;
use super::mark::Mark;
use super::marks::StoredMark;
use super::students::{Record, Roster};
use crate::values::Decimal;

/// Assessments and students with their marks and keys. It is not published: it has no edition
/// number, and nothing decides yet which statistics students may see.
pub struct Class {
    assessments: Vec<Assessment>,
    roster: Roster,
}

/// One student of a class, with everything that the class file says about them but the keys.
#[derive(Clone, Copy)]
pub struct ClassStudent<'a>(Record<'a>);

impl<'a> ClassStudent<'a> {
    /// The ID.
    pub fn id(self) -> &'a str {
        self.0.id()
    }

    /// The name; it may be empty.
    pub fn name(self) -> &'a str {
        self.0.name()
    }

    /// A mark for each assessment; a mark on hold is a blank.
    pub fn marks(self) -> impl Iterator<Item = Mark<'a>> {
        self.0.marks().map(StoredMark::mark)
    }

    /// The assessments in which the mark is on hold, counted from 0, in rising order.
    pub fn holds(self) -> impl Iterator<Item = usize> {
        self.0.holds()
    }

    /// The comment on the mark in an assessment, counted from 0, if there is one.
    pub fn comment(self, assessment: usize) -> Option<&'a str> {
        self.0.comments().of(assessment)
    }
}

impl Class {
    pub(super) fn new(assessments: Vec<Assessment>, roster: Roster) -> Self {
        Self { assessments, roster }
    }

    /// The assessments and the students.
    pub(crate) fn into_parts(self) -> (Vec<Assessment>, Roster) {
        (self.assessments, self.roster)
    }

    /// The students.
    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The class without the assessments that are not released at the time `now`, their marks and
    /// their comments: nothing of them remains.
    #[must_use]
    pub fn released_at(mut self, now: Timestamp) -> Self {
        let released =
            self.assessments.iter().map(|assessment| assessment.release.is_released(now));
        let keep: Vec<bool> = released.collect();
        if keep.contains(&false) {
            self.roster.retain_columns(&keep);
            self.assessments.retain(|assessment| assessment.release.is_released(now));
        }
        self
    }

    /// The next moment after `now` at which an assessment is released by itself.
    pub fn next_release(&self, now: Timestamp) -> Option<Timestamp> {
        Assessment::next_release(&self.assessments, now)
    }

    /// The number of students.
    pub fn students(&self) -> usize {
        self.roster.len()
    }

    /// The IDs of the students, in the order of the class file.
    pub fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.roster.records().map(Record::id)
    }

    /// The names of the assessments, in the order of the class file.
    pub fn assessments(&self) -> impl Iterator<Item = &str> {
        self.assessments.iter().map(|assessment| assessment.name.as_str())
    }

    /// The students in the order of the class file: ID, name, and marks as `GG` writes them.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str, impl Iterator<Item = &str>)> {
        self.roster.rows()
    }

    /// The assessments, in the order of the class file.
    pub fn columns(&self) -> &[Assessment] {
        &self.assessments
    }

    /// The students, in the order of the class file.
    pub fn each_student(&self) -> impl Iterator<Item = ClassStudent<'_>> {
        self.roster.records().map(ClassStudent)
    }

    /// The students without a name.
    pub fn nameless(&self) -> impl Iterator<Item = &str> {
        let nameless = self.roster.records().filter(|record| record.name().is_empty());
        // Most classes have none, and then no student is looked at.
        nameless.take(self.roster.nameless).map(Record::id)
    }

    /// The negative marks: the student's ID and the assessment of each.
    pub fn negative_marks(&self) -> impl Iterator<Item = (&str, &str)> {
        // A look at the different marks spares most classes one at every cell.
        let records = self.roster.has_negative_marks().then(|| self.roster.records());
        records.into_iter().flatten().flat_map(|record| {
            let marks = self.assessments().zip(record.marks());
            let negative = marks.filter(|(_, mark)| mark.value.is_some_and(Decimal::is_negative));
            negative.map(move |(assessment, _)| (record.id(), assessment))
        })
    }

    /// The set of the students' IDs, for comparing it with another class.
    pub fn id_set(&self) -> IdSet {
        self.roster.id_set()
    }
}
