//! The cache of answered requests, so that no request is answered twice.

use std::collections::BTreeMap;

use fernet_batch::Timestamp;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::fingerprints::Fingerprints;

/// How many requests are remembered.
#[derive(Clone, Copy, Debug)]
pub struct ReplayLimits {
    /// For each student at most.
    pub per_student: usize,
    /// For all students of a class together.
    pub total: usize,
}

impl ReplayLimits {
    /// How many requests are remembered for each student of a class; one more is answered `busy`. The
    /// total is shared evenly, so that no student is refused because of other students.
    pub fn share(self, students: usize) -> usize {
        let even = self.total.checked_div(students).unwrap_or(self.total);
        even.min(self.per_student).max(1)
    }
}

/// The requests that were answered and are still valid. Each student has a share of the cache, which
/// only the holder of the student's key can fill.
#[derive(Default)]
pub(super) struct ReplayCache {
    /// The fingerprint of each request.
    answered: Fingerprints,
    /// The number of them for each student.
    per_student: HashMap<u64, usize>,
    /// The requests by the last second in which they are valid.
    valid_until: BTreeMap<Timestamp, Vec<Answered>>,
    /// The last second in which any request was valid that the cache has dropped.
    expired_until: Timestamp,
}

/// An odd number with bits all over, so that the fingerprints of different students differ.
const STUDENT_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A request that was answered.
struct Answered {
    student: u64,
    fingerprint: u64,
}

/// Why a request must not be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdmitError {
    /// It was answered before.
    Replayed,
    /// It may have been answered before: the clock was set back since.
    Expired,
    /// The student's share is full.
    Full,
}

impl ReplayCache {
    /// Remembers a student's request, which is answered now and valid up to `valid_until`, unless
    /// `share` requests of the student are remembered already. A request is identified by the first 8
    /// bytes of its MAC, not by its token's text, whose last characters have more than one spelling.
    /// Requests that are no longer valid must be [expired](Self::expire) before.
    pub(super) fn admit(
        &mut self,
        student: u64,
        mac_prefix: u64,
        share: usize,
        valid_until: Timestamp,
    ) -> Result<(), AdmitError> {
        let Self { answered, per_student, expired_until, .. } = self;
        let fingerprint = fingerprint(student, mac_prefix);
        if answered.contains(fingerprint) {
            return Err(AdmitError::Replayed);
        }
        if valid_until <= *expired_until {
            return Err(AdmitError::Expired);
        }
        let own = per_student.entry(student).or_default();
        if *own >= share {
            return Err(AdmitError::Full);
        }
        *own = own.saturating_add(1);
        answered.insert(fingerprint);
        self.valid_until.entry(valid_until).or_default().push(Answered { student, fingerprint });
        Ok(())
    }

    /// Returns true if this request of a student is remembered.
    pub(super) fn contains(&self, student: u64, mac_prefix: u64) -> bool {
        self.answered.contains(fingerprint(student, mac_prefix))
    }

    /// Reads ahead what [`admit`](Self::admit) or [`contains`](Self::contains) need for these requests, each a student
    /// and the beginning of a MAC. In a long cache each is a cache miss, and those of all overlap.
    pub(super) fn fetch(&self, requests: impl Iterator<Item = (u64, u64)>) {
        self.answered.fetch(requests.map(|(student, mac_prefix)| fingerprint(student, mac_prefix)));
    }

    /// Drops the requests that are no longer valid.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some(earliest) = self.valid_until.first_entry().filter(|entry| *entry.key() < now)
        {
            self.expired_until = self.expired_until.max(*earliest.key());
            for Answered { student, fingerprint } in earliest.remove() {
                self.answered.remove(fingerprint);
                if let Entry::Occupied(mut own) = self.per_student.entry(student) {
                    *own.get_mut() = own.get().saturating_sub(1);
                    if *own.get() == 0 {
                        own.remove();
                    }
                }
            }
        }
        if self.answered.is_empty() {
            // Frees the memory of a flood.
            self.answered = Fingerprints::default();
        }
    }
}

fn fingerprint(student: u64, mac_prefix: u64) -> u64 {
    mac_prefix.wrapping_add(student.wrapping_mul(STUDENT_FACTOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: usize = 3;

    fn admit(cache: &mut ReplayCache, student: u64, mac: u64, now: u64) -> Result<(), AdmitError> {
        cache.expire(Timestamp(now));
        cache.admit(student, mac, SHARE, Timestamp(now + 10))
    }

    #[test]
    fn a_request_is_new_once_as_long_as_it_could_be_answered() {
        let mut cache = ReplayCache::default();
        assert_eq!(admit(&mut cache, 1, 7, 100), Ok(()));
        assert_eq!(admit(&mut cache, 1, 7, 110), Err(AdmitError::Replayed));
        assert_eq!(admit(&mut cache, 2, 7, 110), Ok(()), "another student's is another");
        assert_eq!(admit(&mut cache, 1, 7, 111), Ok(()), "by now its time has passed");
    }

    #[test]
    fn a_flood_fills_only_the_share_of_the_student_whose_key_it_uses() {
        let mut cache = ReplayCache::default();
        for mac in 0..3 {
            assert_eq!(admit(&mut cache, 1, mac, 100), Ok(()));
        }
        assert_eq!(admit(&mut cache, 1, 3, 100), Err(AdmitError::Full));
        assert_eq!(admit(&mut cache, 1, 2, 100), Err(AdmitError::Replayed), "still recognised");
        assert_eq!(admit(&mut cache, 2, 3, 100), Ok(()));
        assert_eq!(admit(&mut cache, 1, 3, 111), Ok(()), "and it recovers");
    }

    #[test]
    fn expired_requests_are_dropped() {
        let mut cache = ReplayCache::default();
        for student in 0..50 {
            assert_eq!(admit(&mut cache, student, 1, 100), Ok(()));
        }
        assert_eq!(admit(&mut cache, 0, 1, 110), Err(AdmitError::Replayed));
        assert_eq!(admit(&mut cache, 77, 1, 111), Ok(()));
        let sizes = (cache.answered.len(), cache.per_student.len(), cache.valid_until.len());
        assert_eq!(sizes, (1, 1, 1));
    }

    #[test]
    fn the_students_of_a_class_share_the_total_evenly() {
        let limits = ReplayLimits { per_student: 4_096, total: 1_000_000 };
        for (students, share) in
            [(0, 4_096), (1, 4_096), (244, 4_096), (245, 4_081), (1_000_000, 1), (2_000_000, 1)]
        {
            assert_eq!(limits.share(students), share, "{students} students");
        }
    }

    #[test]
    fn setting_the_clock_back_accepts_no_replay() {
        let mut cache = ReplayCache::default();
        assert_eq!(admit(&mut cache, 1, 7, 100), Ok(()));
        assert_eq!(admit(&mut cache, 1, 8, 500), Ok(()), "the first is dropped");
        assert_eq!(admit(&mut cache, 1, 7, 100), Err(AdmitError::Expired));
        assert_eq!(admit(&mut cache, 1, 9, 101), Ok(()), "a later request is admitted");
        assert_eq!(admit(&mut cache, 1, 8, 490), Err(AdmitError::Replayed));
    }
}
