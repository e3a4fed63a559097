//! What each column of a file is for.

use std::borrow::Cow;
use std::collections::BTreeSet;

use gradebook::{AssessmentRelease, Decimal};

use crate::cells::Cells;
use crate::columns::Header;
use crate::marks::MarkKind;

/// The use of each column, in the order of the header.
#[derive(Clone)]
pub(crate) struct Layout {
    pub(crate) uses: Vec<ColumnUse>,
}

/// What a column is for.
#[derive(Clone, Debug)]
pub(crate) enum ColumnUse {
    /// The student's ID.
    Id,
    /// The student's ID where the first column of IDs is blank.
    OtherId,
    /// The student's name, or a part of it.
    Name(NamePart),
    /// The student's keys.
    Key,
    /// Marks.
    Assessment(AssessmentColumn),
    /// The comments on the marks of a column.
    Comment {
        /// The column of the marks.
        of: usize,
    },
    /// The maximum of a column of marks, in each row.
    Maximum {
        /// The column of the marks.
        of: usize,
    },
    /// A word that says more about a mark, such as `Missing`.
    State {
        /// The column of the marks.
        of: usize,
    },
    /// Nothing, and why.
    Ignored(Cow<'static, str>),
}

/// A part of a student's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamePart {
    /// `Ada Able`
    Full,
    /// `Able, Ada`
    Sorted,
    First,
    Last,
}

/// A column of marks.
#[derive(Clone, Debug)]
pub(crate) struct AssessmentColumn {
    pub(crate) name: String,
    pub(crate) out_of: Option<Decimal>,
    pub(crate) release: AssessmentRelease,
    pub(crate) kind: MarkKind,
}

impl AssessmentColumn {
    /// A released column of points.
    pub(crate) fn points(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            out_of: None,
            release: AssessmentRelease::Released,
            kind: MarkKind::Points,
        }
    }

    pub(crate) fn out_of(self, out_of: Option<Decimal>) -> Self {
        Self { out_of, ..self }
    }

    pub(crate) fn kind(self, kind: MarkKind) -> Self {
        Self { kind, ..self }
    }
}

impl From<AssessmentColumn> for ColumnUse {
    fn from(column: AssessmentColumn) -> Self {
        Self::Assessment(column)
    }
}

impl ColumnUse {
    /// Why the marks of a hidden column are not used.
    pub(crate) const HIDDEN: &str = "hidden in the spreadsheet";

    /// A column of which nothing is used.
    pub(crate) fn ignored(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Ignored(reason.into())
    }

    pub(crate) fn assessment(&self) -> Option<&AssessmentColumn> {
        match self {
            Self::Assessment(column) => Some(column),
            _ => None,
        }
    }
}

impl Layout {
    /// The layout in which `of` says what each column is for: its number and its name in lower case.
    pub(crate) fn of_columns(
        header: &Header,
        mut of: impl FnMut(usize, &str) -> ColumnUse,
    ) -> Self {
        let uses = header.folded().enumerate().map(|(at, name)| {
            if name.is_empty() { ColumnUse::ignored("has no name") } else { of(at, name) }
        });
        Self { uses: uses.collect() }
    }

    /// Leaves out the marks in columns that the file does not show, and the comments on them: what an instructor
    /// hides may be what students should not see.
    pub(crate) fn ignore_hidden(&mut self, hidden: &BTreeSet<usize>) {
        for (at, usage) in self.uses.iter_mut().enumerate() {
            let is_hidden = match usage {
                ColumnUse::Assessment(_) => hidden.contains(&at),
                ColumnUse::Comment { of } => hidden.contains(&at) || hidden.contains(of),
                ColumnUse::Maximum { of } | ColumnUse::State { of } => hidden.contains(of),
                _ => false,
            };
            if is_hidden {
                *usage = ColumnUse::Ignored(ColumnUse::HIDDEN.into());
            }
        }
    }

    /// The columns of marks, and where they stand.
    pub(crate) fn assessments(&self) -> impl Iterator<Item = (usize, &AssessmentColumn)> {
        let uses = self.uses.iter().enumerate();
        uses.filter_map(|(at, column)| Some((at, column.assessment()?)))
    }

    /// The column with this use.
    pub(crate) fn find(&self, is_wanted: impl Fn(&ColumnUse) -> bool) -> Option<usize> {
        self.uses.iter().position(is_wanted)
    }
}

/// What a row below the header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    Student,
    /// No student, and why.
    Skipped(&'static str),
    /// The maxima of the assessments. A word in place of one marks a column that is read only.
    Maxima(&'static str),
    /// Which assessments are hidden from students: those with a word.
    Hidden(&'static str),
}

/// The cells of a row as texts.
#[derive(Clone, Copy)]
pub(crate) struct RowText<'a>(pub(crate) &'a Cells);

impl<'a> RowText<'a> {
    /// The text of a cell without blanks around it; blank if there is no such cell.
    pub(crate) fn cell(self, at: usize) -> &'a str {
        let cell = self.raw_cell(at);
        // Few cells have blanks around them, and there are millions.
        let is_trimmed = [cell.as_bytes().first(), cell.as_bytes().last()]
            .into_iter()
            .flatten()
            .all(u8::is_ascii_graphic);
        if is_trimmed { cell } else { cell.trim() }
    }

    /// The last cell.
    pub(crate) fn last_cell(self) -> &'a str {
        self.cell(self.0.len().saturating_sub(1))
    }

    /// The text of a cell as the file has it.
    pub(crate) fn raw_cell(self, at: usize) -> &'a str {
        self.0.get(at).unwrap_or_default()
    }

    /// Returns true if all these cells are blank.
    pub(crate) fn all_blank(self, columns: impl IntoIterator<Item = usize>) -> bool {
        columns.into_iter().all(|at| self.cell(at).is_empty())
    }
}
