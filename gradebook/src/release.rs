//! What has been told of a class, edition after edition.
//!
//! Two averages of almost the same marks give the difference away: whoever asks for an average while
//! marks are typed in one by one can subtract. So a figure is told anew only when enough marks have
//! changed since each one that was told before; until then the last one is_current. `docs/PRIVACY.md` has
//! the threat and the arithmetic.

mod record;

use std::cmp::Ordering;
use std::sync::Arc;

use crate::book::EditionNumber;
use crate::decimal::Decimal;
use crate::roster::Roster;
use crate::statistics::{Figures, PrivacyPolicy};

pub use record::InvalidHistory;

/// How many figures of one assessment are told at most, as all of them are remembered; then the last
/// one is_current.
const RELEASES_MAX: usize = 64;

/// What the editions of a class up to one have told; it goes from each to the next.
#[derive(Clone, Default)]
pub struct ReleaseHistory(Arc<Vec<StatisticRelease>>);

/// The figures of one assessment as they were told last.
#[derive(Clone)]
pub(crate) struct StatisticRelease {
    name: String,
    /// The edition that told them first.
    pub(crate) edition: EditionNumber,
    /// By which rule.
    policy: PrivacyPolicy,
    pub(crate) figures: Arc<Figures>,
    /// The marks that they rest on, behind those of all figures told before.
    mark_counts: Vec<Arc<MarkCounts>>,
}

/// How often each mark occurs, in their order. Who has which does not matter to any figure.
type MarkCounts = Vec<(Decimal, u32)>;

/// What may be told of an assessment.
pub(crate) enum ReleaseStatus {
    /// These figures.
    Released(StatisticRelease),
    /// None, since nobody has a mark.
    NoMarks,
    /// None, since there are too few marks.
    BelowThreshold,
}

impl ReleaseHistory {
    /// Decides what an edition may tell of each assessment, and takes down what it does tell.
    pub(crate) fn publish(
        &self,
        edition: EditionNumber,
        names: &[String],
        roster: &Roster,
        policy: PrivacyPolicy,
    ) -> (Vec<ReleaseStatus>, Self) {
        let columns: Vec<_> = names
            .iter()
            .zip(roster.by_column())
            .map(|(name, marks)| Column::of(name, edition, marks, policy))
            .collect();
        let decision = ReleaseDecision { before: self, columns: &columns, roster, policy };
        let mut released: Vec<Option<StatisticRelease>> = Vec::new();
        for (at, Column { name, candidate, .. }) in columns.iter().enumerate() {
            let published = match policy.applies() {
                false => candidate.clone(),
                true => decision.published(at, &released),
            };
            released.push(
                published.map(|published| StatisticRelease { name: name.clone(), ..published }),
            );
        }
        let status = |(released, column): (&Option<StatisticRelease>, &Column)| match released {
            Some(release) => ReleaseStatus::Released(release.clone()),
            None if column.no_marks => ReleaseStatus::NoMarks,
            None => ReleaseStatus::BelowThreshold,
        };
        let statuses = released.iter().zip(&columns).map(status).collect();
        // A column that is gone may come back, with one mark more.
        let gone = self.0.iter().filter(|before| !names.contains(&before.name));
        let gone = gone.filter(|_| policy.applies()).cloned();
        (statuses, Self(Arc::new(released.into_iter().flatten().chain(gone).collect())))
    }

    fn of(&self, name: &str) -> Option<&StatisticRelease> {
        self.0.iter().find(|before| before.name == name)
    }
}

/// A column of an edition, before it is decided what is told of it.
struct Column {
    name: String,
    no_marks: bool,
    /// What could be told, if nothing had been told before.
    candidate: Option<StatisticRelease>,
}

impl Column {
    fn of(
        name: &str,
        edition: EditionNumber,
        mut marks: MarkCounts,
        policy: PrivacyPolicy,
    ) -> Self {
        let (name, no_marks) = (name.to_owned(), marks.is_empty());
        marks.sort_unstable_by_key(|(mark, _)| *mark);
        let candidate =
            Figures::of(marks.iter().copied(), policy).map(|figures| StatisticRelease {
                name: name.clone(),
                edition,
                policy,
                figures: Arc::new(figures),
                mark_counts: vec![Arc::new(marks)],
            });
        Self { name, no_marks, candidate }
    }
}

/// Decides what is told of the columns of an edition.
struct ReleaseDecision<'a> {
    before: &'a ReleaseHistory,
    columns: &'a [Column],
    roster: &'a Roster,
    policy: PrivacyPolicy,
}

impl ReleaseDecision<'_> {
    /// What is told of a column, after what is `told` of those before it: the candidate figures, if they
    /// differ enough from all that was told of its name, of marks that have gone elsewhere, and of other
    /// columns with nearly the same marks; else what was told of those.
    fn published(
        &self,
        at: usize,
        released: &[Option<StatisticRelease>],
    ) -> Option<StatisticRelease> {
        let Column { name, candidate, .. } = self.columns.get(at)?;
        let last_release = self.before.of(name);
        let Some(candidate) = candidate else { return last_release.cloned() };
        if let Some(last) = last_release.filter(|last| !candidate.differs_enough(last, self.policy))
        {
            return Some(last.clone());
        }
        let latest = self.renamed_from(name, candidate).or_else(|| self.duplicate_of(at, released));
        let latest = latest.unwrap_or_else(|| candidate.clone());
        // The figures that are told rest on the last marks.
        let earlier = last_release.iter().flat_map(|last| &last.mark_counts);
        let mark_counts = earlier.chain(&latest.mark_counts).cloned().collect();
        Some(StatisticRelease { mark_counts, ..latest })
    }

    /// What was told of marks that resemble these, and whose own column is gone or has others now: so
    /// this may be a new name for it.
    fn renamed_from(&self, name: &str, candidate: &StatisticRelease) -> Option<StatisticRelease> {
        let ReleaseHistory(before) = self.before;
        let mut moved =
            before.iter().filter(|before| before.name != name && !self.is_current(before));
        moved.find(|before| candidate.resembles(before, self.policy)).cloned()
    }

    /// Whether the column that this was told of still has such marks.
    fn is_current(&self, before: &StatisticRelease) -> bool {
        let mut named = self.columns.iter().filter(|column| column.name == before.name);
        named.any(|column| {
            column
                .candidate
                .as_ref()
                .is_some_and(|candidate| candidate.resembles(before, self.policy))
        })
    }

    /// What is told of another column, if this one is nearly a copy of it.
    fn duplicate_of(
        &self,
        at: usize,
        released: &[Option<StatisticRelease>],
    ) -> Option<StatisticRelease> {
        let others = self.columns.iter().enumerate().filter(|(other, _)| *other != at);
        let mut known = others.filter_map(|(other, column)| match released.get(other) {
            Some(released) => Some((other, released.as_ref()?)),
            // One that comes later is_current with what was told of it, if it was.
            None => Some((
                other,
                self.before.of(&column.name).filter(|before| self.is_current(before))?,
            )),
        });
        known.find(|(other, _)| self.is_copy(at, *other)).map(|(_, published)| published.clone())
    }

    fn is_copy(&self, column: usize, original: usize) -> bool {
        let mark = |row: usize, column: usize| self.roster.row(row)?.marks().nth(column)?.value;
        let differs = |row: &usize| mark(*row, column) != mark(*row, original);
        let enough = usize::try_from(self.policy.population_min).unwrap_or(usize::MAX);
        (0..self.roster.len()).filter(differs).take(enough).count() < enough
    }
}

impl StatisticRelease {
    /// Whether enough marks have changed since each figure told before.
    fn differs_enough(&self, before: &Self, policy: PrivacyPolicy) -> bool {
        before.mark_counts.len() < RELEASES_MAX && !self.resembles(before, policy)
    }

    /// Whether its marks are nearly those of any figure told before.
    fn resembles(&self, before: &Self, policy: PrivacyPolicy) -> bool {
        let near = |marks: &Arc<MarkCounts>| {
            let own = self.mark_counts.last();
            own.is_none_or(|own| changes(own, marks) < policy.population_min)
        };
        before.mark_counts.iter().any(near)
    }
}

/// How many marks must at least be added, taken away or replaced to make these of those.
fn changes(these: &MarkCounts, those: &MarkCounts) -> u32 {
    let (mut added, mut removed) = (0_u32, 0_u32);
    let (mut these, mut those) = (these.iter().peekable(), those.iter().peekable());
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
    fn changes_are_counted_whoever_has_the_marks() {
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
