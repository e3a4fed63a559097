//! The roll: who is in the class, each with a key and marks, found by ID.
//!
//! Storage is compact, since a class may have a million students: 40 bytes a student and two a cell,
//! some ten for finding it, and the texts of ID and name.

mod marks;

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use zeroize::Zeroizing;

use crate::decimal::{Decimal, DecimalError};
use crate::key::Key;
use crate::request::StudentId;
pub(crate) use marks::Mark;
use marks::{Marks, MarksBuilder};

/// The students of a class, in the order of the class file.
#[derive(Default)]
pub(crate) struct Roll {
    columns: usize,
    students: Vec<Student>,
    /// IDs and names, one behind the other.
    texts: String,
    marks: Marks,
    by_id: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

struct Student {
    key: Key,
    /// Where in the texts the ID begins. The name stands behind it, and behind that the next ID.
    start: u32,
    id_bytes: u8,
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
    marks: MarksBuilder,
}

/// Why a student cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddError {
    /// The mark in this column is none.
    BadMark(usize, DecimalError),
    /// All IDs and names together are more than 4 GiB, or there are as many students.
    Full,
}

/// Two students who cannot be told apart. Both are places in the order of the class file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twins {
    /// They have the same ID.
    SameId { first: usize, second: usize },
    /// They have the same key.
    SameKey { first: usize, second: usize },
}

impl Roll {
    pub(crate) fn len(&self) -> usize {
        self.students.len()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let record = |(row, student)| Record { roll: self, student, row };
        self.students.iter().enumerate().map(record)
    }

    pub(crate) fn find(&self, id: &StudentId<'_>) -> Option<Record<'_>> {
        let same = |record: Record<'_>| record.id() == id.as_str();
        let hash = self.hasher.hash_one(id.as_str());
        let row = self.by_id.find(hash, |row| self.record(*row).is_some_and(same))?;
        self.record(*row)
    }

    /// For each column, the values of its marks and how often each occurs.
    pub(crate) fn by_column(&self) -> Vec<Vec<(Decimal, u32)>> {
        self.marks.by_column(self.columns)
    }

    fn record(&self, row: u32) -> Option<Record<'_>> {
        let row = usize::try_from(row).ok()?;
        self.students.get(row).map(|student| Record { roll: self, student, row })
    }

    /// Makes students findable.
    fn index(&mut self) -> Result<(), Twins> {
        let mut by_id = HashTable::<u32>::with_capacity(self.students.len());
        for (second, record) in self.records().enumerate() {
            let id_of = |row: &u32| self.record(*row).map(Record::id).unwrap_or_default();
            let hash = |id: &str| self.hasher.hash_one(id);
            let same = |row: &u32| id_of(row) == record.id();
            match by_id.entry(hash(record.id()), same, |row| hash(id_of(row))) {
                Entry::Occupied(first) => {
                    let first = usize::try_from(*first.get()).unwrap_or(usize::MAX);
                    return Err(Twins::SameId { first, second });
                }
                // The builder admits no more students than a u32 counts.
                Entry::Vacant(place) => {
                    place.insert(u32::try_from(second).unwrap_or(u32::MAX));
                }
            }
        }
        self.by_id = by_id;
        Ok(())
    }

    /// Finds two students of one key. Of random keys not even the first eight bytes are ever the same,
    /// so that sorting those nearly always is enough.
    fn same_keys(&self) -> Option<Twins> {
        let head = |student: &Student| {
            let [head, ..] = student.key.expose_words();
            *head
        };
        let mut heads: Zeroizing<Vec<_>> = Zeroizing::new(self.students.iter().map(head).collect());
        heads.sort_unstable();
        if !heads.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return None;
        }
        let mut keys: Vec<_> =
            self.students.iter().map(|student| student.key.expose_words()).zip(0..).collect();
        keys.sort_unstable();
        let twins = keys.windows(2).filter_map(|pair| match pair {
            [(one, first), (other, second)] if one == other => Some((*first, *second)),
            _ => None,
        });
        twins
            .min_by_key(|(_, second)| *second)
            .map(|(first, second)| Twins::SameKey { first, second })
    }
}

impl<'a> Record<'a> {
    pub(crate) fn id(self) -> &'a str {
        self.texts().get(..usize::from(self.student.id_bytes)).unwrap_or_default()
    }

    pub(crate) fn name(self) -> &'a str {
        self.texts().get(usize::from(self.student.id_bytes)..).unwrap_or_default()
    }

    pub(crate) fn key(self) -> &'a Key {
        &self.student.key
    }

    /// The student's marks in the order of the columns.
    pub(crate) fn marks(self) -> impl Iterator<Item = &'a Mark> {
        let columns = self.roll.columns;
        let start = self.row.saturating_mul(columns);
        self.roll.marks.of(start..start.saturating_add(columns))
    }

    /// The ID and the name.
    fn texts(self) -> &'a str {
        let Roll { students, texts, .. } = self.roll;
        let place = |start: u32| usize::try_from(start).unwrap_or(usize::MAX);
        let next = students.get(self.row.saturating_add(1));
        let end = next.map_or(texts.len(), |next| place(next.start));
        texts.get(place(self.student.start)..end).unwrap_or_default()
    }
}

impl RollBuilder {
    pub(crate) fn new(columns: usize) -> Self {
        Self { roll: Roll { columns, ..Roll::default() }, ..Self::default() }
    }

    /// The roll, if all students can be told apart.
    pub(crate) fn finish(mut self) -> Result<Roll, Twins> {
        self.roll.index()?;
        if let Some(twins) = self.roll.same_keys() {
            return Err(twins);
        }
        self.roll.students.shrink_to_fit();
        self.roll.texts.shrink_to_fit();
        self.roll.marks = self.marks.finish();
        Ok(self.roll)
    }

    /// Adds a student. `marks` has a text for each column.
    pub(crate) fn add<'a>(
        &mut self,
        id: &StudentId<'_>,
        name: &str,
        key: Key,
        marks: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), AddError> {
        let Roll { texts, students, .. } = &mut self.roll;
        let start = u32::try_from(texts.len()).map_err(|_| AddError::Full)?;
        u32::try_from(students.len()).map_err(|_| AddError::Full)?;
        let id_bytes = u8::try_from(id.as_str().len()).map_err(|_| AddError::Full)?;
        for (column, text) in marks.enumerate() {
            self.marks.push(text).map_err(|fault| AddError::BadMark(column, fault))?;
        }
        texts.push_str(id.as_str());
        texts.push_str(name);
        students.push(Student { key, start, id_bytes });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> StudentId<'_> {
        StudentId::new(text.as_bytes()).unwrap()
    }

    fn add(builder: &mut RollBuilder, text: &str, key: u8, marks: &[&str]) -> Result<(), AddError> {
        builder.add(
            &id(text),
            "Some One",
            Key::from_bytes([key; 32]),
            marks.iter().map(|mark| mark.as_bytes()),
        )
    }

    #[test]
    fn every_student_is_found_by_id_with_name_and_marks() {
        let mut builder = RollBuilder::new(2);
        for n in 0..200_u8 {
            let (first, second) = (n.to_string(), (n / 2).to_string());
            add(&mut builder, &format!("s{n}"), n, &[&first, &second]).unwrap();
        }
        let roll = builder.finish().unwrap();
        for n in 0..200_u8 {
            let record = roll.find(&id(&format!("s{n}"))).unwrap();
            assert_eq!((record.id(), record.name()), (format!("s{n}").as_str(), "Some One"));
            assert_eq!(*record.key().expose(), [n; 32]);
            let marks: Vec<_> = record.marks().map(|mark| mark.text.as_str().to_owned()).collect();
            assert_eq!(marks, [n.to_string(), (n / 2).to_string()]);
        }
        assert!(roll.find(&id("s200")).is_none());
    }

    #[test]
    fn ids_and_keys_are_unique() {
        let twins = |students: &[(&str, u8)]| {
            let mut builder = RollBuilder::new(0);
            students.iter().for_each(|(id, key)| add(&mut builder, id, *key, &[]).unwrap());
            builder.finish().err()
        };
        assert_eq!(twins(&[("a", 1), ("b", 2), ("c", 3)]), None);
        let same_id = Twins::SameId { first: 1, second: 2 };
        assert_eq!(
            twins(&[("a", 1), ("b", 2), ("b", 3), ("a", 4)]),
            Some(same_id),
            "the first such"
        );
        let same_key = Twins::SameKey { first: 2, second: 3 };
        assert_eq!(twins(&[("a", 1), ("b", 9), ("c", 2), ("d", 2), ("e", 9)]), Some(same_key));
        assert_eq!(twins(&[("a", 1), ("b", 2), ("b", 1)]), Some(same_id), "the ID first");
    }

    #[test]
    fn a_bad_mark_names_its_column() {
        let mut builder = RollBuilder::new(2);
        let added = add(&mut builder, "a", 1, &["1", "x"]);
        assert_eq!(added, Err(AddError::BadMark(1, DecimalError::NotANumber)));
    }
}
