//! Building a class student by student, with the checks that need all students.

use fernet_batch::{StudentKeys, reserve_wiped};

use super::assessment::Assessment;
use super::class::Class;
use super::index::Index;
use super::indexing::{Duplicate, find_duplicate_key, index};
use super::mark::Mark;
use super::marks::{MarkIndex, MarksBuilder};
use super::recent::ShortSpelling;
use super::students::{Roster, Student, id_head};
use super::two_threads::in_two_threads;
use crate::request::StudentId;
use crate::values::Decimal;

/// Adds students to a class.
pub struct RosterBuilder {
    assessments: Vec<Assessment>,
    roster: Roster,
    marks: MarksBuilder,
    /// Builders whose students were appended. They are kept until the class is finished: what is freed before makes
    /// glibc keep more of what is freed later (its mmap threshold rises), and finishing needs 16 bytes a student for a
    /// moment.
    appended: Vec<RosterBuilder>,
}

/// There is no room: all IDs and names together, or all comments, are more than 4 GiB, or there are
/// 2^32 students or different marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl RosterBuilder {
    /// A class with these assessments and no students yet.
    pub fn new<A: Into<Assessment>>(assessments: impl IntoIterator<Item = A>) -> Self {
        let assessments: Vec<_> = assessments.into_iter().map(Into::into).collect();
        let roster = Roster { columns: assessments.len(), ..Roster::default() };
        Self { assessments, roster, marks: MarksBuilder::default(), appended: Vec::new() }
    }

    /// Makes room for so many students, if there is memory. What is not used afterwards was never touched.
    pub fn reserve(&mut self, students: usize) {
        // Without it, the vectors grow as they must.
        let _ = self.roster.students.try_reserve(students);
        self.marks.reserve(students.saturating_mul(self.assessments.len()));
    }

    /// The place of a mark in the table of different marks.
    ///
    /// # Errors
    /// Returns an error if there is no room.
    pub fn mark(&mut self, mark: Mark<'_>) -> Result<MarkIndex, Full> {
        self.marks.index_of(mark).ok_or(Full)
    }

    /// Returns true if a mark is a number.
    pub fn is_number(&self, mark: MarkIndex) -> bool {
        self.marks.is_number(mark)
    }

    /// The mark that was remembered for a spelling, which may have been forgotten.
    #[inline]
    pub fn recall(&self, spelling: ShortSpelling) -> Option<MarkIndex> {
        self.marks.recall(spelling)
    }

    /// Remembers which mark a class file spells in this way, so that [`recall`](Self::recall) finds it
    /// faster than reading it again would.
    pub fn remember(&mut self, spelling: ShortSpelling, mark: MarkIndex) {
        self.marks.remember(spelling, mark);
    }

    /// Sets the full result of an assessment, which some class files state behind its first marks. The
    /// assessment is counted from 0.
    pub fn set_out_of(&mut self, assessment: usize, out_of: Option<Decimal>) {
        if let Some(assessment) = self.assessments.get_mut(assessment) {
            assessment.out_of = out_of;
        }
    }

    /// Adds a student. `marks` yields a mark for each assessment.
    ///
    /// # Errors
    /// Returns an error if the class is full. The builder must not be used then.
    ///
    /// # Panics
    /// If there are more or fewer marks than assessments.
    pub fn add<'a>(
        &mut self,
        id: &StudentId<'_>,
        name: &str,
        keys: StudentKeys,
        marks: impl IntoIterator<Item = Mark<'a>>,
    ) -> Result<(), Full> {
        let marks = marks.into_iter().map(|mark| self.mark(mark));
        let marks = marks.collect::<Result<Vec<_>, _>>()?;
        self.add_row(id, name, keys, &marks)
    }

    /// Adds a student with a mark for each assessment.
    ///
    /// # Errors
    /// Returns an error if the class is full. The builder must not be used then.
    ///
    /// # Panics
    /// If there are more or fewer marks than assessments.
    pub fn add_row(
        &mut self,
        id: &StudentId<'_>,
        name: &str,
        keys: StudentKeys,
        marks: &[MarkIndex],
    ) -> Result<(), Full> {
        // One mark fewer would give this student the next one's first mark.
        assert_eq!(marks.len(), self.assessments.len(), "a row has a mark for each assessment");
        let Roster { texts, students, old_keys, nameless, longest_id, longest_name, .. } =
            &mut self.roster;
        let start = u32::try_from(texts.len()).map_err(|_| Full)?;
        let row = u32::try_from(students.len()).map_err(|_| Full)?;
        let id_bytes = u8::try_from(id.as_str().len()).map_err(|_| Full)?;
        self.marks.push_row(marks);
        texts.push_str(id.as_str());
        texts.push_str(name);
        *nameless += usize::from(name.is_empty());
        longest_id.add(id.as_str().len(), row);
        longest_name.add(name.len(), row);
        let (key, old_key) = keys.into_parts();
        reserve_wiped(students);
        students.push(Student {
            key,
            id_head: id_head(id.as_str()),
            start,
            id_bytes,
            has_old_key: old_key.is_some(),
        });
        if let Some(old_key) = old_key {
            reserve_wiped(old_keys);
            old_keys.push((row, old_key));
        }
        Ok(())
    }

    /// A builder for other students of the same class, which can be [appended](Self::append).
    pub fn another(&self) -> Self {
        Self::new(self.assessments.iter().cloned())
    }

    /// Adds the students of another builder of this class behind all others, with the help of a second thread.
    ///
    /// # Errors
    /// Returns an error if the class is full. The builder must not be used then.
    pub fn append(&mut self, appended: Self) -> Result<(), Full> {
        let own = &mut self.roster;
        let Roster { texts, students, old_keys, comments, holds, .. } = own;
        let start = u32::try_from(texts.len()).map_err(|_| Full)?;
        let rows = u32::try_from(students.len()).map_err(|_| Full)?;
        let row = |other: u32| rows.checked_add(other).ok_or(Full);
        // No text and no student begins behind what a u32 counts.
        row(u32::try_from(appended.roster.students.len()).map_err(|_| Full)?)?;
        let Self { roster: other, marks: other_marks, .. } = &appended;
        own.nameless += other.nameless;
        own.longest_id.append(other.longest_id, rows);
        own.longest_name.append(other.longest_name, rows);
        let marks = &mut self.marks;
        let append_texts = || {
            texts.push_str(&other.texts);
            comments.append(rows, &other.comments).ok_or(Full)?;
            marks.append(other_marks).ok_or(Full)
        };
        let append_students = || {
            for student in &other.students {
                reserve_wiped(students);
                let start = start.checked_add(student.start).ok_or(Full)?;
                students.push(Student { start, ..student.clone() });
            }
            for (other_row, key) in &other.old_keys {
                reserve_wiped(old_keys);
                old_keys.push((row(*other_row)?, key.clone()));
            }
            for (other_row, column) in &other.holds {
                holds.push((row(*other_row)?, *column));
            }
            Ok(())
        };
        let (texts, students) = in_two_threads(append_texts, append_students);
        self.appended.push(appended);
        texts.and(students)
    }

    /// Adds a comment on a mark of the student who was added last. Comments come in the order of the
    /// assessments, which are counted from 0.
    ///
    /// # Errors
    /// Returns an error if there is no room.
    pub fn comment(&mut self, assessment: usize, text: &str) -> Result<(), Full> {
        let row = self.roster.students.len().saturating_sub(1);
        let row = u32::try_from(row).map_err(|_| Full)?;
        let column = u32::try_from(assessment).map_err(|_| Full)?;
        self.roster.comments.push(row, column, text).ok_or(Full)
    }

    /// Notes that a mark of the student who was added last is on hold; the mark was added as a blank.
    /// Holds come in the order of the assessments, which are counted from 0.
    pub fn hold(&mut self, assessment: usize) {
        let row = self.roster.students.len().saturating_sub(1);
        // `add` admits no more students than a u32 counts.
        if let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(assessment)) {
            self.roster.holds.push((row, column));
        }
    }

    /// The class.
    ///
    /// # Errors
    /// Returns every student whose ID another has; if there is none, the first two who have the same key.
    pub fn finish(self) -> Result<Class, Vec<Duplicate>> {
        let (by_id, mut duplicates) = index(&self.roster);
        if duplicates.is_empty() {
            duplicates.extend(find_duplicate_key(&self.roster));
        }
        self.indexed(by_id, duplicates)
    }

    /// The class, as [`finish`](Self::finish) makes it, with the help of a second thread.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_in_two(mut self) -> Result<Class, Vec<Duplicate>> {
        let appended = std::mem::take(&mut self.appended);
        let Self { roster, marks, .. } = &self;
        // The index stays, and so does its thread's memory; what the search needs is given back by this thread, which
        // does what else takes time, since the index takes longest.
        let ((by_id, mut duplicates), duplicate_key) = in_two_threads(
            || index(roster),
            || {
                let duplicate = find_duplicate_key(roster);
                drop(appended);
                marks.count(roster.columns);
                duplicate
            },
        );
        if duplicates.is_empty() {
            duplicates.extend(duplicate_key);
        }
        self.indexed(by_id, duplicates)
    }

    fn indexed(
        mut self,
        by_id: Index,
        duplicates: Vec<Duplicate>,
    ) -> Result<Class, Vec<Duplicate>> {
        if !duplicates.is_empty() {
            return Err(duplicates);
        }
        self.roster.by_id = by_id;
        self.roster.texts.shrink_to_fit();
        self.roster.comments.shrink_to_fit();
        self.roster.marks = self.marks.finish();
        Ok(Class::new(self.assessments, self.roster))
    }
}
