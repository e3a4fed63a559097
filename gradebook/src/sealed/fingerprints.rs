//! A set of fingerprints: open addressing with linear probing (Knuth, TAOCP volume 3, section 6.4).
//!
//! A fingerprint stands in one slot and nowhere else, so a batch can fetch the slots of all its requests at
//! once: in a long set each is a cache miss, to read and to write. That is why it is a table of our own. Nothing is
//! removed from it.

use std::hash::BuildHasher;

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

/// Where a fingerprint can be added.
pub(super) struct Vacancy<'a> {
    fingerprints: &'a mut Fingerprints,
    slot: usize,
    fingerprint: u64,
}

/// The content of a slot without a fingerprint.
const EMPTY: u64 = 0;

/// The fewest slots.
const SLOTS_MIN: usize = 4;

impl Fingerprints {
    pub(super) fn contains(&self, fingerprint: u64) -> bool {
        self.find(stored(fingerprint)).is_some_and(|(_, is_here)| is_here)
    }

    /// Brings the slot of this fingerprint into the cache, by reading it. No branch depends on what is read, so the
    /// reads of several fingerprints overlap. The result means nothing.
    pub(super) fn read(&self, fingerprint: u64) -> u64 {
        self.get(self.first_slot(stored(fingerprint)))
    }

    /// The place where a fingerprint can be added. Returns `None` if it is there already.
    pub(super) fn vacancy(&mut self, fingerprint: u64) -> Option<Vacancy<'_>> {
        let fingerprint = stored(fingerprint);
        match self.find(fingerprint) {
            Some((_, true)) => None,
            Some((slot, false)) => Some(Vacancy { fingerprints: self, slot, fingerprint }),
            None => Some(Vacancy { fingerprints: self, slot: 0, fingerprint }),
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

impl Vacancy<'_> {
    /// Adds the fingerprint. Only this makes more slots: one that is there already costs no more than another.
    pub(super) fn fill(self) {
        let Self { fingerprints, mut slot, fingerprint } = self;
        if fingerprints.slots.len() / 3 * 2 <= fingerprints.len {
            fingerprints.grow();
            if let Some((at, _)) = fingerprints.find(fingerprint) {
                slot = at;
            }
        }
        fingerprints.set(slot, fingerprint);
        fingerprints.len += 1;
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

    /// Adds a fingerprint. Returns false if it was there already.
    fn insert(set: &mut Fingerprints, fingerprint: u64) -> bool {
        set.vacancy(fingerprint).map(Vacancy::fill).is_some()
    }

    proptest! {
        #[test]
        fn it_contains_what_was_inserted(
            // Few fingerprints, so that they come again, among them 0.
            inserted in proptest::collection::vec(0..200_u64, 0..1_000)
        ) {
            let mut set = Fingerprints::default();
            let mut model = BTreeSet::new();
            for n in inserted {
                prop_assert_eq!(set.contains(n * 3), model.contains(&n));
                prop_assert_eq!(insert(&mut set, n * 3), model.insert(n));
                prop_assert_eq!(set.len, model.len());
            }
            for n in 0..200 {
                prop_assert_eq!(set.contains(n * 3), model.contains(&n));
            }
        }
    }

    #[test]
    fn a_vacancy_that_is_not_filled_adds_nothing() {
        let mut set = Fingerprints::default();
        assert!(set.vacancy(7).is_some() && set.vacancy(7).is_some());
        assert!(!set.contains(7) && set.len == 0);
    }

    #[test]
    fn a_third_of_the_slots_stays_empty() {
        let mut set = Fingerprints::default();
        for n in 0..10_000 {
            assert!(!set.contains(n * 5));
            assert!(insert(&mut set, n * 5) && !insert(&mut set, n * 5));
            assert!(set.len * 3 <= set.slots.len() * 2 + 3, "{} of {}", set.len, set.slots.len());
        }
    }
}
