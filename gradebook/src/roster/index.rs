//! Finding a student by ID: a table of places, where each stands near the slot that the ID's hash names.
//!
//! In a class of a million, each look into the table and each look at a student is a wait for memory.
//! A table of our own shows where an ID will be looked for before it is looked for, so that the waits
//! of a whole batch overlap.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

/// Open addressing with linear probing (Knuth, TAOCP volume 3, section 6.4), at most half full.
#[derive(Default)]
pub(super) struct Index {
    /// A power of two of places in the roster; or [`EMPTY`].
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

    /// The place that is looked at first, which nearly always is the right one, or none.
    pub(super) fn first_slot(&self, hash: Hash) -> Option<u32> {
        self.slots.get(self.slot(hash)).copied().filter(|place| *place != EMPTY)
    }

    /// The place that belongs to an ID of this hash and is the `matches` one.
    pub(super) fn find(&self, hash: Hash, matches: impl Fn(u32) -> bool) -> Option<u32> {
        self.probe(hash)
            .map(|(_, place)| place)
            .take_while(|place| *place != EMPTY)
            .find(|place| matches(*place))
    }

    /// Adds a place, unless there is a `matches` one for the hash already, which is given then.
    pub(super) fn insert(
        &mut self,
        hash: Hash,
        place: u32,
        matches: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let end = self.probe(hash).find(|(_, known)| *known == EMPTY || matches(*known));
        match end {
            Some((slot, EMPTY)) => {
                if let Some(slot) = self.slots.get_mut(slot) {
                    *slot = place;
                }
                None
            }
            found => found.map(|(_, place)| place),
        }
    }

    /// The slots from the hash's own on, and what is in them.
    fn probe(&self, hash: Hash) -> impl Iterator<Item = (usize, u32)> {
        let first = self.slot(hash);
        let (before, behind) = self.slots.split_at_checked(first).unwrap_or_default();
        (first..).zip(behind.iter().copied()).chain((0..).zip(before.iter().copied()))
    }

    fn slot(&self, Hash(hash): Hash) -> usize {
        // Only the lower bits count, and there is a slot for each value of them.
        let hash = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or_default();
        hash & self.slots.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_even_where_slots_collide_and_wrap_around() {
        for students in [0, 1, 2, 3, 100, 1_000] {
            let mut index = Index::with_capacity(students);
            // Few different hashes, so that runs are long, some around the end.
            let hash = |n: usize| Hash(u64::MAX - u64::try_from(n % 7).unwrap());
            let place = |n: usize| u32::try_from(n).unwrap();
            for n in 0..students {
                assert_eq!(index.insert(hash(n), place(n), |known| known == place(n)), None);
            }
            for n in 0..students {
                assert_eq!(index.find(hash(n), |known| known == place(n)), Some(place(n)));
                assert_eq!(index.insert(hash(n), 77, |known| known == place(n)), Some(place(n)));
            }
            assert_eq!(index.find(hash(3), |known| known == place(students)), None);
        }
    }
}
