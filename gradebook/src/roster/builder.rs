//! Building a class student by student, with the checks that need all students.

use arrayvec::ArrayVec;
use fernet_batch::{Key, StudentKeys, reserve_wiped};
use zeroize::Zeroizing;

use super::class::Class;
use super::index::Index;
use super::marks::MarksBuilder;
use super::students::{Roster, RowIndex, Student, id_head, offset};
use crate::request::StudentId;
use crate::values::DecimalError;

/// Adds students to a class.
pub struct RosterBuilder {
    assessments: Vec<String>,
    roster: Roster,
    marks: MarksBuilder,
}

/// Why a student cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// The mark in this column, counted from 0, is not valid.
    BadMark(usize, DecimalError),
    /// All IDs and names together are more than 4 GiB, or there are 2^32 students.
    Full,
}

/// Two students who share what must be unique. Both are indices in the order of adding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// They have the same ID.
    Id {
        /// The student who had it first.
        first: usize,
        /// The student who has it too.
        second: usize,
    },
    /// They have the same key.
    Key {
        /// The student who had it first.
        first: usize,
        /// The student who has it too.
        second: usize,
    },
}

impl RosterBuilder {
    /// A class with these assessments and no students yet.
    pub fn new(assessments: Vec<String>) -> Self {
        let roster = Roster { columns: assessments.len(), ..Roster::default() };
        Self { assessments, roster, marks: MarksBuilder::default() }
    }

    /// Adds a student. `marks` yields a text for each assessment; blank is an empty text.
    ///
    /// # Errors
    /// Returns an error if a mark is not valid or the class is full. The builder must not be used then.
    pub fn add<'a>(
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
            self.marks.push(text).map_err(|error| AddError::BadMark(column, error))?;
        }
        texts.push_str(id.as_str());
        texts.push_str(name);
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

    /// The class.
    ///
    /// # Errors
    /// Returns an error if two students have the same ID or the same key.
    pub fn finish(mut self) -> Result<Class, Duplicate> {
        self.roster.by_id = index(&self.roster)?;
        if let Some(duplicate) = find_duplicate_key(&self.roster) {
            return Err(duplicate);
        }
        self.roster.texts.shrink_to_fit();
        self.roster.marks = self.marks.finish();
        Ok(Class::new(self.assessments, self.roster))
    }
}

/// The number of students whose slots are fetched together.
const INDEXED_AT_ONCE: usize = 32;

/// Makes the index by ID.
fn index(roster: &Roster) -> Result<Index, Duplicate> {
    let mut by_id = Index::with_capacity(roster.students.len());
    let mut records = roster.records().enumerate();
    loop {
        // In a big class each slot is a cache miss; those of a group overlap.
        let mut group = ArrayVec::<_, INDEXED_AT_ONCE>::new();
        group.extend(records.by_ref().take(INDEXED_AT_ONCE).map(|(row, record)| {
            let hash = by_id.hash(record.id());
            (row, record, hash)
        }));
        if group.is_empty() {
            return Ok(by_id);
        }
        by_id.fetch(group.iter().map(|(.., hash)| *hash));
        for (second, record, hash) in group {
            let matches = |row: u32| {
                roster.record(RowIndex(row)).is_some_and(|known| known.id() == record.id())
            };
            // `add` admits no more students than a u32 counts.
            let row = u32::try_from(second).unwrap_or(u32::MAX);
            if let Some(first) = by_id.insert(hash, row, matches) {
                return Err(Duplicate::Id { first: offset(first), second });
            }
        }
    }
}

/// Finds two students with the same key. Random keys differ in their first eight bytes already, so
/// sorting those is enough nearly always.
fn find_duplicate_key(roster: &Roster) -> Option<Duplicate> {
    let current = roster.students.iter().map(|student| &student.key);
    let old = roster.old_keys.iter().map(|(_, key)| key);
    let mut heads: Zeroizing<Vec<u64>> =
        Zeroizing::new(current.clone().chain(old).map(first_word).collect());
    heads.sort_unstable();
    if !heads.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        return None;
    }
    let old = roster.old_keys.iter().map(|(row, key)| (key.expose_words(), offset(*row)));
    let mut keys: Vec<_> = current.map(Key::expose_words).zip(0..).chain(old).collect();
    keys.sort_unstable();
    let mut duplicate: Option<(usize, usize)> = None;
    for pair in keys.windows(2) {
        if let [(one, first), (other, second)] = pair
            && one == other
            && duplicate.is_none_or(|(_, earliest)| *second < earliest)
        {
            duplicate = Some((*first, *second));
        }
    }
    duplicate.map(|(first, second)| Duplicate::Key { first, second })
}

fn first_word(key: &Key) -> u64 {
    let [word, ..] = key.expose_words();
    *word
}
