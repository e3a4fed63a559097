//! What has been told of a class, edition after edition.
//!
//! Two averages of almost the same marks give the difference away: whoever asks for an average while
//! marks are typed in one by one can subtract. So a figure is told anew only when enough marks have
//! changed since each one that was told before; until then the last one stays. `docs/PRIVACY.md` has
//! the threat and the arithmetic.

mod record;

use std::cmp::Ordering;
use std::sync::Arc;

use crate::book::Edition;
use crate::decimal::Decimal;
use crate::roll::Roll;
use crate::statistics::{Discretion, Figures};

pub use record::NoRecord;

/// How many figures of one assessment are told at most, as all of them are remembered; then the last
/// one stays.
const FIGURES_MAX: usize = 64;

/// What the editions of a class up to one have told; it goes from each to the next.
#[derive(Clone, Default)]
pub struct Publications(Arc<Vec<Published>>);

/// The figures of one assessment as they were told last.
#[derive(Clone)]
pub(crate) struct Published {
    name: String,
    /// The edition that told them first.
    pub(crate) edition: Edition,
    /// By which rule.
    discretion: Discretion,
    pub(crate) figures: Arc<Figures>,
    /// The marks that they rest on, behind those of all figures told before.
    told: Vec<Arc<Marks>>,
}

/// How often each mark occurs, in their order. Who has which does not matter to any figure.
type Marks = Vec<(Decimal, u32)>;

/// What may be told of an assessment.
pub(crate) enum Standing {
    /// These figures.
    Told(Published),
    /// None, since nobody has a mark.
    NoMarks,
    /// None, since there are too few marks.
    TooFew,
}

impl Publications {
    /// Decides what an edition may tell of each assessment, and takes down what it does tell.
    pub(crate) fn publish(
        &self,
        edition: Edition,
        names: &[String],
        roll: &Roll,
        discretion: Discretion,
    ) -> (Vec<Standing>, Self) {
        let mut told: Vec<(usize, Published)> = Vec::new();
        let mut standings = Vec::new();
        for (column, (name, mut marks)) in names.iter().zip(roll.by_column()).enumerate() {
            let no_marks = marks.is_empty();
            marks.sort_unstable_by_key(|(mark, _)| *mark);
            let fresh = Figures::of(marks.iter().copied(), discretion).map(|figures| Published {
                name: name.clone(),
                edition,
                discretion,
                figures: Arc::new(figures),
                told: vec![Arc::new(marks)],
            });
            let standing = match (fresh, discretion.applies()) {
                (fresh, false) => fresh,
                (fresh, true) => {
                    let before = self.of(name, names, fresh.as_ref(), discretion);
                    let copied = || copied(column, &told, roll, discretion);
                    fresh_or_before(fresh, before.or_else(copied), discretion)
                        .map(|published| Published { name: name.clone(), ..published })
                }
            };
            told.extend(standing.clone().map(|published| (column, published)));
            standings.push(match standing {
                Some(published) => Standing::Told(published),
                None if no_marks => Standing::NoMarks,
                None => Standing::TooFew,
            });
        }
        // A column that is gone may come back, with one mark more.
        let gone = self.0.iter().filter(|before| !names.contains(&before.name));
        let gone = gone.filter(|_| discretion.applies()).cloned();
        let told = told.into_iter().map(|(_, published)| published).chain(gone);
        (standings, Self(Arc::new(told.collect())))
    }

    /// What was told before of an assessment: of this name; or of one that is gone now and had nearly
    /// these marks, so that this may be a new name for it.
    fn of(
        &self,
        name: &str,
        names: &[String],
        fresh: Option<&Published>,
        discretion: Discretion,
    ) -> Option<Published> {
        let named = self.0.iter().find(|before| before.name == name);
        let renamed = || {
            let mut gone = self.0.iter().filter(|before| !names.contains(&before.name));
            gone.find(|before| fresh.is_some_and(|fresh| !fresh.differs_enough(before, discretion)))
        };
        named.or_else(renamed).cloned()
    }
}

/// What is told of an earlier column of this edition, if this one is nearly a copy of it.
fn copied(
    column: usize,
    told: &[(usize, Published)],
    roll: &Roll,
    discretion: Discretion,
) -> Option<Published> {
    let mark = |row: usize, column: usize| roll.row(row)?.marks().nth(column)?.value;
    let is_copy = |original: usize| {
        let differs = |row: &usize| mark(*row, column) != mark(*row, original);
        let enough = usize::try_from(discretion.population_min).unwrap_or(usize::MAX);
        (0..roll.len()).filter(differs).take(enough).count() < enough
    };
    told.iter().find(|(original, _)| is_copy(*original)).map(|(_, published)| published.clone())
}

/// The fresh figures, if they may be told after those before.
fn fresh_or_before(
    fresh: Option<Published>,
    before: Option<Published>,
    discretion: Discretion,
) -> Option<Published> {
    match (fresh, before) {
        (Some(fresh), Some(before)) if fresh.differs_enough(&before, discretion) => {
            let told = before.told.iter().chain(&fresh.told).cloned().collect();
            Some(Published { told, ..fresh })
        }
        (fresh, None) => fresh,
        (_, before) => before,
    }
}

impl Published {
    /// Whether enough marks have changed since each figure told before.
    fn differs_enough(&self, before: &Self, discretion: Discretion) -> bool {
        let enough = |marks: &Arc<Marks>| {
            let Some(own) = self.told.last() else { return false };
            changes(own, marks) >= discretion.population_min
        };
        before.told.len() < FIGURES_MAX && before.told.iter().all(enough)
    }
}

/// How many marks must at least be added, taken away or replaced to make these of those.
fn changes(these: &Marks, those: &Marks) -> u32 {
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
        let marks = |list: &[(&str, u32)]| -> Marks {
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
