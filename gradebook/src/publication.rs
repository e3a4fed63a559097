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
        let columns: Vec<_> = names
            .iter()
            .zip(roll.by_column())
            .map(|(name, marks)| Column::of(name, edition, marks, discretion))
            .collect();
        let judge = Judge { before: self, columns: &columns, roll, discretion };
        let mut told: Vec<Option<Published>> = Vec::new();
        for (at, Column { name, fresh, .. }) in columns.iter().enumerate() {
            let published = match discretion.applies() {
                false => fresh.clone(),
                true => judge.published(at, &told),
            };
            told.push(published.map(|published| Published { name: name.clone(), ..published }));
        }
        let standing = |(told, column): (&Option<Published>, &Column)| match told {
            Some(published) => Standing::Told(published.clone()),
            None if column.no_marks => Standing::NoMarks,
            None => Standing::TooFew,
        };
        let standings = told.iter().zip(&columns).map(standing).collect();
        // A column that is gone may come back, with one mark more.
        let gone = self.0.iter().filter(|before| !names.contains(&before.name));
        let gone = gone.filter(|_| discretion.applies()).cloned();
        (standings, Self(Arc::new(told.into_iter().flatten().chain(gone).collect())))
    }

    fn of(&self, name: &str) -> Option<&Published> {
        self.0.iter().find(|before| before.name == name)
    }
}

/// A column of an edition, before it is decided what is told of it.
struct Column {
    name: String,
    no_marks: bool,
    /// What could be told, if nothing had been told before.
    fresh: Option<Published>,
}

impl Column {
    fn of(name: &str, edition: Edition, mut marks: Marks, discretion: Discretion) -> Self {
        let (name, no_marks) = (name.to_owned(), marks.is_empty());
        marks.sort_unstable_by_key(|(mark, _)| *mark);
        let fresh = Figures::of(marks.iter().copied(), discretion).map(|figures| Published {
            name: name.clone(),
            edition,
            discretion,
            figures: Arc::new(figures),
            told: vec![Arc::new(marks)],
        });
        Self { name, no_marks, fresh }
    }
}

/// Decides what is told of the columns of an edition.
struct Judge<'a> {
    before: &'a Publications,
    columns: &'a [Column],
    roll: &'a Roll,
    discretion: Discretion,
}

impl Judge<'_> {
    /// What is told of a column, after what is `told` of those before it: the fresh figures, if they
    /// differ enough from all that was told of its name, of marks that have gone elsewhere, and of other
    /// columns with nearly the same marks; else what was told of those.
    fn published(&self, at: usize, told: &[Option<Published>]) -> Option<Published> {
        let Column { name, fresh, .. } = self.columns.get(at)?;
        let own = self.before.of(name);
        let Some(fresh) = fresh else { return own.cloned() };
        if let Some(own) = own.filter(|own| !fresh.differs_enough(own, self.discretion)) {
            return Some(own.clone());
        }
        let latest = self.moved_here(name, fresh).or_else(|| self.copied_here(at, told));
        let latest = latest.unwrap_or_else(|| fresh.clone());
        // The figures that are told rest on the last marks.
        let own = own.iter().flat_map(|own| &own.told);
        let told = own.chain(&latest.told).cloned().collect();
        Some(Published { told, ..latest })
    }

    /// What was told of marks that resemble these, and whose own column is gone or has others now: so
    /// this may be a new name for it.
    fn moved_here(&self, name: &str, fresh: &Published) -> Option<Published> {
        let Publications(before) = self.before;
        let mut moved = before.iter().filter(|before| before.name != name && !self.stays(before));
        moved.find(|before| fresh.resembles(before, self.discretion)).cloned()
    }

    /// Whether the column that this was told of still has such marks.
    fn stays(&self, before: &Published) -> bool {
        let mut named = self.columns.iter().filter(|column| column.name == before.name);
        named.any(|column| {
            column.fresh.as_ref().is_some_and(|fresh| fresh.resembles(before, self.discretion))
        })
    }

    /// What is told of another column, if this one is nearly a copy of it.
    fn copied_here(&self, at: usize, told: &[Option<Published>]) -> Option<Published> {
        let others = self.columns.iter().enumerate().filter(|(other, _)| *other != at);
        let mut known = others.filter_map(|(other, column)| match told.get(other) {
            Some(told) => Some((other, told.as_ref()?)),
            // One that comes later stays with what was told of it, if it was.
            None => {
                Some((other, self.before.of(&column.name).filter(|before| self.stays(before))?))
            }
        });
        known.find(|(other, _)| self.is_copy(at, *other)).map(|(_, published)| published.clone())
    }

    fn is_copy(&self, column: usize, original: usize) -> bool {
        let mark = |row: usize, column: usize| self.roll.row(row)?.marks().nth(column)?.value;
        let differs = |row: &usize| mark(*row, column) != mark(*row, original);
        let enough = usize::try_from(self.discretion.population_min).unwrap_or(usize::MAX);
        (0..self.roll.len()).filter(differs).take(enough).count() < enough
    }
}

impl Published {
    /// Whether enough marks have changed since each figure told before.
    fn differs_enough(&self, before: &Self, discretion: Discretion) -> bool {
        before.told.len() < FIGURES_MAX && !self.resembles(before, discretion)
    }

    /// Whether its marks are nearly those of any figure told before.
    fn resembles(&self, before: &Self, discretion: Discretion) -> bool {
        let near = |marks: &Arc<Marks>| {
            let own = self.told.last();
            own.is_none_or(|own| changes(own, marks) < discretion.population_min)
        };
        before.told.iter().any(near)
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
