//! Who is in a class, small enough to keep beside it: to tell how many a new edition has lost.

use std::hash::{DefaultHasher, Hash, Hasher};

/// One number for each student's ID, in order; 8 bytes a student.
///
/// Two IDs of one number are one in 2^64; they would make a count off by one.
#[derive(Debug)]
pub struct IdSet(Vec<u64>);

/// A number for an ID, the same in every edition.
pub(crate) fn id_hash(id: &str) -> u64 {
    // Without a random seed, so that the numbers of two editions can be compared.
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl IdSet {
    pub(crate) fn from_ids<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        let mut hashes: Vec<_> = ids.map(id_hash).collect();
        hashes.sort_unstable();
        Self(hashes)
    }

    /// How many students there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of these students `other` does not have.
    pub fn missing_from(&self, other: &Self) -> usize {
        self.0.iter().filter(|hash| other.0.binary_search(hash).is_err()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_students_are_counted_whatever_the_size() {
        let id_set = |ids: &[&str]| IdSet::from_ids(ids.iter().copied());
        let old = id_set(&["a", "b", "c", "d"]);
        assert_eq!(old.missing_from(&id_set(&["d", "c", "b", "a"])), 0);
        assert_eq!(old.missing_from(&id_set(&["a", "b", "x", "y"])), 2);
        assert_eq!(old.missing_from(&id_set(&[])), 4);
        assert_eq!(id_set(&[]).missing_from(&old), 0);
    }
}
