//! The content of an edition: a class without keys.
//!
//! It has one form in bytes. Students stand in the order of their IDs, and the different marks in the order
//! of their kinds and texts, so that two files that say the same have the same digest.

mod encoding;

use std::collections::BTreeSet;
use std::fmt;

use fernet_batch::StudentKeys;
use gradebook::{Assessment, Class, Full, Mark, MarkStatus, RosterBuilder, StudentId};
use sha2::{Digest as _, Sha256};

use crate::codec::Malformed;

/// The SHA-256 of a content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentDigest(pub(crate) [u8; 32]);

/// The digest in 64 digits from `0-9a-f`.
impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex_simd::encode_to_string(self.0, hex_simd::AsciiCase::Lower))
    }
}

/// A class without keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    assessments: Vec<Assessment>,
    /// The different marks, in order.
    marks: Vec<OwnedMark>,
    /// The students, in the order of their IDs.
    students: Vec<StudentContent>,
}

/// A mark that stands by itself. It has no `Debug`: no log shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct OwnedMark {
    kind: u8,
    text: String,
}

/// One student.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StudentContent {
    id: String,
    name: String,
    /// The place of the mark in each assessment among the different marks.
    marks: Vec<usize>,
    /// The assessments in which the mark is on hold, in rising order.
    holds: Vec<usize>,
    /// The comments, by assessment in rising order.
    comments: Vec<(usize, String)>,
}

impl StudentContent {
    /// The ID.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The name; it may be empty.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Puts the mark in an assessment on hold: it becomes the mark at this place, and its comment is gone.
    /// Returns false if it was on hold.
    pub(crate) fn hold(&mut self, assessment: usize, blank: usize) -> bool {
        let Err(at) = self.holds.binary_search(&assessment) else { return false };
        self.holds.insert(at, assessment);
        if let Some(mark) = self.marks.get_mut(assessment) {
            *mark = blank;
        }
        self.comments.retain(|(commented, _)| *commented != assessment);
        true
    }

    /// Returns true if the mark in an assessment is on hold.
    pub(crate) fn is_on_hold(&self, assessment: usize) -> bool {
        self.holds.contains(&assessment)
    }
}

impl OwnedMark {
    fn of(mark: Mark<'_>) -> Self {
        let text = match mark {
            Mark::Number(number) => number.to_string(),
            Mark::Letter(letter) => letter.to_owned(),
            Mark::Blank | Mark::Excused | Mark::Missing => String::new(),
        };
        Self { kind: kind_number(mark.status()), text }
    }

    fn mark(&self) -> Option<Mark<'_>> {
        Mark::from_parts(kind_of(self.kind)?, &self.text)
    }
}

impl Content {
    /// The content of a class.
    pub fn of(class: &Class) -> Self {
        let mut table = BTreeSet::new();
        for student in class.each_student() {
            table.extend(student.marks().map(OwnedMark::of));
        }
        let marks: Vec<_> = table.into_iter().collect();
        let columns = class.columns().len();
        let mut students = Vec::with_capacity(class.students());
        for student in class.each_student() {
            let comments =
                (0..columns).filter_map(|at| Some((at, student.comment(at)?.to_owned()))).collect();
            // Every mark is in the table.
            let place = |mark| marks.binary_search(&OwnedMark::of(mark)).unwrap_or_default();
            students.push(StudentContent {
                id: student.id().to_owned(),
                name: student.name().to_owned(),
                marks: student.marks().map(place).collect(),
                holds: student.holds().collect(),
                comments,
            });
        }
        students.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Self { assessments: class.columns().to_vec(), marks, students }
    }

    /// The class with the keys of its students. A student without keys is left out.
    ///
    /// # Errors
    /// Returns an error if the class is too large, or two students have the same key.
    pub fn into_class(
        &self,
        keys: impl Fn(&str) -> Option<StudentKeys>,
    ) -> Result<Class, ContentError> {
        let mut builder = RosterBuilder::new(self.assessments.iter().cloned());
        for student in &self.students {
            let Some(keys) = keys(&student.id) else { continue };
            let id = StudentId::new(student.id.as_bytes()).ok_or(ContentError::Malformed)?;
            let marks = student
                .marks
                .iter()
                .map(|at| self.marks.get(*at).and_then(OwnedMark::mark).unwrap_or(Mark::Blank));
            builder.add(&id, &student.name, keys, marks)?;
            for hold in &student.holds {
                builder.hold(*hold);
            }
            for (assessment, text) in &student.comments {
                builder.comment(*assessment, text)?;
            }
        }
        builder.finish().map_err(|_| ContentError::Duplicate)
    }

    /// What identifies the content.
    pub fn digest(&self) -> ContentDigest {
        ContentDigest(Sha256::digest(self.to_bytes()).into())
    }

    /// The number of students.
    pub fn students(&self) -> usize {
        self.students.len()
    }

    /// The assessments, in the order of the class file.
    pub fn assessments(&self) -> &[Assessment] {
        &self.assessments
    }

    /// The number of marks that are not blank.
    pub fn marks(&self) -> usize {
        let blank = self.marks.binary_search(&OwnedMark::of(Mark::Blank)).ok();
        let given = |at: &&usize| Some(**at) != blank;
        self.students.iter().map(|student| student.marks.iter().filter(given).count()).sum()
    }

    /// The number of marks on hold.
    pub fn on_hold(&self) -> usize {
        self.students.iter().map(|student| student.holds.len()).sum()
    }

    /// The names of the assessments.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.assessments.iter().map(|assessment| assessment.name.as_str())
    }

    /// The place of an assessment.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.names().position(|other| other == name)
    }

    /// The students, in the order of their IDs.
    pub(crate) fn each(&self) -> impl Iterator<Item = &StudentContent> {
        self.students.iter()
    }

    /// The student with an ID.
    pub(crate) fn student(&self, id: &str) -> Option<&StudentContent> {
        let at = self.students.binary_search_by(|student| student.id.as_str().cmp(id)).ok()?;
        self.students.get(at)
    }

    /// The student with an ID, to be changed.
    pub(crate) fn student_mut(&mut self, id: &str) -> Option<&mut StudentContent> {
        let at = self.students.binary_search_by(|student| student.id.as_str().cmp(id)).ok()?;
        self.students.get_mut(at)
    }

    /// The assessments, to be changed.
    pub(crate) fn assessments_mut(&mut self) -> impl Iterator<Item = &mut Assessment> {
        self.assessments.iter_mut()
    }

    /// The place of a mark among the different marks, to which it is added if it is new. Its place is the
    /// last one then, until the content is [`normalized`](Self::normalized).
    pub(crate) fn place_of(&mut self, mark: Mark<'_>) -> usize {
        let mark = OwnedMark::of(mark);
        let known = self.marks.iter().position(|other| *other == mark);
        known.unwrap_or_else(|| {
            self.marks.push(mark);
            self.marks.len() - 1
        })
    }

    /// The content in its one form: without marks that no student has, and the others in order.
    #[must_use]
    pub(crate) fn normalized(mut self) -> Self {
        let used: BTreeSet<_> = self.students.iter().flat_map(|student| &student.marks).collect();
        let mut order: Vec<usize> = used.into_iter().copied().collect();
        order.sort_by(|one, other| self.marks.get(*one).cmp(&self.marks.get(*other)));
        let mut places = vec![0; self.marks.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(place) = places.get_mut(*old) {
                *place = new;
            }
        }
        self.marks = order.iter().filter_map(|old| self.marks.get(*old).cloned()).collect();
        for mark in self.students.iter_mut().flat_map(|student| &mut student.marks) {
            *mark = places.get(*mark).copied().unwrap_or_default();
        }
        self
    }

    /// The mark of one of these students in an assessment, counted from 0.
    pub(crate) fn mark(&self, student: &StudentContent, assessment: usize) -> Mark<'_> {
        let mark = student.marks.get(assessment).and_then(|at| self.marks.get(*at));
        mark.and_then(OwnedMark::mark).unwrap_or(Mark::Blank)
    }
}

/// Why bytes are not a content, or a content is not a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The bytes do not have the form.
    #[error("is damaged")]
    Malformed,
    /// There are too many students or texts.
    #[error("is too large")]
    Full,
    /// Two students have the same key.
    #[error("has two students with the same key")]
    Duplicate,
}

impl From<Malformed> for ContentError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Full> for ContentError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

const KINDS: [MarkStatus; 5] = [
    MarkStatus::Blank,
    MarkStatus::Number,
    MarkStatus::Letter,
    MarkStatus::Excused,
    MarkStatus::Missing,
];

fn kind_number(status: MarkStatus) -> u8 {
    let at = KINDS.iter().position(|kind| *kind == status).unwrap_or_default();
    u8::try_from(at).unwrap_or_default()
}

fn kind_of(number: u8) -> Option<MarkStatus> {
    KINDS.get(usize::from(number)).copied()
}

#[cfg(test)]
mod tests;
