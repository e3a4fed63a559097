//! The index by student ID: open addressing with linear probing (Knuth, TAOCP volume 3, section 6.4).
//!
//! The table shows which row an ID most likely stands in before the student is compared, so that a
//! batch can fetch all those rows at once. That is why it is a table of our own.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::DefaultHashBuilder;

use super::short_number::short_number;

/// A hash table of rows, two thirds full at most.
#[derive(Default)]
pub(super) struct Index {
    slots: Vec<Slot>,
    hasher: DefaultHashBuilder,
}

/// A row, and the lower half of its ID's hash: students whose IDs only share a slot are
/// distinguished without reading them.
#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    row: u32,
}

const EMPTY: Slot = Slot { tag: 0, row: u32::MAX };

/// The hash of an ID in one roster: the upper half selects its first slot, the lower half is its tag.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Index {
    /// An index with room for so many students.
    pub(super) fn with_capacity(students: usize) -> Self {
        let slots = students.saturating_add(students.div_ceil(2)).saturating_add(1);
        Self { slots: vec![EMPTY; slots], hasher: DefaultHashBuilder::default() }
    }

    pub(super) fn hash(&self, id: &str) -> Hash {
        match short_number(id.as_bytes()) {
            Some(number) => self.hash_short(number, id.len()),
            None => Hash(self.hasher.hash_one(id)),
        }
    }

    /// The hash of an ID that is a number, as [`short_number`] has it, and has so many bytes.
    pub(super) fn hash_short(&self, number: u64, bytes: usize) -> Hash {
        // Texts of two lengths may have the same number; bits all over keep them apart.
        const LENGTH_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        Hash(self.hasher.hash_one(number.wrapping_add(bytes.wrapping_mul(LENGTH_FACTOR))))
    }

    /// The row that an ID of this hash most likely stands in: one with the same tag.
    pub(super) fn likely_row(&self, hash: Hash) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// The row that an ID of this hash stands in, the one that `matches`.
    pub(super) fn find(&self, hash: Hash, matches: impl Fn(u32) -> bool) -> Option<u32> {
        for (_, slot) in self.probe(hash) {
            if slot.is_empty() {
                return None;
            }
            if slot.tag == hash.tag() && matches(slot.row) {
                return Some(slot.row);
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
        let tag = hash.tag();
        let is_here = |slot: Slot| slot.is_empty() || (slot.tag == tag && matches(slot.row));
        let (at, known) = self.probe(hash).find(|(_, slot)| is_here(*slot))?;
        if !known.is_empty() {
            return Some(known.row);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Slot { tag, row };
        }
        None
    }

    /// Brings the slots of these hashes into the cache, by reading them.
    pub(super) fn fetch(&self, hashes: impl Iterator<Item = Hash>) {
        let slots = hashes.filter_map(|hash| self.slots.get(self.first_slot(hash)));
        black_box(slots.fold(0, |read, slot| read ^ slot.row));
    }

    /// All slots with their places, from the hash's first slot on and around the end.
    fn probe(&self, hash: Hash) -> impl Iterator<Item = (usize, Slot)> {
        let first = self.first_slot(hash);
        let (before, rest) = self.slots.split_at_checked(first).unwrap_or_default();
        (first..).zip(rest.iter().copied()).chain((0..).zip(before.iter().copied()))
    }

    /// The upper half of the hash, scaled to the number of slots (Lemire, "Fast random integer generation
    /// in an interval", 2019).
    fn first_slot(&self, Hash(hash): Hash) -> usize {
        let slots = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let scaled = (u128::from(hash >> 32) * u128::from(slots)) >> 32;
        usize::try_from(scaled).unwrap_or_default()
    }
}

impl Slot {
    fn is_empty(self) -> bool {
        self.row == EMPTY.row
    }
}

impl Hash {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    fn tag(self) -> u32 {
        self.0 as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likely_row_of_a_hash_has_its_tag() {
        let mut index = Index::with_capacity(4);
        let slots = u64::try_from(index.slots.len()).unwrap();
        assert_eq!(slots, 7, "two thirds full at most");
        // The same slot, with another tag.
        for (tag, row) in [(0, 7), (3, 8), (5, 9)] {
            assert_eq!(index.likely_row(Hash(tag)), None);
            index.insert(Hash(tag), row, |_| false);
            assert_eq!(index.likely_row(Hash(tag)), Some(row));
        }
        let last = Hash(u64::MAX);
        assert_eq!(index.first_slot(last), 6);
        assert_eq!(index.first_slot(Hash(1 << 63)), 3);
    }

    #[test]
    fn every_row_is_found_even_where_slots_collide_and_wrap_around() {
        for students in [0, 1, 2, 3, 100, 1_000] {
            let mut index = Index::with_capacity(students);
            // Few different hashes, so that runs are long, some around the end.
            let hash = |n: usize| Hash(u64::MAX - u64::try_from(n % 7).unwrap());
            let row = |n: usize| u32::try_from(n).unwrap();
            index.fetch((0..students).map(hash));
            for n in 0..students {
                assert_eq!(index.insert(hash(n), row(n), |known| known == row(n)), None);
            }
            for n in 0..students {
                assert_eq!(index.find(hash(n), |known| known == row(n)), Some(row(n)));
                assert_eq!(index.insert(hash(n), 77, |known| known == row(n)), Some(row(n)));
            }
            assert_eq!(index.find(hash(3), |known| known == row(students)), None);
        }
    }

    #[test]
    fn ids_of_every_length_have_hashes_of_their_own() {
        let index = Index::with_capacity(1);
        let mut seen = std::collections::HashSet::new();
        for length in 1..=64 {
            for last in ["a", "b"] {
                let id = format!("{}{last}", "x".repeat(length - 1));
                assert!(seen.insert(index.hash(&id).0), "{id}");
                assert_eq!(index.hash(&id).0, index.hash(&id).0);
            }
        }
    }
}
