//! The marks of a class: a table of the different ones, and for each cell its place in the table.
//!
//! A class of a million students has some hundred different marks, so a cell is two bytes; with more
//! than 65,536 different marks all cells become four.

use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

use crate::decimal::{Decimal, DecimalError};
use crate::short_text::ShortText;

/// What a cell holds.
pub(crate) struct Mark {
    /// As the class file writes it.
    pub(crate) text: ShortText,
    /// Nothing for a blank.
    pub(crate) value: Option<Decimal>,
}

/// All cells, row by row.
#[derive(Default)]
pub(super) struct Marks {
    table: Vec<Mark>,
    cells: Cells,
}

enum Cells {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

/// Adds cells, with what only the adding needs.
#[derive(Default)]
pub(super) struct MarksBuilder {
    marks: Marks,
    by_text: HashTable<u32>,
    hasher: DefaultHashBuilder,
    recent: Recent,
}

impl Marks {
    /// The marks of these cells.
    pub(super) fn of(&self, cells: Range<usize>) -> impl Iterator<Item = &Mark> {
        // One of the two is empty.
        let (narrow, wide) = match &self.cells {
            Cells::Narrow(all) => (all.get(cells).unwrap_or_default(), &[][..]),
            Cells::Wide(all) => (&[][..], all.get(cells).unwrap_or_default()),
        };
        let places = narrow.iter().map(|place| usize::from(*place));
        places
            .chain(wide.iter().map(|place| index(*place)))
            .filter_map(|place| self.table.get(place))
    }

    /// For each of so many columns, the values of its marks and how often each occurs.
    pub(super) fn by_column(&self, columns: usize) -> Vec<Vec<(Decimal, u32)>> {
        let mut times = vec![vec![0_u32; self.table.len()]; columns];
        let mut count = |column: usize, place: usize| {
            if let Some(times) = times.get_mut(column).and_then(|times| times.get_mut(place)) {
                *times = times.saturating_add(1);
            }
        };
        match &self.cells {
            Cells::Narrow(all) => all.chunks_exact(columns.max(1)).for_each(|row| {
                row.iter()
                    .enumerate()
                    .for_each(|(column, place)| count(column, usize::from(*place)));
            }),
            Cells::Wide(all) => all.chunks_exact(columns.max(1)).for_each(|row| {
                row.iter().enumerate().for_each(|(column, place)| count(column, index(*place)));
            }),
        }
        let counted = |(mark, times): (&Mark, u32)| {
            mark.value.filter(|_| times > 0).map(|value| (value, times))
        };
        times
            .into_iter()
            .map(|times| self.table.iter().zip(times).filter_map(counted).collect())
            .collect()
    }
}

impl MarksBuilder {
    /// Adds the next cell.
    pub(super) fn push(&mut self, text: &[u8]) -> Result<(), DecimalError> {
        let place = match self.recent.find(text) {
            Some(place) => place,
            None => {
                let spelled = std::str::from_utf8(text).map_err(|_| DecimalError::NotANumber)?;
                let place = self.place_of(spelled)?;
                self.recent.remember(text, place);
                place
            }
        };
        self.marks.cells.push(place);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Marks {
        self.marks.cells.shrink_to_fit();
        self.marks
    }

    /// The place of a mark in the table, where it is put when it is new.
    fn place_of(&mut self, text: &str) -> Result<u32, DecimalError> {
        let Self { marks: Marks { table, .. }, by_text, hasher, .. } = self;
        let text_at = |place: &u32| table.get(index(*place)).map(|mark| mark.text.as_str());
        let hash = hasher.hash_one(Some(text));
        if let Some(place) = by_text.find(hash, |place| text_at(place) == Some(text)) {
            return Ok(*place);
        }
        let value = if text.is_empty() { None } else { Some(Decimal::parse(text)?) };
        let place = u32::try_from(table.len()).map_err(|_| DecimalError::OutOfRange)?;
        by_text.insert_unique(hash, place, |place| hasher.hash_one(text_at(place)));
        table.push(Mark { text: text.to_owned().into(), value });
        Ok(place)
    }
}

impl Cells {
    fn push(&mut self, place: u32) {
        if let Self::Narrow(narrow) = self {
            if let Ok(place) = u16::try_from(place) {
                return narrow.push(place);
            }
            *self = Self::Wide(narrow.iter().map(|place| u32::from(*place)).collect());
        }
        if let Self::Wide(wide) = self {
            wide.push(place);
        }
    }

    fn shrink_to_fit(&mut self) {
        match self {
            Self::Narrow(narrow) => narrow.shrink_to_fit(),
            Self::Wide(wide) => wide.shrink_to_fit(),
        }
    }
}

impl Default for Cells {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

/// Where short marks were found before: a cache in front of the hash table, in which a text of up to
/// eight bytes is one number.
struct Recent(Box<[(Short, u32)]>);

/// A short text as a number and its length: no two texts have both the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Short {
    number: u64,
    bytes: usize,
}

impl Recent {
    const SLOTS: usize = 1024;

    fn find(&self, text: &[u8]) -> Option<u32> {
        let short = Short::of(text)?;
        self.0.get(Self::slot(short)).filter(|(known, _)| *known == short).map(|(_, place)| *place)
    }

    fn remember(&mut self, text: &[u8], place: u32) {
        if let Some(short) = Short::of(text)
            && let Some(slot) = self.0.get_mut(Self::slot(short))
        {
            *slot = (short, place);
        }
    }

    /// A slot for a text: Fibonacci hashing, whose upper bits depend on all of the number.
    fn slot(Short { number, .. }: Short) -> usize {
        let upper =
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::SLOTS.trailing_zeros());
        usize::try_from(upper).unwrap_or_default()
    }
}

impl Short {
    /// What no text has: an empty slot.
    const NONE: Self = Self { number: 0, bytes: usize::MAX };

    /// Its first bytes and its last ones, which overlap: so every length is read in two steps.
    fn of(text: &[u8]) -> Option<Self> {
        let number = match (text, text.first_chunk::<4>(), text.last_chunk::<4>()) {
            (_, Some(first), Some(last)) if text.len() <= 8 => {
                u64::from(u32::from_le_bytes(*last)) << 32 | u64::from(u32::from_le_bytes(*first))
            }
            (&[], ..) => 0,
            (&[one], ..) => u64::from(one),
            (&[one, two], ..) => u64::from_le_bytes([one, two, 0, 0, 0, 0, 0, 0]),
            (&[one, two, three], ..) => u64::from_le_bytes([one, two, three, 0, 0, 0, 0, 0]),
            _ => return None,
        };
        Some(Self { number, bytes: text.len() })
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self(vec![(Short::NONE, 0); Self::SLOTS].into())
    }
}

/// A place as an index: every platform that this runs on has 32 bits or more.
fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(cells: impl IntoIterator<Item = String>) -> Marks {
        let mut builder = MarksBuilder::default();
        cells.into_iter().for_each(|cell| builder.push(cell.as_bytes()).unwrap());
        builder.finish()
    }

    fn column(marks: &Marks, columns: usize, n: usize) -> Vec<String> {
        let counted = &marks.by_column(columns)[n];
        counted.iter().map(|(mark, times)| format!("{times} x {mark}")).collect()
    }

    #[test]
    fn a_column_counts_its_marks_without_the_blanks() {
        let rows = ["7", "", "7", "3", "", "7", "2.50", "7"];
        let marks = built(rows.map(str::to_owned));
        assert_eq!(column(&marks, 2, 0), ["2 x 7", "1 x 2.5"]);
        assert_eq!(column(&marks, 2, 1), ["2 x 7", "1 x 3"]);
    }

    #[test]
    fn more_different_marks_than_two_bytes_tell_apart_are_kept() {
        let marks = built((0..70_000).map(|n| n.to_string()));
        for n in [0, 1, 65_535, 65_536, 69_999] {
            let texts: Vec<_> = marks.of(n..n + 1).map(|mark| mark.text.as_str()).collect();
            assert_eq!(texts, [n.to_string()]);
        }
        assert_eq!(column(&marks, 1, 0).len(), 70_000);
    }

    #[test]
    fn marks_are_told_apart_whatever_their_length() {
        let texts =
            ["1", "10", "100", "12345678", "123456789", "0.12345678", "0.123456789", "1", ""];
        let marks = built(texts.map(str::to_owned));
        let kept: Vec<_> = marks.of(0..texts.len()).map(|mark| mark.text.as_str()).collect();
        assert_eq!(kept, texts);
    }
}
