//! What has been told of a class, edition after edition.
//!
//! Two averages of almost the same marks give the difference away: whoever asks for an average while
//! marks are typed in one by one can subtract. So a figure is told anew only when enough marks have
//! changed since the one that was told last; until then that one stays. `docs/PRIVACY.md` has the
//! threat and the arithmetic.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::book::Edition;
use crate::census;
use crate::decimal::Decimal;
use crate::roll::Roll;
use crate::statistics::{Discretion, Figures};

/// What the editions of a class up to one have told; it goes from each to the next.
///
/// It holds a fingerprint of each mark that a told figure rests on, 4 bytes a mark and 8 a student;
/// nothing where there is no rule.
#[derive(Clone, Default)]
pub struct Publications(Arc<Vec<Published>>);

/// The figures of one assessment as they were told last.
#[derive(Clone)]
pub(crate) struct Published {
    name: String,
    /// The edition that told them first.
    pub(crate) edition: Edition,
    pub(crate) figures: Arc<Figures>,
    /// The marks that they rest on.
    marks: Arc<Column>,
}

/// The marks of one assessment, small enough to keep and good enough to see which have changed.
struct Column {
    /// A number for each student's ID, in order.
    students: Arc<[u64]>,
    /// A number for each student's mark; 0 is no mark.
    marks: Vec<u32>,
}

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
        let columns = roll.by_column();
        let class = discretion.applies().then(|| Class::of(roll));
        let mut told = Vec::new();
        let mut standings = Vec::new();
        for (at, (name, counted)) in names.iter().zip(columns).enumerate() {
            let no_marks = counted.is_empty();
            let fresh = Figures::of(counted, discretion).map(|figures| Published {
                name: name.clone(),
                edition,
                figures: Arc::new(figures),
                marks: Arc::new(class.as_ref().map_or_else(Column::none, |class| class.column(at))),
            });
            let before = self.0.iter().find(|published| published.name == *name).cloned();
            let standing = match (fresh, before) {
                (Some(fresh), Some(before)) if !fresh.differs_enough(&before, discretion) => {
                    Some(before)
                }
                (Some(fresh), _) => Some(fresh),
                (None, before) => before,
            };
            told.extend(standing.clone());
            standings.push(match standing {
                Some(published) => Standing::Told(published),
                None if no_marks => Standing::NoMarks,
                None => Standing::TooFew,
            });
        }
        // A column that is gone may come back, with one mark more.
        let gone = self.0.iter().filter(|before| !names.contains(&before.name));
        told.extend(gone.filter(|_| discretion.applies()).cloned());
        (standings, Self(Arc::new(told)))
    }
}

impl Published {
    fn differs_enough(&self, before: &Self, discretion: Discretion) -> bool {
        !discretion.applies() || self.marks.changes(&before.marks) >= discretion.population_min
    }
}

/// The students of a roll, in the order of the numbers of their IDs.
struct Class<'a> {
    roll: &'a Roll,
    rows: Vec<usize>,
    students: Arc<[u64]>,
}

impl<'a> Class<'a> {
    fn of(roll: &'a Roll) -> Self {
        let mut numbered: Vec<_> =
            roll.records().map(|record| census::number(record.id())).zip(0..).collect();
        numbered.sort_unstable();
        let (students, rows): (Vec<_>, Vec<_>) = numbered.into_iter().unzip();
        Self { roll, rows, students: students.into() }
    }

    fn column(&self, at: usize) -> Column {
        let mark = |row: &usize| self.roll.row(*row)?.marks().nth(at)?.value;
        let marks = self.rows.iter().map(|row| mark(row).map_or(0, fingerprint)).collect();
        Column { students: Arc::clone(&self.students), marks }
    }
}

impl Column {
    fn none() -> Self {
        Self { students: Arc::default(), marks: Vec::new() }
    }

    /// How many students have another mark here than there, one where they had none, or none where
    /// they had one.
    fn changes(&self, other: &Self) -> u32 {
        let mut here = self.each().peekable();
        let mut there = other.each().peekable();
        let mut changes = 0_u32;
        loop {
            let changed = match (here.peek().copied(), there.peek().copied()) {
                (None, None) => return changes,
                (Some((student, mark)), Some((same, before))) if student == same => {
                    here.next();
                    there.next();
                    mark != before
                }
                (Some((student, mark)), before)
                    if before.is_none_or(|(other, _)| student < other) =>
                {
                    here.next();
                    mark != 0
                }
                (_, before) => {
                    there.next();
                    before.is_some_and(|(_, mark)| mark != 0)
                }
            };
            changes = changes.saturating_add(u32::from(changed));
        }
    }

    fn each(&self) -> impl Iterator<Item = (u64, u32)> {
        self.students.iter().copied().zip(self.marks.iter().copied())
    }
}

/// A number for a mark, never 0. Two marks of one number are one in 2^32; a change between them would
/// not be counted, which errs on the side of telling less.
fn fingerprint(mark: Decimal) -> u32 {
    let mut hasher = DefaultHasher::new();
    mark.hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX).max(1)
}
