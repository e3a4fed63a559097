//! The marks of a class: a table of the different marks, and for each cell an index into the table.
//!
//! A class of a million students has some hundred different marks, so a cell is two bytes; with more
//! than 65,536 different marks all cells become four.

mod cells;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::OnceLock;

pub use cells::MarkIndex;
use cells::{Cells, Counts, retain};
use deunicode::deunicode;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::mark::{Mark, MarkStatus};
use super::offset::offset;
use super::recent::{Recent, ShortSpelling};
use super::short_text::ShortText;
use crate::values::Decimal;

/// The content of a cell.
pub(crate) struct StoredMark {
    /// The text that `GG` writes: in ASCII, since some of the lab's clients fail on other characters.
    pub(crate) text: ShortText,
    pub(crate) status: MarkStatus,
    /// The number, if it is one.
    pub(crate) value: Option<Decimal>,
    /// The letter or word, if it is one.
    pub(crate) letter: Option<Box<str>>,
}

impl StoredMark {
    /// The mark as it was added.
    pub(super) fn mark(&self) -> Mark<'_> {
        match (self.status, self.value, &self.letter) {
            (MarkStatus::Number, Some(value), _) => Mark::Number(value),
            (MarkStatus::Letter, _, Some(letter)) => Mark::Letter(letter),
            (MarkStatus::Excused, ..) => Mark::Excused,
            (MarkStatus::Missing, ..) => Mark::Missing,
            _ => Mark::Blank,
        }
    }

    /// What no two marks have in common.
    fn content(&self) -> (&str, MarkStatus) {
        (self.letter.as_deref().unwrap_or(self.text.as_str()), self.status)
    }
}

/// All cells, row by row.
#[derive(Default)]
pub(super) struct Marks {
    table: Vec<StoredMark>,
    cells: Cells,
    /// How often each mark occurs in each column: what the statistics and the lengths of answers are made of. It is kept
    /// until the class is published.
    counts: OnceLock<Counts>,
}

/// Adds cells. It holds what only adding needs.
#[derive(Default)]
pub(super) struct MarksBuilder {
    marks: Marks,
    by_content: HashTable<u32>,
    hasher: DefaultHashBuilder,
    recent: Recent,
}

impl Marks {
    /// The marks of these cells.
    pub(super) fn of(&self, cells: Range<usize>) -> impl Iterator<Item = &StoredMark> {
        // One of the two is empty.
        let (narrow, wide) = match &self.cells {
            Cells::Narrow(all) => (all.get(cells).unwrap_or_default(), &[][..]),
            Cells::Wide(all) => (&[][..], all.get(cells).unwrap_or_default()),
        };
        let indices = narrow.iter().map(|index| usize::from(*index));
        let indices = indices.chain(wide.iter().map(|index| offset(*index)));
        indices.filter_map(|index| self.table.get(index))
    }

    /// The marks of these cells as indices into [`texts`](Self::texts); `None` if there are more than
    /// 65,536 different marks.
    pub(super) fn indices(&self, cells: Range<usize>) -> Option<&[u16]> {
        match &self.cells {
            Cells::Narrow(all) => all.get(cells),
            Cells::Wide(_) => None,
        }
    }

    /// The different marks, as `GG` writes them.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.table.iter().map(|mark| mark.text.as_str())
    }

    /// For each of so many columns, its numbers and how often each occurs.
    pub(super) fn count_by_column(&self, columns: usize) -> Vec<Vec<(Decimal, u32)>> {
        let mut numbers_by_column = Vec::with_capacity(columns);
        for marks in self.counted(columns) {
            let numbers = marks.filter_map(|(mark, times)| Some((mark.value?, times)));
            numbers_by_column.push(numbers.collect());
        }
        numbers_by_column
    }

    /// Returns true if any mark is negative.
    pub(super) fn has_negative(&self) -> bool {
        self.table.iter().any(|mark| mark.value.is_some_and(Decimal::is_negative))
    }

    /// For each of so many columns, the different marks that occur in it.
    pub(super) fn by_column(
        &self,
        columns: usize,
    ) -> impl Iterator<Item = impl Iterator<Item = &StoredMark>> {
        self.counted(columns).map(|marks| marks.map(|(mark, _)| mark))
    }

    /// Keeps, of so many columns, those for which `keep` has true.
    pub(super) fn retain_columns(&mut self, columns: usize, keep: &[bool]) {
        assert_eq!(columns, keep.len(), "each column is kept or not");
        self.forget_counts();
        match &mut self.cells {
            Cells::Narrow(all) => retain(all, keep),
            Cells::Wide(all) => retain(all, keep),
        }
    }

    /// Gives back the memory that counting took.
    pub(super) fn forget_counts(&mut self) {
        self.counts.take();
    }

    fn count(&self, columns: usize) -> &Counts {
        let counts = self.counts.get_or_init(|| self.cells.count(columns, self.table.len()));
        debug_assert_eq!(counts.columns().count(), columns, "counted for other columns");
        counts
    }

    /// For each of so many columns, the marks that occur in it, and how often.
    fn counted(
        &self,
        columns: usize,
    ) -> impl Iterator<Item = impl Iterator<Item = (&StoredMark, u32)>> {
        self.count(columns).columns().map(|counts| {
            let marks = self.table.iter().zip(counts.iter().copied());
            marks.filter(|(_, times)| *times > 0)
        })
    }
}

impl MarksBuilder {
    /// Adds the next cells.
    pub(super) fn push_row(&mut self, row: &[MarkIndex]) {
        self.marks.cells.push_row(row);
    }

    /// Makes room for so many cells, if there is memory.
    pub(super) fn reserve(&mut self, cells: usize) {
        if let Cells::Narrow(narrow) = &mut self.marks.cells {
            let _ = narrow.try_reserve(cells);
        }
    }

    pub(super) fn is_number(&self, MarkIndex(index): MarkIndex) -> bool {
        let mark = self.marks.table.get(offset(index));
        mark.is_some_and(|mark| mark.status == MarkStatus::Number)
    }

    /// Adds the cells of another builder behind all others; `None` if the table is full.
    pub(super) fn append(&mut self, other: &Self) -> Option<()> {
        let Self { marks: Marks { table, cells, .. }, .. } = other;
        let indices = table.iter().map(|mark| self.index_of(mark.mark()));
        let indices = indices.collect::<Option<Vec<_>>>()?;
        self.marks.cells.append(cells, &indices);
        Some(())
    }

    /// Counts the marks of so many columns, as whoever publishes the class will do, if that needs little memory.
    pub(super) fn count(&self, columns: usize) {
        if self.marks.cells.is_narrow() {
            self.marks.count(columns);
        }
    }

    pub(super) fn finish(mut self) -> Marks {
        self.marks.cells.shrink_to_fit();
        self.marks
    }

    /// The mark that was remembered for a spelling.
    #[inline]
    pub(super) fn recall(&self, spelling: ShortSpelling) -> Option<MarkIndex> {
        self.recent.find(spelling).map(MarkIndex)
    }

    /// Remembers which mark a class file spells in this way. It may be forgotten at any time.
    pub(super) fn remember(&mut self, spelling: ShortSpelling, MarkIndex(index): MarkIndex) {
        self.recent.remember(spelling, index);
    }

    /// The place of a mark in the table, to which a new mark is added; `None` if the table is full.
    pub(super) fn index_of(&mut self, mark: Mark<'_>) -> Option<MarkIndex> {
        let Self { marks: Marks { table, .. }, by_content, hasher, .. } = self;
        let (text, status) = (mark.text(), mark.status());
        let content = |index: &u32| table.get(offset(*index)).map(StoredMark::content);
        let wanted = Some((text.as_str(), status));
        let hash = hasher.hash_one(wanted);
        if let Some(index) = by_content.find(hash, |index| content(index) == wanted) {
            return Some(MarkIndex(*index));
        }
        let index = u32::try_from(table.len()).ok()?;
        by_content.insert_unique(hash, index, |index| hasher.hash_one(content(index)));
        let letter = mark.letter().map(Box::from);
        let text = if text.is_ascii() { text } else { deunicode(&text) };
        table.push(StoredMark { text: text.into(), status, value: mark.number(), letter });
        Some(MarkIndex(index))
    }
}
