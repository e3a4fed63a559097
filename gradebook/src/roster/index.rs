//! The index by student ID: open addressing with linear probing (Knuth, TAOCP volume 3, section 6.4).
//!
//! The table shows which row an ID most likely stands in before the student is compared, so that a
//! batch can fetch all those rows at once. That is why it is a table of our own.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

/// A hash table of rows, at most half full.
#[derive(Default)]
pub(super) struct Index {
    /// A power of two of slots, each a row or [`EMPTY`].
    slots: Vec<u32>,
    hasher: DefaultHashBuilder,
}

const EMPTY: u32 = u32::MAX;

/// The hash of an ID in one roster.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Index {
    /// An index with room for so many students.
    pub(super) fn with_capacity(students: usize) -> Self {
        let slots = students.saturating_mul(2).next_power_of_two();
        Self { slots: vec![EMPTY; slots], hasher: DefaultHashBuilder::default() }
    }

    pub(super) fn hash(&self, id: &str) -> Hash {
        Hash(self.hasher.hash_one(id))
    }

    /// The row in the first slot that an ID of this hash can stand in: nearly always the right one.
    pub(super) fn first_slot(&self, hash: Hash) -> Option<u32> {
        self.slots.get(self.slot(hash)).copied().filter(|row| *row != EMPTY)
    }

    /// The row that an ID of this hash stands in, the one that `matches`.
    pub(super) fn find(&self, hash: Hash, matches: impl Fn(u32) -> bool) -> Option<u32> {
        for (_, row) in self.probe(hash) {
            if row == EMPTY {
                return None;
            }
            if matches(row) {
                return Some(row);
            }
        }
        None
    }

    /// Adds a row, unless a row of this hash `matches` already. Returns that row then.
    pub(super) fn insert(
        &mut self,
        hash: Hash,
        row: u32,
        matches: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let (slot, known) =
            self.probe(hash).find(|(_, known)| *known == EMPTY || matches(*known))?;
        if known != EMPTY {
            return Some(known);
        }
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = row;
        }
        None
    }

    /// All slots with their content, from the hash's own slot on and around the end.
    fn probe(&self, hash: Hash) -> impl Iterator<Item = (usize, u32)> {
        let first = self.slot(hash);
        let (before, rest) = self.slots.split_at_checked(first).unwrap_or_default();
        (first..).zip(rest.iter().copied()).chain((0..).zip(before.iter().copied()))
    }

    fn slot(&self, Hash(hash): Hash) -> usize {
        // The number of slots is a power of two of at most 2^33, so the lower bits suffice.
        let hash = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or_default();
        hash & self.slots.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slot_of_a_hash_is_its_row_or_empty() {
        let mut index = Index::with_capacity(4);
        for (hash, row) in [(0, 7), (3, 8)] {
            assert_eq!(index.first_slot(Hash(hash)), None);
            index.insert(Hash(hash), row, |_| false);
            assert_eq!(index.first_slot(Hash(hash)), Some(row));
        }
        assert_eq!(index.first_slot(Hash(5)), None);
    }

    #[test]
    fn every_row_is_found_even_where_slots_collide_and_wrap_around() {
        for students in [0, 1, 2, 3, 100, 1_000] {
            let mut index = Index::with_capacity(students);
            // Few different hashes, so that runs are long, some around the end.
            let hash = |n: usize| Hash(u64::MAX - u64::try_from(n % 7).unwrap());
            let row = |n: usize| u32::try_from(n).unwrap();
            for n in 0..students {
                assert_eq!(index.insert(hash(n), row(n), |known| known == row(n)), None);
            }
            if students > 0 {
                assert_eq!(index.first_slot(hash(0)), Some(row(0)), "the first of its hash");
            }
            for n in 0..students {
                assert_eq!(index.find(hash(n), |known| known == row(n)), Some(row(n)));
                assert_eq!(index.insert(hash(n), 77, |known| known == row(n)), Some(row(n)));
            }
            assert_eq!(index.find(hash(3), |known| known == row(students)), None);
        }
    }
}
