//! The cells of a class: for each the place of its mark in the table of different marks.

use crate::roster::offset::offset;

/// The place of a mark in the table of a class that is being built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MarkIndex(pub(super) u32);

/// Cells as indices into the table of different marks, in two bytes each if that is enough.
pub(super) enum Cells {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

/// For each column, how often each mark of the table occurs in it.
pub(super) struct Counts {
    /// Column by column.
    times: Vec<u32>,
    columns: usize,
    /// The marks of the table.
    marks: usize,
}

impl Cells {
    /// Returns true if there are at most 65,536 different marks.
    pub(super) fn is_narrow(&self) -> bool {
        matches!(self, Self::Narrow(_))
    }

    /// Counts the cells of so many columns, whose marks are so many different ones.
    pub(super) fn count(&self, columns: usize, marks: usize) -> Counts {
        match self {
            Self::Narrow(all) => Counts::of(all, columns, marks, |index| usize::from(*index)),
            Self::Wide(all) => Counts::of(all, columns, marks, |index| offset(*index)),
        }
    }

    pub(super) fn push_row(&mut self, row: &[MarkIndex]) {
        if let Self::Narrow(narrow) = self {
            // One comparison for all cells.
            if row.iter().fold(0, |bits, MarkIndex(index)| bits | index) <= u32::from(u16::MAX) {
                return narrow.extend(row.iter().map(|MarkIndex(index)| lower_half(*index)));
            }
            self.widen();
        }
        if let Self::Wide(wide) = self {
            wide.extend(row.iter().map(|MarkIndex(index)| *index));
        }
    }

    /// Adds other cells. `indices` has the place of each of their marks in the table of these.
    pub(super) fn append(&mut self, other: &Self, indices: &[MarkIndex]) {
        let index = |cell: usize| indices.get(cell).map_or(0, |MarkIndex(index)| *index);
        if indices.iter().any(|MarkIndex(index)| *index > u32::from(u16::MAX)) {
            self.widen();
        }
        match (self, other) {
            (Self::Narrow(narrow), Self::Narrow(other)) => {
                let indices = other.iter().map(|cell| u16::try_from(index(usize::from(*cell))));
                // Each of them was compared.
                narrow.extend(indices.map(Result::unwrap_or_default));
            }
            (Self::Wide(wide), Self::Narrow(other)) => {
                wide.extend(other.iter().map(|cell| index(usize::from(*cell))));
            }
            (Self::Wide(wide), Self::Wide(other)) => {
                wide.extend(other.iter().map(|cell| index(offset(*cell))));
            }
            // So many different marks are not all in a narrow table.
            (Self::Narrow(_), Self::Wide(_)) => {}
        }
    }

    /// Makes the cells four bytes.
    fn widen(&mut self) {
        if let Self::Narrow(narrow) = self {
            *self = Self::Wide(narrow.iter().map(|index| u32::from(*index)).collect());
        }
    }

    pub(super) fn shrink_to_fit(&mut self) {
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

impl Counts {
    /// Counts cells in rows of so many columns.
    fn of<Cell>(
        cells: &[Cell],
        columns: usize,
        marks: usize,
        index: impl Fn(&Cell) -> usize,
    ) -> Self {
        let mut times = vec![0_u32; columns.saturating_mul(marks)];
        for row in cells.chunks_exact(columns.max(1)) {
            let mut first = 0;
            for cell in row {
                // In one vector for all columns, a cell is one access away.
                if let Some(times) = times.get_mut(first + index(cell)) {
                    *times = times.saturating_add(1);
                }
                first += marks;
            }
        }
        Self { times, columns, marks }
    }

    /// For each column, how often each mark occurs in it.
    pub(super) fn columns(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.columns).map(|n| {
            let first = n.saturating_mul(self.marks);
            self.times.get(first..first.saturating_add(self.marks)).unwrap_or_default()
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
fn lower_half(index: u32) -> u16 {
    index as u16
}

/// Keeps those cells of each row for which `keep` has true.
pub(super) fn retain<Cell>(cells: &mut Vec<Cell>, keep: &[bool]) {
    let mut kept = keep.iter().cycle();
    cells.retain(|_| kept.next().copied().unwrap_or_default());
    cells.shrink_to_fit();
}
