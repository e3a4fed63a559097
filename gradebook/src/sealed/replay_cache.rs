//! The cache of answered requests, so that no request is answered twice.

use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;

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
    /// The requests by the last second in which they are valid. A request carries its time, so it is searched among
    /// those of one second: they need less of the processor's caches than all, and are dropped together.
    seconds: BTreeMap<Timestamp, Second>,
    /// The number of requests of each student.
    per_student: HashMap<u64, usize>,
    /// The students of requests that were dropped and still count, in the order of their expiry. A student who asked
    /// twice stands here twice.
    expired: VecDeque<u64>,
    /// The requests that were admitted since the last expiry.
    admitted: usize,
    /// The last second in which any request was valid that the cache has dropped.
    expired_until: Timestamp,
}

/// The requests that are valid until the same second.
#[derive(Default)]
struct Second {
    /// The fingerprint of each request.
    answered: Fingerprints,
    /// The student of each request.
    students: Vec<u64>,
}

/// An odd number with bits all over, so that the fingerprints of different students differ.
const STUDENT_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// How many requests stop counting at a time, in a fraction of a millisecond: a flood that expires would otherwise hold
/// up the batch that comes next. If more were admitted in the meantime, so many.
const EXPIRED_AT_ONCE: usize = 16 * 1024;

/// What identifies a request that its student's key made.
#[derive(Clone, Copy)]
pub(super) struct RequestIdentity {
    /// The hash of the student's ID.
    pub(super) student: u64,
    /// The first 8 bytes of the token's MAC, which no two requests have in common.
    pub(super) mac_prefix: u64,
    /// The last second in which the request is valid.
    pub(super) valid_until: Timestamp,
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
    /// Remembers a request, which is answered now, unless `share` requests of the student are remembered already.
    /// Requests that are no longer valid must be [expired](Self::expire) before.
    pub(super) fn admit(
        &mut self,
        request: RequestIdentity,
        share: usize,
    ) -> Result<(), AdmitError> {
        let Self { seconds, per_student, admitted, expired_until, .. } = self;
        let RequestIdentity { student, valid_until, .. } = request;
        if valid_until <= *expired_until {
            return Err(AdmitError::Expired);
        }
        let own = per_student.entry(student).or_default();
        // A request that is not admitted makes no second.
        if *own >= share && !contains(seconds, request) {
            return Err(AdmitError::Full);
        }
        let Second { answered, students } = seconds.entry(valid_until).or_default();
        let vacancy = answered.vacancy(request.fingerprint()).ok_or(AdmitError::Replayed)?;
        vacancy.fill();
        students.push(student);
        *own = own.saturating_add(1);
        *admitted = admitted.saturating_add(1);
        Ok(())
    }

    /// Returns true if this request is remembered.
    pub(super) fn contains(&self, request: RequestIdentity) -> bool {
        contains(&self.seconds, request)
    }

    /// Reads ahead what [`admit`](Self::admit) or [`contains`](Self::contains) need for these requests. In a long cache
    /// each is a cache miss, and those of all overlap.
    pub(super) fn fetch(&self, requests: impl Iterator<Item = RequestIdentity>) {
        // Requests that come together are usually of the same second.
        let mut last: Option<(Timestamp, Option<&Second>)> = None;
        let mut read = 0;
        for request in requests {
            let until = request.valid_until;
            let second = match last {
                Some((last_until, second)) if last_until == until => second,
                _ => self.seconds.get(&until),
            };
            last = Some((until, second));
            read ^= second.map_or(0, |second| second.answered.read(request.fingerprint()));
        }
        black_box(read);
    }

    /// Drops the requests that are no longer valid. Those of a flood stop counting little by little.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some(earliest) = self.seconds.first_entry().filter(|entry| *entry.key() < now) {
            self.expired_until = self.expired_until.max(*earliest.key());
            let students = VecDeque::from(earliest.remove().students);
            if self.expired.is_empty() {
                self.expired = students;
            } else {
                self.expired.extend(students);
            }
        }
        let at_once = EXPIRED_AT_ONCE.max(std::mem::take(&mut self.admitted));
        for student in self.expired.drain(..at_once.min(self.expired.len())) {
            if let Entry::Occupied(mut own) = self.per_student.entry(student) {
                *own.get_mut() = own.get().saturating_sub(1);
                if *own.get() == 0 {
                    own.remove();
                }
            }
        }
        if self.expired.is_empty() && self.expired.capacity() > EXPIRED_AT_ONCE {
            // Frees the memory of a flood.
            self.expired = VecDeque::new();
        }
        if self.per_student.is_empty() {
            self.per_student = HashMap::default();
        }
    }
}

fn contains(seconds: &BTreeMap<Timestamp, Second>, request: RequestIdentity) -> bool {
    let second = seconds.get(&request.valid_until);
    second.is_some_and(|second| second.answered.contains(request.fingerprint()))
}

impl RequestIdentity {
    fn fingerprint(self) -> u64 {
        self.mac_prefix.wrapping_add(self.student.wrapping_mul(STUDENT_FACTOR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: usize = 3;

    /// A request that is valid for ten seconds.
    fn request(student: u64, mac_prefix: u64, time: u64) -> RequestIdentity {
        RequestIdentity { student, mac_prefix, valid_until: Timestamp(time + 10) }
    }

    /// Sends a request at this time.
    fn send(cache: &mut ReplayCache, request: RequestIdentity, now: u64) -> Result<(), AdmitError> {
        cache.expire(Timestamp(now));
        let was_there = cache.contains(request);
        let sent = cache.admit(request, SHARE);
        assert_eq!(was_there, sent == Err(AdmitError::Replayed));
        sent
    }

    #[test]
    fn a_request_is_answered_once_as_long_as_it_is_valid() {
        let mut cache = ReplayCache::default();
        assert_eq!(send(&mut cache, request(1, 7, 100), 100), Ok(()));
        assert_eq!(send(&mut cache, request(1, 7, 100), 110), Err(AdmitError::Replayed));
        assert_eq!(send(&mut cache, request(1, 7, 100), 111), Err(AdmitError::Expired));
        let others = [request(2, 7, 105), request(1, 8, 105), request(1, 7, 105)];
        assert_eq!(others.map(|other| send(&mut cache, other, 111)), [Ok(()); 3]);
        let again = others.map(|other| send(&mut cache, other, 115));
        assert_eq!(again, [Err(AdmitError::Replayed); 3]);
    }

    #[test]
    fn a_flood_fills_only_the_share_of_the_student_whose_key_it_uses() {
        let mut cache = ReplayCache::default();
        for mac in 0..3 {
            assert_eq!(send(&mut cache, request(1, mac, 100), 100), Ok(()));
        }
        assert_eq!(send(&mut cache, request(1, 3, 101), 101), Err(AdmitError::Full));
        let replay = send(&mut cache, request(1, 2, 100), 101);
        assert_eq!(replay, Err(AdmitError::Replayed), "still recognised");
        assert_eq!(send(&mut cache, request(2, 3, 100), 101), Ok(()));
        assert_eq!(send(&mut cache, request(1, 3, 111), 111), Ok(()), "and it recovers");
    }

    #[test]
    fn a_request_that_is_not_admitted_leaves_nothing() {
        let mut cache = ReplayCache::default();
        for mac in 0..3 {
            assert_eq!(send(&mut cache, request(1, mac, 100), 100), Ok(()));
        }
        for time in 101..200 {
            assert_eq!(send(&mut cache, request(1, 9, time), 100), Err(AdmitError::Full));
        }
        assert_eq!(cache.seconds.len(), 1);
    }

    #[test]
    fn expired_requests_are_dropped_and_stop_counting_little_by_little() {
        let mut cache = ReplayCache::default();
        let students = EXPIRED_AT_ONCE + 50;
        for student in 0..students as u64 {
            assert_eq!(send(&mut cache, request(student, 1, 100 + student % 2), 100), Ok(()));
        }
        let sizes = |cache: &ReplayCache| (cache.seconds.len(), cache.per_student.len());
        assert_eq!(sizes(&cache), (2, students));
        cache.expire(Timestamp(111));
        assert_eq!(sizes(&cache), (1, students / 2));
        cache.expire(Timestamp(1000));
        assert_eq!(sizes(&cache), (0, 0));
        for student in 0..students as u64 {
            assert_eq!(send(&mut cache, request(student, 1, 2000), 2000), Ok(()));
        }
        // As many as were admitted stop counting at once, and then no more than the bound.
        cache.admitted = 0;
        cache.expire(Timestamp(3000));
        assert_eq!(sizes(&cache), (0, 50));
        let first = send(&mut cache, request(students as u64 - 1, 2, 3000), 3000);
        assert_eq!((first, sizes(&cache)), (Ok(()), (1, 1)), "the last ones stop counting last");
        cache.expire(Timestamp(4000));
        assert_eq!(sizes(&cache), (0, 0));
        assert!(cache.expired.capacity() < EXPIRED_AT_ONCE, "the memory of a flood is freed");
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
        assert_eq!(send(&mut cache, request(1, 7, 100), 100), Ok(()));
        assert_eq!(send(&mut cache, request(1, 8, 500), 500), Ok(()), "the first is dropped");
        assert_eq!(send(&mut cache, request(1, 7, 100), 100), Err(AdmitError::Expired));
        assert_eq!(send(&mut cache, request(1, 9, 101), 101), Ok(()), "a later one is admitted");
        assert_eq!(send(&mut cache, request(1, 8, 500), 490), Err(AdmitError::Replayed));
    }
}
