//! What needs all students of a class: the index by ID, and the search for IDs and keys that come twice.

use arrayvec::ArrayVec;
use fernet_batch::Key;
use zeroize::Zeroizing;

use super::index::Index;
use super::offset::offset;
use super::students::{Roster, RowIndex};
use crate::values::has_duplicates;

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

/// The number of students whose slots are fetched together.
const INDEXED_AT_ONCE: usize = 32;

/// Makes the index by ID, and finds the students whose IDs are in it already.
pub(super) fn index(roster: &Roster) -> (Index, Vec<Duplicate>) {
    let mut duplicates = Vec::new();
    let mut by_id = Index::with_capacity(roster.students.len());
    let mut records = roster.records().enumerate();
    loop {
        // In a big class each slot is a cache miss; those of a group overlap.
        let mut group = ArrayVec::<_, INDEXED_AT_ONCE>::new();
        group.extend(records.by_ref().take(INDEXED_AT_ONCE).map(|(row, record)| {
            // Most IDs are short, and then no text is needed.
            let hash = match record.short_id() {
                Some((number, bytes)) => by_id.hash_short(number, bytes),
                None => by_id.hash(record.id()),
            };
            (row, record, hash)
        }));
        if group.is_empty() {
            return (by_id, duplicates);
        }
        by_id.fetch(group.iter().map(|(.., hash)| *hash));
        for (second, record, hash) in group {
            let matches = |row: u32| {
                roster.record(RowIndex(row)).is_some_and(|known| known.id() == record.id())
            };
            // `add` admits no more students than a u32 counts.
            let row = u32::try_from(second).unwrap_or(u32::MAX);
            if let Some(first) = by_id.insert(hash, row, matches) {
                duplicates.push(Duplicate::Id { first: offset(first), second });
            }
        }
    }
}

/// Finds two students with the same key. Random keys differ in their first eight bytes already, so
/// those are enough nearly always.
pub(super) fn find_duplicate_key(roster: &Roster) -> Option<Duplicate> {
    let current = roster.students.iter().map(|student| &student.key);
    let old = roster.old_keys.iter().map(|(_, key)| key);
    let mut heads =
        Zeroizing::new(Vec::with_capacity(roster.students.len() + roster.old_keys.len()));
    heads.extend(current.clone().chain(old).map(first_word));
    if !has_duplicates(&heads) {
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
