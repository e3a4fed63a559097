//! The content of an edition: a class without keys.
//!
//! It has one form in bytes. Students stand in the order of their IDs, and the different marks in the order
//! of their kinds and texts, so that two files that say the same have the same digest.

use std::collections::BTreeSet;
use std::fmt;

use fernet_batch::{StudentKeys, Timestamp};
use gradebook::{
    Assessment, AssessmentRelease, Class, Decimal, Full, Mark, MarkStatus, RosterBuilder, StudentId,
};
use sha2::{Digest as _, Sha256};

use crate::codec::{Malformed, Reader, Writer};

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

    /// The mark of one of these students in an assessment, counted from 0.
    pub(crate) fn mark(&self, student: &StudentContent, assessment: usize) -> Mark<'_> {
        let mark = student.marks.get(assessment).and_then(|at| self.marks.get(*at));
        mark.and_then(OwnedMark::mark).unwrap_or(Mark::Blank)
    }

    /// The content as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.count(self.assessments.len());
        for Assessment { name, out_of, release } in &self.assessments {
            out.text(name);
            out.text(&out_of.map(|number| number.to_string()).unwrap_or_default());
            match release {
                AssessmentRelease::Hidden => out.number(0),
                AssessmentRelease::Released => out.number(1),
                AssessmentRelease::From(Timestamp(moment)) => {
                    out.number(2);
                    out.number(*moment);
                }
            }
        }
        out.count(self.marks.len());
        for OwnedMark { kind, text } in &self.marks {
            out.number(u64::from(*kind));
            out.text(text);
        }
        out.count(self.students.len());
        for StudentContent { id, name, marks, holds, comments } in &self.students {
            out.text(id);
            out.text(name);
            marks.iter().for_each(|at| out.count(*at));
            out.count(holds.len());
            holds.iter().for_each(|at| out.count(*at));
            out.count(comments.len());
            for (at, text) in comments {
                out.count(*at);
                out.text(text);
            }
        }
        out.into_bytes()
    }

    /// Reads the bytes of a content.
    ///
    /// # Errors
    /// Returns an error if they are not what [`to_bytes`](Self::to_bytes) writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ContentError> {
        let mut input = Reader::new(bytes);
        let mut assessments = Vec::new();
        for _ in 0..input.count()? {
            assessments.push(read_assessment(&mut input)?);
        }
        let mut marks: Vec<OwnedMark> = Vec::new();
        for _ in 0..input.count()? {
            let kind = u8::try_from(input.number()?).map_err(|_| Malformed)?;
            let mark = OwnedMark { kind, text: input.text()?.to_owned() };
            let is_canonical = mark.mark().map(OwnedMark::of).as_ref() == Some(&mark);
            if !is_canonical || marks.last().is_some_and(|last| *last >= mark) {
                return Err(ContentError::Malformed);
            }
            marks.push(mark);
        }
        let mut students: Vec<StudentContent> = Vec::new();
        for _ in 0..input.count()? {
            let student = read_student(&mut input, assessments.len(), marks.len())?;
            if students.last().is_some_and(|last| last.id >= student.id) {
                return Err(ContentError::Malformed);
            }
            students.push(student);
        }
        input.end()?;
        let mut is_used = vec![false; marks.len()];
        for at in students.iter().flat_map(|student| &student.marks) {
            if let Some(is_used) = is_used.get_mut(*at) {
                *is_used = true;
            }
        }
        if is_used.contains(&false) {
            return Err(ContentError::Malformed);
        }
        Ok(Self { assessments, marks, students })
    }
}

fn read_assessment(input: &mut Reader<'_>) -> Result<Assessment, Malformed> {
    let name = input.text()?.to_owned();
    let out_of = match input.text()? {
        "" => None,
        text => {
            let number = Decimal::parse(text).map_err(|_| Malformed)?;
            if number.to_string() != text {
                return Err(Malformed);
            }
            Some(number)
        }
    };
    let release = match input.number()? {
        0 => AssessmentRelease::Hidden,
        1 => AssessmentRelease::Released,
        2 => AssessmentRelease::From(Timestamp(input.number()?)),
        _ => return Err(Malformed),
    };
    Ok(Assessment { name, out_of, release })
}

fn read_student(
    input: &mut Reader<'_>,
    assessments: usize,
    different_marks: usize,
) -> Result<StudentContent, Malformed> {
    let id = input.text()?.to_owned();
    StudentId::new(id.as_bytes()).ok_or(Malformed)?;
    let name = input.text()?.to_owned();
    let mut marks = Vec::with_capacity(assessments);
    for _ in 0..assessments {
        marks.push(input.place(different_marks)?);
    }
    let mut holds: Vec<usize> = Vec::new();
    for _ in 0..input.count()? {
        let hold = input.place(assessments)?;
        if holds.last().is_some_and(|last| *last >= hold) {
            return Err(Malformed);
        }
        holds.push(hold);
    }
    let mut comments: Vec<(usize, String)> = Vec::new();
    for _ in 0..input.count()? {
        let at = input.place(assessments)?;
        if comments.last().is_some_and(|(last, _)| *last >= at) {
            return Err(Malformed);
        }
        comments.push((at, input.text()?.to_owned()));
    }
    Ok(StudentContent { id, name, marks, holds, comments })
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
