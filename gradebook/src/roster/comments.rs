//! The comments on marks. Few cells have one, so only those are stored.

use super::offset::{new_place, offset};

/// The comments of a class.
#[derive(Default)]
pub(super) struct Comments {
    /// Where the comments stand, by row, and by column in a row.
    entries: Vec<Entry>,
    /// All comments, one behind the other.
    texts: String,
}

#[derive(Clone, Copy)]
struct Entry {
    row: u32,
    column: u32,
    /// Where in the texts the comment begins. It ends where the next one begins.
    start: u32,
}

/// The comments of one student.
#[derive(Clone, Copy)]
pub(crate) struct RowComments<'a> {
    comments: &'a Comments,
    first: usize,
    end: usize,
}

impl Comments {
    /// Adds a comment behind all others. Returns `None` if there is no room: 4 GiB are the limit.
    pub(super) fn push(&mut self, row: u32, column: u32, text: &str) -> Option<()> {
        let start = u32::try_from(self.texts.len()).ok()?;
        self.entries.push(Entry { row, column, start });
        self.texts.push_str(text);
        Some(())
    }

    /// Adds comments on the rows behind the first `rows`. Returns `None` if there is no room.
    pub(super) fn append(&mut self, rows: u32, other: &Self) -> Option<()> {
        for (at, entry) in other.entries.iter().enumerate() {
            self.push(rows.checked_add(entry.row)?, entry.column, other.text(at))?;
        }
        Some(())
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.entries.shrink_to_fit();
        self.texts.shrink_to_fit();
    }

    /// The comments on the marks in this row.
    pub(super) fn of(&self, row: usize) -> RowComments<'_> {
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        let first = self.entries.partition_point(|entry| entry.row < row);
        let rest = self.entries.get(first..).unwrap_or_default();
        let end = first + rest.iter().take_while(|entry| entry.row == row).count();
        RowComments { comments: self, first, end }
    }

    /// All comments: the column and the text of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.entries.iter().enumerate().map(|(at, entry)| (offset(entry.column), self.text(at)))
    }

    /// Keeps the comments of those columns for which `keep` has true.
    pub(super) fn retain_columns(&mut self, keep: &[bool]) {
        let mut kept = Self::default();
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(column) = new_place(entry.column, keep) {
                // There is room for all comments, so there is for some.
                let _ = kept.push(entry.row, column, self.text(at));
            }
        }
        kept.shrink_to_fit();
        *self = kept;
    }

    fn text(&self, at: usize) -> &str {
        let start = |at: usize| self.entries.get(at).map(|entry| offset(entry.start));
        let end = start(at.saturating_add(1)).unwrap_or(self.texts.len());
        start(at).and_then(|start| self.texts.get(start..end)).unwrap_or_default()
    }
}

impl<'a> RowComments<'a> {
    /// The comment on the mark in this column, if there is one.
    pub(crate) fn of(self, column: usize) -> Option<&'a str> {
        let mut entries = self.first..self.end;
        let is_of_column = |at: &usize| {
            let entry = self.comments.entries.get(*at);
            entry.is_some_and(|entry| offset(entry.column) == column)
        };
        entries.find(is_of_column).map(|at| self.comments.text(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comments() -> Comments {
        let mut comments = Comments::default();
        for (row, column, text) in [(1, 0, "good"), (1, 2, "late"), (4, 1, "\u{e9}")] {
            comments.push(row, column, text).unwrap();
        }
        comments
    }

    #[test]
    fn a_comment_is_found_by_row_and_column() {
        let comments = comments();
        assert_eq!(comments.of(1).of(0), Some("good"));
        assert_eq!(comments.of(1).of(1), None);
        assert_eq!(comments.of(1).of(2), Some("late"));
        assert_eq!(comments.of(4).of(1), Some("\u{e9}"));
        for row in [0, 2, 3, 5] {
            assert!((0..4).all(|column| comments.of(row).of(column).is_none()));
        }
        assert_eq!(comments.iter().collect::<Vec<_>>(), [(0, "good"), (2, "late"), (1, "\u{e9}")]);
    }

    #[test]
    fn the_comments_of_a_removed_column_are_gone() {
        let mut comments = comments();
        comments.retain_columns(&[false, true, true]);
        assert_eq!(comments.iter().collect::<Vec<_>>(), [(1, "late"), (0, "\u{e9}")]);
        assert_eq!(comments.texts, "late\u{e9}");
    }
}
