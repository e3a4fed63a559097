//! The set of a class's student IDs, to count how many students a new class file has lost.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;

/// A hash of each ID; 8 bytes a student.
///
/// Two IDs have the same hash with a chance of 2^-64; then a count is off by one.
#[derive(Clone, Debug)]
pub struct IdSet(Vec<u64>);

/// A hash of an ID, the same in every edition.
pub(crate) fn id_hash(id: &str) -> u64 {
    // Without a random seed, so that the hashes of two editions can be compared.
    FixedState::with_seed(0).hash_one(id)
}

impl IdSet {
    pub(crate) fn from_ids<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        Self(ids.map(id_hash).collect())
    }

    /// The number of students.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there are no students.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of these students that `other` does not contain.
    pub fn missing_from(&self, other: &Self) -> usize {
        // Sorted here: most sets are never compared.
        let mut others = other.0.clone();
        others.sort_unstable();
        self.0.iter().filter(|hash| others.binary_search(hash).is_err()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_students_are_counted_whatever_the_size() {
        let set = |ids: &[&str]| IdSet::from_ids(ids.iter().copied());
        let old = set(&["a", "b", "c", "d"]);
        assert_eq!(old.missing_from(&set(&["d", "c", "b", "a"])), 0);
        assert_eq!(old.missing_from(&set(&["a", "b", "x", "y"])), 2);
        assert_eq!(old.missing_from(&set(&[])), 4);
        assert_eq!(set(&[]).missing_from(&old), 0);
    }
}
