//! A set of fingerprints: open addressing with linear probing (Knuth, TAOCP volume 3, section 6.4).
//!
//! A fingerprint stands in one slot and nowhere else, so a batch can fetch the slots of all its requests at
//! once: in a long set each is a cache miss, to read and to write. That is why it is a table of our own.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::DefaultHashBuilder;

/// A set of 64-bit fingerprints, two thirds full at most.
#[derive(Default)]
pub(super) struct Fingerprints {
    /// As many as a power of two, or none.
    slots: Vec<u64>,
    len: usize,
    /// Keyed at random, so that nobody can choose fingerprints that share a slot.
    hasher: DefaultHashBuilder,
}

/// The content of a slot without a fingerprint.
const EMPTY: u64 = 0;

/// The fewest slots.
const SLOTS_MIN: usize = 64;

impl Fingerprints {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn contains(&self, fingerprint: u64) -> bool {
        self.find(stored(fingerprint)).is_some_and(|(_, is_here)| is_here)
    }

    /// Brings the slots of these fingerprints into the cache, by reading them. No branch depends on a slot, so the reads
    /// overlap.
    pub(super) fn fetch(&self, fingerprints: impl Iterator<Item = u64>) {
        let slots = fingerprints.map(|fingerprint| self.get(self.first_slot(stored(fingerprint))));
        black_box(slots.fold(0, |read, slot| read ^ slot));
    }

    /// Adds a fingerprint. Returns false if it was there already.
    pub(super) fn insert(&mut self, fingerprint: u64) -> bool {
        let fingerprint = stored(fingerprint);
        if self.slots.len() / 3 * 2 <= self.len {
            self.grow();
        }
        match self.find(fingerprint) {
            Some((at, false)) => {
                self.set(at, fingerprint);
                self.len += 1;
                true
            }
            _ => false,
        }
    }

    /// Removes a fingerprint. What was moved past its slot is moved back (Knuth's algorithm R), so that no
    /// search ends too early.
    pub(super) fn remove(&mut self, fingerprint: u64) {
        let Some((mut hole, true)) = self.find(stored(fingerprint)) else { return };
        self.len -= 1;
        let mut at = hole;
        loop {
            at = self.behind(at);
            let moved = self.get(at);
            if moved == EMPTY {
                return self.set(hole, EMPTY);
            }
            // How far a fingerprint stands behind its first slot, and behind the hole.
            let from_first = self.distance(self.first_slot(moved), at);
            if from_first >= self.distance(hole, at) {
                self.set(hole, moved);
                hole = at;
            }
        }
    }

    /// The slot of a fingerprint and whether it is there, or else the slot where it would be added. Returns
    /// `None` if there are no slots.
    fn find(&self, fingerprint: u64) -> Option<(usize, bool)> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.first_slot(fingerprint);
        // A third of the slots is empty, so the search ends.
        loop {
            match self.get(at) {
                EMPTY => return Some((at, false)),
                found if found == fingerprint => return Some((at, true)),
                _ => at = self.behind(at),
            }
        }
    }

    fn grow(&mut self) {
        let slots = self.slots.len().saturating_mul(2).max(SLOTS_MIN);
        let before = std::mem::replace(&mut self.slots, vec![EMPTY; slots]);
        for fingerprint in before {
            if fingerprint != EMPTY
                && let Some((at, _)) = self.find(fingerprint)
            {
                self.set(at, fingerprint);
            }
        }
    }

    fn first_slot(&self, fingerprint: u64) -> usize {
        let mask = u64::try_from(self.mask()).unwrap_or(u64::MAX);
        usize::try_from(self.hasher.hash_one(fingerprint) & mask).unwrap_or_default()
    }

    fn behind(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.mask()
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & self.mask()
    }

    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    fn get(&self, at: usize) -> u64 {
        self.slots.get(at).copied().unwrap_or(EMPTY)
    }

    fn set(&mut self, at: usize, fingerprint: u64) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = fingerprint;
        }
    }
}

/// A fingerprint as it is stored. Two of them have the same form; one in 2^63 pairs are confused anyway.
fn stored(fingerprint: u64) -> u64 {
    if fingerprint == EMPTY { 1 } else { fingerprint }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Insert(u64),
        Remove(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        // Few fingerprints, so that they come again, among them 0.
        (0..200_u64, any::<bool>()).prop_map(|(n, insert)| match insert {
            true => Step::Insert(n * 3),
            false => Step::Remove(n * 3),
        })
    }

    proptest! {
        #[test]
        fn it_contains_what_was_inserted_and_not_removed(
            steps in proptest::collection::vec(step(), 0..1_000)
        ) {
            let mut set = Fingerprints::default();
            let mut model = BTreeSet::new();
            for step in steps {
                match step {
                    Step::Insert(n) => prop_assert_eq!(set.insert(n), model.insert(n)),
                    Step::Remove(n) => {
                        set.remove(n);
                        model.remove(&n);
                    }
                }
                prop_assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
            }
            for n in 0..200 {
                prop_assert_eq!(set.contains(n * 3), model.contains(&(n * 3)));
            }
        }
    }

    #[test]
    fn it_grows_and_empties() {
        let mut set = Fingerprints::default();
        for n in 0..10_000 {
            assert!(!set.contains(n * 5));
            assert!(set.insert(n * 5) && !set.insert(n * 5));
            assert!(set.len * 3 <= set.slots.len() * 2 + 3, "{} of {}", set.len, set.slots.len());
        }
        for n in (0..10_000).rev() {
            assert!(set.contains(n * 5));
            set.remove(n * 5);
            assert!(!set.contains(n * 5));
        }
        assert!(set.is_empty() && set.slots.iter().all(|slot| *slot == EMPTY));
    }
}
