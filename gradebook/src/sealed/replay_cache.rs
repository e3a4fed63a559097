//! Requests that have been answered, so that none is answered twice.

use std::collections::BTreeMap;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};

use crate::seal::Timestamp;

/// How many requests are remembered.
#[derive(Clone, Copy, Debug)]
pub struct ReplayLimits {
    /// Of each student; one more is answered with `busy`.
    pub per_student: usize,
    /// Of all students together.
    pub total: usize,
}

/// What has been answered. It is bounded for each student and in all, and only who holds a student's
/// key can fill that student's part.
pub(super) struct ReplayCache {
    limits: ReplayLimits,
    /// Each request's fingerprint.
    answered: HashSet<u64>,
    /// How many of them are of each student.
    per_student: HashMap<u64, usize>,
    /// For each second, those that are good up to then.
    until: BTreeMap<Timestamp, Vec<Answered>>,
    /// Up to when some of those that have been forgotten were good.
    expired_until: Timestamp,
}

/// An odd number with bits all over, so that students' marks do not lie beside each other.
const STUDENT_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A request that was answered.
struct Answered {
    student: u64,
    fingerprint: u64,
}

/// Why a request is not new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdmitError {
    /// It has been answered.
    Replayed,
    /// It may have been: the clock has been set back since.
    Expired,
    /// There is no room to remember it.
    Full,
}

impl ReplayCache {
    pub(super) fn new(limits: ReplayLimits) -> Self {
        let (answered, per_student) = (HashSet::new(), HashMap::new());
        let (until, expired_until) = (BTreeMap::new(), Timestamp(0));
        Self { limits, answered, per_student, until, expired_until }
    }

    /// Takes down that a student's request is answered now; it need be remembered up to `until`. It is
    /// known by the beginning of its MAC, which another one has with a chance of one in 2^64; not by its
    /// text, since the last characters of a token can be spelled in more than one way.
    pub(super) fn admit(
        &mut self,
        student: u64,
        mac: u64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), AdmitError> {
        self.expire(now);
        let fingerprint = mac.wrapping_add(student.wrapping_mul(STUDENT_FACTOR));
        if self.answered.contains(&fingerprint) {
            return Err(AdmitError::Replayed);
        }
        if until <= self.expired_until {
            return Err(AdmitError::Expired);
        }
        let own = self.per_student.get(&student).copied().unwrap_or_default();
        if self.answered.len() >= self.limits.total || own >= self.limits.per_student {
            return Err(AdmitError::Full);
        }
        self.answered.insert(fingerprint);
        self.per_student.insert(student, own.saturating_add(1));
        self.until.entry(until).or_default().push(Answered { student, fingerprint });
        Ok(())
    }

    /// Forgets what would not be answered again anyway.
    fn expire(&mut self, now: Timestamp) {
        while let Some(earliest) = self.until.first_entry().filter(|entry| *entry.key() < now) {
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
    fn a_flood_fills_only_the_part_of_the_student_whose_key_it_uses() {
        let mut cache = ReplayCache::new(ReplayLimits { per_student: 3, total: 100 });
        for mac in 0..3 {
            assert_eq!(admit(&mut cache, 1, mac, 100), Ok(()));
        }
        assert_eq!(admit(&mut cache, 1, 3, 100), Err(AdmitError::Full));
        assert_eq!(admit(&mut cache, 1, 2, 100), Err(AdmitError::Replayed), "still told apart");
        assert_eq!(admit(&mut cache, 2, 3, 100), Ok(()));
        assert_eq!(admit(&mut cache, 1, 3, 111), Ok(()), "and it recovers");
    }

    #[test]
    fn all_together_are_bounded_and_what_has_passed_is_forgotten() {
        let mut cache = ReplayCache::new(ReplayLimits { per_student: 3, total: 50 });
        for student in 0..50 {
            assert_eq!(admit(&mut cache, student, 1, 100), Ok(()));
        }
        assert_eq!(admit(&mut cache, 77, 1, 110), Err(AdmitError::Full));
        assert_eq!(admit(&mut cache, 77, 1, 111), Ok(()));
        let held = (cache.answered.len(), cache.per_student.len(), cache.until.len());
        assert_eq!(held, (1, 1, 1));
    }

    #[test]
    fn a_clock_that_is_set_back_lets_no_old_request_in() {
        let mut cache = ReplayCache::new(ReplayLimits { per_student: 9, total: 9 });
        assert_eq!(admit(&mut cache, 1, 7, 100), Ok(()));
        assert_eq!(admit(&mut cache, 1, 8, 500), Ok(()), "the first is forgotten");
        assert_eq!(admit(&mut cache, 1, 7, 100), Err(AdmitError::Expired));
        assert_eq!(admit(&mut cache, 1, 9, 101), Ok(()), "what is later goes on");
        assert_eq!(admit(&mut cache, 1, 8, 490), Err(AdmitError::Replayed));
    }
}
