//! The cache of answered requests, so that no request is answered twice.

use std::collections::BTreeMap;

use fernet_batch::Timestamp;
use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};

/// How many requests are remembered.
#[derive(Clone, Copy, Debug)]
pub struct ReplayLimits {
    /// For each student. One more is answered `busy`.
    pub per_student: usize,
    /// For all students together.
    pub total: usize,
}

/// The requests that were answered and are still valid. The cache is bounded for each student and in
/// all, and only the holder of a student's key can fill that student's share.
pub(super) struct ReplayCache {
    limits: ReplayLimits,
    /// The fingerprint of each request.
    answered: HashSet<u64>,
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
    /// The cache has no room to remember it.
    Full,
}

impl ReplayCache {
    pub(super) fn new(limits: ReplayLimits) -> Self {
        Self {
            limits,
            answered: HashSet::new(),
            per_student: HashMap::new(),
            valid_until: BTreeMap::new(),
            expired_until: Timestamp(0),
        }
    }

    /// Remembers a student's request, which is answered now and valid up to `valid_until`. A request is
    /// identified by the first 8 bytes of its MAC, not by its token's text, whose last characters have
    /// more than one spelling.
    pub(super) fn admit(
        &mut self,
        student: u64,
        mac_prefix: u64,
        now: Timestamp,
        valid_until: Timestamp,
    ) -> Result<(), AdmitError> {
        self.expire(now);
        let fingerprint = mac_prefix.wrapping_add(student.wrapping_mul(STUDENT_FACTOR));
        if self.answered.contains(&fingerprint) {
            return Err(AdmitError::Replayed);
        }
        if valid_until <= self.expired_until {
            return Err(AdmitError::Expired);
        }
        let own = self.per_student.get(&student).copied().unwrap_or_default();
        if self.answered.len() >= self.limits.total || own >= self.limits.per_student {
            return Err(AdmitError::Full);
        }
        self.answered.insert(fingerprint);
        self.per_student.insert(student, own.saturating_add(1));
        self.valid_until.entry(valid_until).or_default().push(Answered { student, fingerprint });
        Ok(())
    }

    /// Drops the requests that are no longer valid.
    fn expire(&mut self, now: Timestamp) {
        while let Some(earliest) = self.valid_until.first_entry().filter(|entry| *entry.key() < now)
        {
            self.expired_until = self.expired_until.max(*earliest.key());
            for Answered { student, fingerprint } in earliest.remove() {
                self.answered.remove(&fingerprint);
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
            self.answered = HashSet::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(cache: &mut ReplayCache, student: u64, mac: u64, now: u64) -> Result<(), AdmitError> {
        cache.admit(student, mac, Timestamp(now), Timestamp(now + 10))
    }

    #[test]
    fn a_request_is_new_once_as_long_as_it_could_be_answered() {
        let mut cache = ReplayCache::new(ReplayLimits { per_student: 9, total: 9 });
        assert_eq!(admit(&mut cache, 1, 7, 100), Ok(()));
        assert_eq!(admit(&mut cache, 1, 7, 110), Err(AdmitError::Replayed));
        assert_eq!(admit(&mut cache, 2, 7, 110), Ok(()), "another student's is another");
        assert_eq!(admit(&mut cache, 1, 7, 111), Ok(()), "by now its time has passed");
    }

    #[test]
    fn a_flood_fills_only_the_share_of_the_student_whose_key_it_uses() {
        let mut cache = ReplayCache::new(ReplayLimits { per_student: 3, total: 100 });
        for mac in 0..3 {
            assert_eq!(admit(&mut cache, 1, mac, 100), Ok(()));
        }
        assert_eq!(admit(&mut cache, 1, 3, 100), Err(AdmitError::Full));
        assert_eq!(admit(&mut cache, 1, 2, 100), Err(AdmitError::Replayed), "still recognised");
        assert_eq!(admit(&mut cache, 2, 3, 100), Ok(()));
        assert_eq!(admit(&mut cache, 1, 3, 111), Ok(()), "and it recovers");
    }

    #[test]
    fn the_total_is_bounded_and_expired_requests_are_dropped() {
        let mut cache = ReplayCache::new(ReplayLimits { per_student: 3, total: 50 });
        for student in 0..50 {
            assert_eq!(admit(&mut cache, student, 1, 100), Ok(()));
        }
        assert_eq!(admit(&mut cache, 77, 1, 110), Err(AdmitError::Full));
        assert_eq!(admit(&mut cache, 77, 1, 111), Ok(()));
        let sizes = (cache.answered.len(), cache.per_student.len(), cache.valid_until.len());
        assert_eq!(sizes, (1, 1, 1));
    }

    #[test]
    fn setting_the_clock_back_accepts_no_replay() {
        let mut cache = ReplayCache::new(ReplayLimits { per_student: 9, total: 9 });
        assert_eq!(admit(&mut cache, 1, 7, 100), Ok(()));
        assert_eq!(admit(&mut cache, 1, 8, 500), Ok(()), "the first is dropped");
        assert_eq!(admit(&mut cache, 1, 7, 100), Err(AdmitError::Expired));
        assert_eq!(admit(&mut cache, 1, 9, 101), Ok(()), "a later request is admitted");
        assert_eq!(admit(&mut cache, 1, 8, 490), Err(AdmitError::Replayed));
    }
}
