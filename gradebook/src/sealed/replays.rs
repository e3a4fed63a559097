//! Requests that have been answered, so that none is answered twice.

use std::collections::{HashMap, VecDeque};

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
pub(super) struct Replays {
    limits: ReplayLimits,
    /// For each student's number, what was answered, the oldest first.
    answered: HashMap<u64, VecDeque<Answered>>,
    total: usize,
}

/// A request that was answered.
struct Answered {
    /// The beginning of its MAC. Not of its text: the last characters of a token can be spelled in more
    /// than one way.
    mac: u128,
    /// Until when it would be answered again.
    until: Timestamp,
}

/// Why a request is not new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNew {
    /// It has been answered.
    Replayed,
    /// There is no room to remember it.
    Full,
}

impl Replays {
    pub(super) fn new(limits: ReplayLimits) -> Self {
        Self { limits, answered: HashMap::new(), total: 0 }
    }

    /// Takes down that a request is answered now; it need be remembered up to `until`.
    pub(super) fn admit(
        &mut self,
        student: u64,
        mac: u128,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), NotNew> {
        if self.total >= self.limits.total {
            self.forget(now);
        }
        let full = self.total >= self.limits.total;
        let answered = self.answered.entry(student).or_default();
        if answered.iter().any(|answered| answered.mac == mac && answered.until >= now) {
            return Err(NotNew::Replayed);
        }
        if full || answered.len() >= self.limits.per_student {
            let before = answered.len();
            answered.retain(|answered| answered.until >= now);
            self.total = self.total.saturating_sub(before - answered.len());
        }
        let full = self.total >= self.limits.total;
        if full || answered.len() >= self.limits.per_student {
            return Err(NotNew::Full);
        }
        answered.push_back(Answered { mac, until });
        self.total = self.total.saturating_add(1);
        Ok(())
    }

    /// Forgets what would not be answered again anyway.
    fn forget(&mut self, now: Timestamp) {
        self.answered.retain(|_, answered| {
            answered.retain(|answered| answered.until >= now);
            !answered.is_empty()
        });
        self.total = self.answered.values().map(VecDeque::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(replays: &mut Replays, student: u64, mac: u128, now: u64) -> Result<(), NotNew> {
        replays.admit(student, mac, Timestamp(now), Timestamp(now + 10))
    }

    #[test]
    fn a_request_is_new_once_as_long_as_it_could_be_answered() {
        let mut replays = Replays::new(ReplayLimits { per_student: 9, total: 9 });
        assert_eq!(admit(&mut replays, 1, 7, 100), Ok(()));
        assert_eq!(admit(&mut replays, 1, 7, 110), Err(NotNew::Replayed));
        assert_eq!(admit(&mut replays, 2, 7, 110), Ok(()), "another student's is another");
        assert_eq!(admit(&mut replays, 1, 7, 111), Ok(()), "by now its time has passed");
    }

    #[test]
    fn a_flood_fills_only_the_part_of_the_student_whose_key_it_uses() {
        let mut replays = Replays::new(ReplayLimits { per_student: 3, total: 100 });
        for mac in 0..3 {
            assert_eq!(admit(&mut replays, 1, mac, 100), Ok(()));
        }
        assert_eq!(admit(&mut replays, 1, 3, 100), Err(NotNew::Full));
        assert_eq!(admit(&mut replays, 1, 2, 100), Err(NotNew::Replayed), "still told apart");
        assert_eq!(admit(&mut replays, 2, 3, 100), Ok(()));
        assert_eq!(admit(&mut replays, 1, 3, 111), Ok(()), "and it recovers");
    }

    #[test]
    fn all_together_are_bounded_and_what_has_passed_is_forgotten() {
        let mut replays = Replays::new(ReplayLimits { per_student: 3, total: 50 });
        for student in 0..50 {
            assert_eq!(admit(&mut replays, student, 1, 100), Ok(()));
        }
        assert_eq!(admit(&mut replays, 77, 1, 110), Err(NotNew::Full));
        assert_eq!(admit(&mut replays, 77, 1, 111), Ok(()));
        assert_eq!((replays.total, replays.answered.len()), (1, 1));
    }
}
