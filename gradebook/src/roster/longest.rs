//! The longest of the texts that each student has one of.

/// The longest of some texts: that of the first student who has it.
#[derive(Clone, Copy, Default)]
pub(super) struct Longest {
    bytes: usize,
    row: u32,
}

impl Longest {
    /// The row; 0 if no text has a byte.
    pub(super) fn row(self) -> u32 {
        self.row
    }

    /// Notes a text of so many bytes in a row behind all others.
    pub(super) fn add(&mut self, bytes: usize, row: u32) {
        if bytes > self.bytes {
            *self = Self { bytes, row };
        }
    }

    /// Notes the longest of other texts, whose rows come behind so many rows.
    pub(super) fn append(&mut self, other: Self, rows: u32) {
        self.add(other.bytes, rows.saturating_add(other.row));
    }
}
