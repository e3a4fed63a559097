//! Which statistics of an edition are released, given what earlier editions released.
//!
//! Two averages of almost the same marks reveal the difference: a student who asks for an average while
//! marks are entered one by one can subtract. So a statistic is released again only if enough marks
//! have changed since every earlier release of it; otherwise the last release stays. The threat and
//! the arithmetic stand in `docs/PRIVACY.md`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::figures::Figures;
use super::policy::PrivacyPolicy;
use crate::roster::{Class, Roster};
use crate::values::{Decimal, EditionStamp};

/// The most releases of one assessment, since all of them are remembered. Then the last one stays.
const RELEASES_MAX: usize = 64;

/// What the editions of a class have released so far. Each edition hands it to the next.
#[derive(Clone, Default)]
pub struct ReleaseHistory(pub(super) Arc<Vec<StatisticRelease>>);

/// The last release of one assessment's figures.
#[derive(Clone)]
pub(crate) struct StatisticRelease {
    pub(super) name: String,
    /// The edition that released these figures first.
    pub(super) stamp: EditionStamp,
    /// The policy of that release.
    pub(super) policy: PrivacyPolicy,
    pub(super) figures: Arc<Figures>,
    /// The marks behind every release so far, the last one at the end.
    pub(super) mark_counts: Vec<Arc<MarkCounts>>,
}

/// How often each mark occurs, from the lowest mark to the highest. Which student has which mark does
/// not matter to any figure.
pub(super) type MarkCounts = Vec<(Decimal, u32)>;

/// What students may see of an assessment's statistics.
#[derive(Clone)]
pub(crate) enum ReleaseStatus {
    /// These figures.
    Released(StatisticRelease),
    /// Nothing, since there are no marks.
    NoMarks,
    /// Nothing, since there are fewer marks than the policy asks for.
    BelowThreshold,
}

/// What was decided about the statistics of each assessment of an edition, in its order.
#[derive(Clone)]
pub struct Decisions {
    pub(crate) policy: PrivacyPolicy,
    pub(crate) statuses: Vec<ReleaseStatus>,
}

impl ReleaseHistory {
    /// Decides what an edition releases of each assessment of a class, all of which must be released.
    /// Returns the decisions, and the history that includes them.
    pub fn decide(
        &self,
        stamp: EditionStamp,
        class: &Class,
        policy: PrivacyPolicy,
    ) -> (Decisions, Self) {
        let names: Vec<_> = class.assessments().map(str::to_owned).collect();
        let roster = class.roster();
        let mut columns = Vec::new();
        for (name, marks) in names.iter().zip(roster.count_marks()) {
            columns.push(Column::new(name, stamp, marks, policy));
        }
        let decision = ReleaseDecision { history: self, columns: &columns, roster, policy };
        let mut releases: Vec<Option<StatisticRelease>> = Vec::new();
        for (column, Column { name, candidate, .. }) in columns.iter().enumerate() {
            let release = if policy.applies() {
                decision.release_of(column, &releases)
            } else {
                candidate.clone()
            };
            releases
                .push(release.map(|release| StatisticRelease { name: name.clone(), ..release }));
        }
        let mut statuses = Vec::new();
        for (release, column) in releases.iter().zip(&columns) {
            statuses.push(match release {
                Some(release) => ReleaseStatus::Released(release.clone()),
                None if column.no_marks => ReleaseStatus::NoMarks,
                None => ReleaseStatus::BelowThreshold,
            });
        }
        let mut history: Vec<_> = releases.into_iter().flatten().collect();
        if policy.applies() {
            // A column that is gone may come back, with one mark more.
            history.extend(self.0.iter().filter(|last| !names.contains(&last.name)).cloned());
        }
        (Decisions { policy, statuses }, Self(Arc::new(history)))
    }

    fn last_release(&self, name: &str) -> Option<&StatisticRelease> {
        self.0.iter().find(|last| last.name == name)
    }
}

/// A column of an edition before the decision.
struct Column {
    name: String,
    no_marks: bool,
    /// What would be released if nothing had been released before.
    candidate: Option<StatisticRelease>,
}

impl Column {
    fn new(name: &str, stamp: EditionStamp, mut marks: MarkCounts, policy: PrivacyPolicy) -> Self {
        marks.sort_unstable_by_key(|(mark, _)| *mark);
        // The roster counts `7` and `7.0` apart, since it shows them as the class file writes them.
        marks.dedup_by(|(mark, times), (kept, total)| {
            let equal = mark == kept;
            if equal {
                *total = total.saturating_add(*times);
            }
            equal
        });
        let no_marks = marks.is_empty();
        let figures = Figures::of(marks.iter().copied(), policy);
        let candidate = figures.map(|figures| StatisticRelease {
            name: name.to_owned(),
            stamp,
            policy,
            figures: Arc::new(figures),
            mark_counts: vec![Arc::new(marks)],
        });
        Self { name: name.to_owned(), no_marks, candidate }
    }
}

/// Decides what an edition releases, column by column.
struct ReleaseDecision<'a> {
    history: &'a ReleaseHistory,
    columns: &'a [Column],
    roster: &'a Roster,
    policy: PrivacyPolicy,
}

impl ReleaseDecision<'_> {
    /// What is released of a column, given the `releases` of the columns before it. The candidate is
    /// released only if its marks differ enough from those behind every earlier release of the same
    /// name, of a column that seems renamed, and of a column that this one nearly duplicates.
    fn release_of(
        &self,
        column: usize,
        releases: &[Option<StatisticRelease>],
    ) -> Option<StatisticRelease> {
        let Column { name, candidate, .. } = self.columns.get(column)?;
        let last_release = self.history.last_release(name);
        let Some(candidate) = candidate else { return last_release.cloned() };
        if let Some(last) = last_release
            && !candidate.differs_enough(last, self.policy)
        {
            return Some(last.clone());
        }
        let latest = self
            .renamed_from(name, candidate)
            .or_else(|| self.duplicate_of(column, releases))
            .unwrap_or_else(|| candidate.clone());
        let mut mark_counts = Vec::new();
        if let Some(last) = last_release {
            mark_counts.extend(last.mark_counts.iter().cloned());
        }
        mark_counts.extend(latest.mark_counts.iter().cloned());
        Some(StatisticRelease { mark_counts, ..latest })
    }

    /// The last release of a column whose marks these resemble and which is gone or has other marks
    /// now: this may be its new name.
    fn renamed_from(&self, name: &str, candidate: &StatisticRelease) -> Option<StatisticRelease> {
        let ReleaseHistory(history) = self.history;
        let renamed = history.iter().find(|last| {
            last.name != name && !self.is_current(last) && candidate.resembles(last, self.policy)
        });
        renamed.cloned()
    }

    /// Returns true if the column of this release still has such marks.
    fn is_current(&self, last: &StatisticRelease) -> bool {
        let mut named = self.columns.iter().filter(|column| column.name == last.name);
        named.any(|Column { candidate, .. }| {
            candidate.as_ref().is_some_and(|candidate| candidate.resembles(last, self.policy))
        })
    }

    /// The release of another column that this one nearly duplicates.
    fn duplicate_of(
        &self,
        column: usize,
        releases: &[Option<StatisticRelease>],
    ) -> Option<StatisticRelease> {
        for (other, Column { name, .. }) in self.columns.iter().enumerate() {
            let release = match releases.get(other) {
                Some(release) => release.as_ref(),
                // A later column keeps its last release, if it still has such marks.
                None => self.history.last_release(name).filter(|last| self.is_current(last)),
            };
            if let Some(release) = release
                && other != column
                && self.is_duplicate(column, other)
            {
                return Some(release.clone());
            }
        }
        None
    }

    /// Returns true if fewer than `population_min` students have different marks in two columns.
    fn is_duplicate(&self, column: usize, other: usize) -> bool {
        let mark = |row: usize, column: usize| self.roster.row(row)?.marks().nth(column)?.value;
        let differs = |row: &usize| mark(*row, column) != mark(*row, other);
        let enough = usize::try_from(self.policy.population_min).unwrap_or(usize::MAX);
        (0..self.roster.len()).filter(differs).take(enough).count() < enough
    }
}

impl StatisticRelease {
    /// Returns true if enough marks have changed since every earlier release.
    fn differs_enough(&self, last: &Self, policy: PrivacyPolicy) -> bool {
        last.mark_counts.len() < RELEASES_MAX && !self.resembles(last, policy)
    }

    /// Returns true if too few marks differ from those behind any earlier release.
    fn resembles(&self, last: &Self, policy: PrivacyPolicy) -> bool {
        let Some(own) = self.mark_counts.last() else { return true };
        last.mark_counts.iter().any(|earlier| changes(own, earlier) < policy.population_min)
    }
}

/// The least number of marks that must be added, removed or replaced to turn `those` into `these`.
fn changes(these: &MarkCounts, those: &MarkCounts) -> u32 {
    let mut added = 0_u32;
    let mut removed = 0_u32;
    let mut these = these.iter().peekable();
    let mut those = those.iter().peekable();
    loop {
        let order = match (these.peek(), those.peek()) {
            (None, None) => return added.max(removed),
            (Some((mark, _)), Some((other, _))) => mark.cmp(other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        let here = these.next_if(|_| order.is_le()).map_or(0, |(_, times)| *times);
        let there = those.next_if(|_| order.is_ge()).map_or(0, |(_, times)| *times);
        added = added.saturating_add(here.saturating_sub(there));
        removed = removed.saturating_add(there.saturating_sub(here));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_by_marks_and_not_by_students() {
        let marks = |list: &[(&str, u32)]| -> MarkCounts {
            list.iter().map(|(mark, times)| (Decimal::parse(mark).unwrap(), *times)).collect()
        };
        let old = marks(&[("3", 2), ("5", 1), ("9", 4)]);
        for (list, expected) in [
            (&[("3", 2), ("5", 1), ("9", 4)][..], 0),
            (&[("3", 2), ("5", 2), ("9", 4)], 1),
            (&[("3", 1), ("4", 1), ("5", 1), ("9", 4)], 1),
            (&[("3", 2)], 5),
            (&[("1", 7)], 7),
            (&[], 7),
        ] {
            let new = marks(list);
            assert_eq!(
                (changes(&new, &old), changes(&old, &new)),
                (expected, expected),
                "{list:?}"
            );
        }
    }
}
