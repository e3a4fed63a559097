//! The roll: who is in the class, each with a key and marks, found by ID.
//!
//! Storage is compact, since a class may have a million students: 44 bytes a student and 4 a cell,
//! beside the texts. A cell is a place in a table of the different marks, an ID or a name a place in
//! one long text.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::decimal::{Decimal, DecimalError};
use crate::key::Key;
use crate::request::StudentId;

/// The students of a class, in the order of the class file.
#[derive(Default)]
pub(crate) struct Roll {
    columns: usize,
    students: Vec<Student>,
    /// IDs and names, one behind the other.
    texts: String,
    /// Every different mark of the class, once.
    marks: Vec<Mark>,
    /// For each student, for each column, a place in `marks`.
    cells: Vec<u32>,
    by_id: HashTable<u32>,
    hasher: RandomState,
}

/// What a cell holds.
pub(crate) struct Mark {
    /// As the class file writes it.
    pub(crate) text: Box<str>,
    /// Nothing for a blank.
    pub(crate) value: Option<Decimal>,
}

struct Student {
    key: Key,
    /// Where in the texts the ID begins.
    start: u32,
    /// Where the ID ends and the name begins.
    id_end: u32,
    end: u32,
}

/// One row of the class.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    roll: &'a Roll,
    student: &'a Student,
    row: usize,
}

/// Adds students to a roll, with what only the adding needs.
#[derive(Default)]
pub(crate) struct RollBuilder {
    roll: Roll,
    by_text: HashMap<Box<str>, u32>,
    by_key: HashTable<u32>,
}

/// Why a student cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddError {
    /// The student at this place has the same ID.
    SameId(usize),
    /// The student at this place has the same key.
    SameKey(usize),
    /// The mark in this column is none.
    BadMark(usize, DecimalError),
    /// All IDs and names together are more than 4 GiB.
    Full,
}

impl Roll {
    pub(crate) fn len(&self) -> usize {
        self.students.len()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let record = |(row, student)| Record { roll: self, student, row };
        self.students.iter().enumerate().map(record)
    }

    pub(crate) fn find(&self, id: &StudentId) -> Option<Record<'_>> {
        let same = |record: Record<'_>| record.id() == id.as_str();
        let hash = self.hasher.hash_one(id.as_str());
        let row = self.by_id.find(hash, |row| self.record(*row).is_some_and(same))?;
        self.record(*row)
    }

    /// The values of one column's marks and how often each occurs.
    pub(crate) fn column(&self, column: usize) -> Vec<(Decimal, u32)> {
        let mut times = vec![0_u32; self.marks.len()];
        for cell in self.cells.iter().skip(column).step_by(self.columns.max(1)) {
            if let Some(times) = times.get_mut(index(*cell)) {
                *times = times.saturating_add(1);
            }
        }
        let counted = |(mark, times): (&Mark, u32)| {
            mark.value.filter(|_| times > 0).map(|value| (value, times))
        };
        self.marks.iter().zip(times).filter_map(counted).collect()
    }

    fn record(&self, row: u32) -> Option<Record<'_>> {
        let row = index(row);
        self.students.get(row).map(|student| Record { roll: self, student, row })
    }
}

impl<'a> Record<'a> {
    pub(crate) fn id(self) -> &'a str {
        self.text(self.student.start, self.student.id_end)
    }

    pub(crate) fn name(self) -> &'a str {
        self.text(self.student.id_end, self.student.end)
    }

    pub(crate) fn key(self) -> &'a Key {
        &self.student.key
    }

    /// The student's marks in the order of the columns.
    pub(crate) fn marks(self) -> impl Iterator<Item = &'a Mark> {
        let start = self.row.saturating_mul(self.roll.columns);
        let cells = self.roll.cells.get(start..start.saturating_add(self.roll.columns));
        cells.unwrap_or_default().iter().filter_map(|cell| self.roll.marks.get(index(*cell)))
    }

    fn text(self, start: u32, end: u32) -> &'a str {
        self.roll.texts.get(index(start)..index(end)).unwrap_or_default()
    }
}

impl RollBuilder {
    pub(crate) fn new(columns: usize) -> Self {
        Self { roll: Roll { columns, ..Roll::default() }, ..Self::default() }
    }

    pub(crate) fn finish(mut self) -> Roll {
        self.roll.students.shrink_to_fit();
        self.roll.texts.shrink_to_fit();
        self.roll.cells.shrink_to_fit();
        self.roll
    }

    /// Adds a student. `marks` has a text for each column.
    pub(crate) fn add<'a>(
        &mut self,
        id: &StudentId,
        name: &str,
        key: Key,
        marks: impl Iterator<Item = &'a str>,
    ) -> Result<(), AddError> {
        if let Some(other) = self.roll.find(id) {
            return Err(AddError::SameId(other.row));
        }
        let row = u32::try_from(self.roll.len()).map_err(|_| AddError::Full)?;
        self.claim_key(&key, row)?;
        for (column, text) in marks.enumerate() {
            let cell = self.cell(text).map_err(|fault| AddError::BadMark(column, fault))?;
            self.roll.cells.push(cell);
        }
        let start = self.text_end()?;
        self.roll.texts.push_str(id.as_str());
        let id_end = self.text_end()?;
        self.roll.texts.push_str(name);
        let end = self.text_end()?;
        self.roll.students.push(Student { key, start, id_end, end });
        let Roll { by_id, hasher, students, texts, .. } = &mut self.roll;
        let id_of = |row: &u32| {
            let student = students.get(index(*row));
            student.and_then(|student| texts.get(index(student.start)..index(student.id_end)))
        };
        by_id.insert_unique(hasher.hash_one(id.as_str()), row, |row| {
            hasher.hash_one(id_of(row).unwrap_or_default())
        });
        Ok(())
    }

    fn claim_key(&mut self, key: &Key, row: u32) -> Result<(), AddError> {
        let Roll { hasher, students, .. } = &self.roll;
        let key_of = |row: &u32| students.get(index(*row)).map(|student| student.key.expose());
        let hash = hasher.hash_one(Some(key.expose()));
        if let Some(other) = self.by_key.find(hash, |row| key_of(row) == Some(key.expose())) {
            return Err(AddError::SameKey(index(*other)));
        }
        self.by_key.insert_unique(hash, row, |row| hasher.hash_one(key_of(row)));
        Ok(())
    }

    /// The place of a mark in the table, where it is put when it is new.
    fn cell(&mut self, text: &str) -> Result<u32, DecimalError> {
        if let Some(cell) = self.by_text.get(text) {
            return Ok(*cell);
        }
        let value = if text.is_empty() { None } else { Some(Decimal::parse(text)?) };
        let cell = u32::try_from(self.roll.marks.len()).map_err(|_| DecimalError::OutOfRange)?;
        self.roll.marks.push(Mark { text: text.into(), value });
        self.by_text.insert(text.into(), cell);
        Ok(cell)
    }

    fn text_end(&self) -> Result<u32, AddError> {
        u32::try_from(self.roll.texts.len()).map_err(|_| AddError::Full)
    }
}

/// A place as an index: every platform that this runs on has 32 bits or more.
fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> StudentId {
        StudentId::new(text.as_bytes()).unwrap()
    }

    fn add(builder: &mut RollBuilder, text: &str, key: u8, marks: &[&str]) -> Result<(), AddError> {
        builder.add(&id(text), "Some One", Key::from_bytes([key; 32]), marks.iter().copied())
    }

    #[test]
    fn every_student_is_found_by_id_with_name_and_marks() {
        let mut builder = RollBuilder::new(2);
        for n in 0..200_u8 {
            let (first, second) = (n.to_string(), (n / 2).to_string());
            add(&mut builder, &format!("s{n}"), n, &[&first, &second]).unwrap();
        }
        let roll = builder.finish();
        for n in 0..200_u8 {
            let record = roll.find(&id(&format!("s{n}"))).unwrap();
            assert_eq!((record.id(), record.name()), (format!("s{n}").as_str(), "Some One"));
            assert_eq!(record.key().expose(), &[n; 32]);
            let marks: Vec<_> = record.marks().map(|mark| mark.text.to_string()).collect();
            assert_eq!(marks, [n.to_string(), (n / 2).to_string()]);
        }
        assert!(roll.find(&id("s200")).is_none());
    }

    #[test]
    fn ids_and_keys_are_unique() {
        let mut builder = RollBuilder::new(0);
        add(&mut builder, "a", 1, &[]).unwrap();
        add(&mut builder, "b", 2, &[]).unwrap();
        assert_eq!(add(&mut builder, "b", 3, &[]), Err(AddError::SameId(1)));
        assert_eq!(add(&mut builder, "c", 1, &[]), Err(AddError::SameKey(0)));
    }

    #[test]
    fn a_column_counts_its_marks_without_the_blanks() {
        let mut builder = RollBuilder::new(2);
        for (n, marks) in [["7", ""], ["7", "3"], ["", "7"], ["2.50", "7"]].iter().enumerate() {
            add(&mut builder, &format!("s{n}"), u8::try_from(n).unwrap(), marks).unwrap();
        }
        let roll = builder.finish();
        let column = |n| -> Vec<String> {
            roll.column(n).iter().map(|(mark, times)| format!("{times} x {mark}")).collect()
        };
        assert_eq!(column(0), ["2 x 7", "1 x 2.5"]);
        assert_eq!(column(1), ["2 x 7", "1 x 3"]);
    }

    #[test]
    fn a_bad_mark_names_its_column() {
        let mut builder = RollBuilder::new(2);
        let added = add(&mut builder, "a", 1, &["1", "x"]);
        assert_eq!(added, Err(AddError::BadMark(1, DecimalError::NotANumber)));
    }
}
