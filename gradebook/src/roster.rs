//! The roster: who is in the class, each with a key and marks, found by ID.
//!
//! Storage is compact, since a class may have a million students: 48 bytes a student and two a cell,
//! some ten for finding it, and the texts of ID and name. In such a class each look at a student is a
//! wait for memory, so a batch is looked up as a whole, where the waits overlap.

mod index;
mod marks;

use std::hint::black_box;

use zeroize::Zeroizing;

use crate::decimal::{Decimal, DecimalError};
use crate::key::{Key, StudentKeys, reserve_wiped};
use crate::request::StudentId;
use index::{Hash, Index};
pub(crate) use marks::Mark;
use marks::{Marks, MarksBuilder};

/// The students of a class, in the order of the class file.
#[derive(Default)]
pub(crate) struct Roster {
    columns: usize,
    students: Vec<Student>,
    /// The keys before the current ones, of those rows that have any, in their order.
    old_keys: Vec<(u32, Key)>,
    /// IDs and names, one behind the other.
    texts: String,
    marks: Marks,
    by_id: Index,
}

#[derive(Clone)]
struct Student {
    key: Key,
    /// What the ID begins with, and zeros behind a shorter one: to know most students without a look
    /// at the texts.
    id_head: [u8; ID_HEAD_BYTES],
    /// Where in the texts the ID begins. The name stands behind it, and behind that the next ID.
    start: u32,
    id_bytes: u8,
    has_old_key: bool,
}

const ID_HEAD_BYTES: usize = 8;

/// A student's place in the roster of one book.
#[derive(Clone, Copy)]
pub(crate) struct RowIndex(u32);

/// A student who is looked for.
#[derive(Clone, Copy)]
pub(crate) struct LookupSlot {
    hash: Hash,
    pub(crate) row: Option<RowIndex>,
}

/// One row of the class.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    roster: &'a Roster,
    student: &'a Student,
    row: usize,
}

/// Adds students to a roster, with what only the adding needs.
#[derive(Default)]
pub(crate) struct RosterBuilder {
    roster: Roster,
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
pub(crate) enum Duplicate {
    /// They have the same ID.
    SameId { first: usize, second: usize },
    /// They have the same key.
    SameKey { first: usize, second: usize },
}

impl Roster {
    pub(crate) fn len(&self) -> usize {
        self.students.len()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let record = |(row, student)| Record { roster: self, student, row };
        self.students.iter().enumerate().map(record)
    }

    /// Where the students with these IDs are. Each step is taken for all of them before the next, so
    /// that nobody waits for memory alone.
    pub(crate) fn lookup_batch<'a>(
        &self,
        ids: impl Iterator<Item = Option<StudentId<'a>>> + Clone,
        slots: &mut Vec<LookupSlot>,
    ) {
        slots.clear();
        slots.extend(ids.clone().map(|id| {
            let hash = self.by_id.hash(id.unwrap_or_default().as_str());
            LookupSlot { hash, row: self.by_id.first_slot(hash).map(RowIndex) }
        }));
        let prefetch = |slot: &LookupSlot| {
            let Record { student, .. } = self.record(slot.row?)?;
            let [word, ..] = student.key.expose_words();
            Some(word ^ u64::from(student.id_bytes))
        };
        black_box(slots.iter().filter_map(prefetch).fold(0, |all, one| all ^ one));
        let marks = |slot: &LookupSlot| self.record(slot.row?).map(|record| record.marks().count());
        black_box(slots.iter().filter_map(marks).sum::<usize>());
        for (slot, id) in slots.iter_mut().zip(ids) {
            slot.row = id.and_then(|id| self.find(slot.hash, &id));
        }
    }

    fn find(&self, hash: Hash, id: &StudentId<'_>) -> Option<RowIndex> {
        let (head, bytes) = (id_head(id.as_str()), id.as_str().len());
        let matches = |record: Record<'_>| {
            record.student.id_head == head
                && usize::from(record.student.id_bytes) == bytes
                && (bytes <= ID_HEAD_BYTES || record.id() == id.as_str())
        };
        self.by_id.find(hash, |row| self.record(RowIndex(row)).is_some_and(matches)).map(RowIndex)
    }

    /// Whether anyone has a key beside the current one.
    pub(crate) fn has_old_keys(&self) -> bool {
        !self.old_keys.is_empty()
    }

    /// For each column, the values of its marks and how often each occurs.
    pub(crate) fn by_column(&self) -> Vec<Vec<(Decimal, u32)>> {
        self.marks.by_column(self.columns)
    }

    /// The student in this row, counted from 0.
    pub(crate) fn row(&self, row: usize) -> Option<Record<'_>> {
        self.students.get(row).map(|student| Record { roster: self, student, row })
    }

    pub(crate) fn record(&self, RowIndex(row): RowIndex) -> Option<Record<'_>> {
        self.row(usize::try_from(row).ok()?)
    }

    /// Makes students findable.
    fn index(&mut self) -> Result<(), Duplicate> {
        let mut by_id = Index::with_capacity(self.students.len());
        for (second, record) in self.records().enumerate() {
            let same = |row: u32| self.record(RowIndex(row)).map(Record::id) == Some(record.id());
            // The builder admits no more students than a u32 counts.
            let row = u32::try_from(second).unwrap_or(u32::MAX);
            if let Some(first) = by_id.insert(by_id.hash(record.id()), row, same) {
                let first = usize::try_from(first).unwrap_or(usize::MAX);
                return Err(Duplicate::SameId { first, second });
            }
        }
        self.by_id = by_id;
        Ok(())
    }

    /// Finds two students of one key. Of random keys not even the first eight bytes are ever the same,
    /// so that sorting those nearly always is enough.
    fn same_keys(&self) -> Option<Duplicate> {
        let head = |key: &Key| {
            let [head, ..] = key.expose_words();
            *head
        };
        let current = self.students.iter().map(|student| &student.key);
        let old = self.old_keys.iter().map(|(_, key)| key);
        let mut heads: Zeroizing<Vec<_>> =
            Zeroizing::new(current.clone().chain(old).map(head).collect());
        heads.sort_unstable();
        if !heads.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return None;
        }
        let place = |row: &u32| usize::try_from(*row).unwrap_or(usize::MAX);
        let old = self.old_keys.iter().map(|(row, key)| (key.expose_words(), place(row)));
        let mut keys: Vec<_> = current.map(Key::expose_words).zip(0..).chain(old).collect();
        keys.sort_unstable();
        let duplicate = keys.windows(2).filter_map(|pair| match pair {
            [(one, first), (other, second)] if one == other => Some((*first, *second)),
            _ => None,
        });
        duplicate
            .min_by_key(|(_, second)| *second)
            .map(|(first, second)| Duplicate::SameKey { first, second })
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

    /// The key before, which is good as well.
    pub(crate) fn old_key(self) -> Option<&'a Key> {
        let Roster { old_keys, .. } = self.roster;
        let row = u32::try_from(self.row).ok().filter(|_| self.student.has_old_key)?;
        let at = old_keys.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        old_keys.get(at).map(|(_, key)| key)
    }

    /// The student's marks in the order of the columns.
    pub(crate) fn marks(self) -> impl Iterator<Item = &'a Mark> {
        let columns = self.roster.columns;
        let start = self.row.saturating_mul(columns);
        self.roster.marks.of(start..start.saturating_add(columns))
    }

    /// The ID and the name.
    fn texts(self) -> &'a str {
        let Roster { students, texts, .. } = self.roster;
        let place = |start: u32| usize::try_from(start).unwrap_or(usize::MAX);
        let next = students.get(self.row.saturating_add(1));
        let end = next.map_or(texts.len(), |next| place(next.start));
        texts.get(place(self.student.start)..end).unwrap_or_default()
    }
}

impl RosterBuilder {
    pub(crate) fn new(columns: usize) -> Self {
        Self { roster: Roster { columns, ..Roster::default() }, ..Self::default() }
    }

    /// The roster, if all students can be told apart.
    pub(crate) fn finish(mut self) -> Result<Roster, Duplicate> {
        self.roster.index()?;
        if let Some(duplicate) = self.roster.same_keys() {
            return Err(duplicate);
        }
        self.roster.texts.shrink_to_fit();
        self.roster.marks = self.marks.finish();
        Ok(self.roster)
    }

    /// Adds a student. `marks` has a text for each column.
    pub(crate) fn add<'a>(
        &mut self,
        id: &StudentId<'_>,
        name: &str,
        keys: StudentKeys,
        marks: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), AddError> {
        let Roster { texts, students, old_keys, .. } = &mut self.roster;
        let start = u32::try_from(texts.len()).map_err(|_| AddError::Full)?;
        let row = u32::try_from(students.len()).map_err(|_| AddError::Full)?;
        let id_bytes = u8::try_from(id.as_str().len()).map_err(|_| AddError::Full)?;
        for (column, text) in marks.enumerate() {
            self.marks.push(text).map_err(|fault| AddError::BadMark(column, fault))?;
        }
        texts.push_str(id.as_str());
        texts.push_str(name);
        let StudentKeys { current: key, old } = keys;
        let (id_head, has_old_key) = (id_head(id.as_str()), old.is_some());
        reserve_wiped(students);
        students.push(Student { key, id_head, start, id_bytes, has_old_key });
        if let Some(old) = old {
            reserve_wiped(old_keys);
            old_keys.push((row, old));
        }
        Ok(())
    }
}

fn id_head(id: &str) -> [u8; ID_HEAD_BYTES] {
    let mut head = [0; ID_HEAD_BYTES];
    head.iter_mut().zip(id.bytes()).for_each(|(place, byte)| *place = byte);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> StudentId<'_> {
        StudentId::new(text.as_bytes()).unwrap()
    }

    fn found<'a>(roster: &'a Roster, text: &str) -> Option<Record<'a>> {
        let mut slots = Vec::new();
        roster.lookup_batch([None, Some(id(text))].into_iter(), &mut slots);
        assert!(slots[0].row.is_none());
        slots[1].row.and_then(|place| roster.record(place))
    }

    fn add(
        builder: &mut RosterBuilder,
        text: &str,
        key: u8,
        marks: &[&str],
    ) -> Result<(), AddError> {
        builder.add(
            &id(text),
            "Some One",
            StudentKeys::new(Key::from_bytes([key; 32])),
            marks.iter().map(|mark| mark.as_bytes()),
        )
    }

    #[test]
    fn every_student_is_found_by_id_with_name_and_marks() {
        let mut builder = RosterBuilder::new(2);
        for n in 0..200_u8 {
            let (first, second) = (n.to_string(), (n / 2).to_string());
            add(&mut builder, &format!("s{n}"), n, &[&first, &second]).unwrap();
        }
        let roster = builder.finish().unwrap();
        for n in 0..200_u8 {
            let record = found(&roster, &format!("s{n}")).unwrap();
            assert_eq!((record.id(), record.name()), (format!("s{n}").as_str(), "Some One"));
            assert_eq!(*record.key().expose(), [n; 32]);
            let marks: Vec<_> = record.marks().map(|mark| mark.text.as_str().to_owned()).collect();
            assert_eq!(marks, [n.to_string(), (n / 2).to_string()]);
        }
        assert!(found(&roster, "s200").is_none());
    }

    #[test]
    fn ids_that_begin_alike_are_told_apart() {
        let ids = ["1", "12345678", "123456789", "1234567890", "12345678x"];
        let mut builder = RosterBuilder::new(0);
        ids.iter().zip(0..).for_each(|(id, key)| add(&mut builder, id, key, &[]).unwrap());
        let roster = builder.finish().unwrap();
        for text in ids {
            assert_eq!(found(&roster, text).unwrap().id(), text);
        }
        assert!(found(&roster, "12").is_none() && found(&roster, "12345678y").is_none());
    }

    #[test]
    fn ids_and_keys_are_unique() {
        let duplicate = |students: &[(&str, u8)]| {
            let mut builder = RosterBuilder::new(0);
            students.iter().for_each(|(id, key)| add(&mut builder, id, *key, &[]).unwrap());
            builder.finish().err()
        };
        assert_eq!(duplicate(&[("a", 1), ("b", 2), ("c", 3)]), None);
        let same_id = Duplicate::SameId { first: 1, second: 2 };
        assert_eq!(
            duplicate(&[("a", 1), ("b", 2), ("b", 3), ("a", 4)]),
            Some(same_id),
            "the first such"
        );
        let same_key = Duplicate::SameKey { first: 2, second: 3 };
        assert_eq!(duplicate(&[("a", 1), ("b", 9), ("c", 2), ("d", 2), ("e", 9)]), Some(same_key));
        assert_eq!(duplicate(&[("a", 1), ("b", 2), ("b", 1)]), Some(same_id), "the ID first");
    }

    #[test]
    fn a_bad_mark_names_its_column() {
        let mut builder = RosterBuilder::new(2);
        let added = add(&mut builder, "a", 1, &["1", "x"]);
        assert_eq!(added, Err(AddError::BadMark(1, DecimalError::NotANumber)));
    }
}
