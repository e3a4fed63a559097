//! The one form of a content in bytes.
//!
//! ```text
//! assessments: count | name, full result (a text, empty if unknown), release (0 hidden, 1 released, 2 and
//!              the moment in seconds since 1970)
//! marks:       count | kind, text                      the different marks, in rising order
//! students:    count | ID, name, the place of each mark,
//!              holds: count | assessment; comments: count | assessment, text
//! ```

use fernet_batch::Timestamp;
use gradebook::{Assessment, AssessmentRelease, Decimal, StudentId};

use super::{Content, ContentError, OwnedMark, StudentContent};
use crate::codec::{Malformed, Reader, Writer};

impl Content {
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
