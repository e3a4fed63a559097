//! Why a class file or key file is rejected: always where, never what stands there.

use std::fmt;

use fernet_batch::KeyError;
use gradebook::{DecimalError, StudentId};

use crate::columns::{ID, KEY, NAME};

/// Why a class file or key file is rejected.
#[derive(Debug, thiserror::Error)]
pub enum ClassFileError {
    /// The bytes could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// More bytes than allowed.
    #[error("has more than {0} byte{s}; raise gradebook.bytes_max if it is meant to be that large", s = plural_s(*.0))]
    TooManyBytes(u64),
    /// More students than allowed.
    #[error("has more than {0} student{s}; raise gradebook.rows_max if the class is that large", s = plural_s(*.0 as u64))]
    TooManyRows(usize),
    /// A NUL byte, as UTF-16 and binary files have them.
    #[error("row {row}: holds a NUL byte; export it again as CSV in UTF-8")]
    Nul {
        /// The row; the header is row 1.
        row: u64,
    },
    /// A cell that is not UTF-8.
    #[error("row {row}, {column}: is not UTF-8; export the file again as CSV in UTF-8")]
    NotUtf8 {
        /// The row; the header is row 1.
        row: u64,
        /// Where in the row.
        column: Column,
    },
    /// A quote in the middle of a cell.
    #[error(
        "row {row}: a quote stands inside a cell; a quoted cell begins and ends with one, one in it is doubled, and cells are separated by commas"
    )]
    StrayQuote {
        /// The row.
        row: u64,
    },
    /// A text that may be a key, in a cell that people see.
    #[error(
        "row {row}, {column}: holds what may be a key; move it to the column {KEY}; if it is not a key, change its length: 43 characters is the length of a key"
    )]
    LooksLikeAKey {
        /// The row.
        row: u64,
        /// Where in the row.
        column: Column,
    },
    /// A quoted cell without its closing quote.
    #[error("row {row}: a quoted cell is never closed; look for a single \" in this row")]
    UnclosedQuote {
        /// The row that the cell begins in.
        row: u64,
    },
    /// The file is empty.
    #[error(
        "is empty; its first row must name the columns {NAME}, {ID}, {KEY} and the assessments"
    )]
    Empty,
    /// The file has a header and nothing else.
    #[error("has no students below its header")]
    NoStudents,
    /// A required column is missing.
    #[error("row 1: has no column {name:?}{hint}")]
    MissingColumn {
        /// The column's name.
        name: &'static str,
        /// What to do.
        hint: String,
    },
    /// Two columns have the same name.
    #[error("row 1: columns {first} and {second} have the same name; rename one")]
    DuplicateHeader {
        /// The first of them, counted from 1.
        first: usize,
        /// The second.
        second: usize,
    },
    /// A cell with content in a column without a name.
    #[error("row {row}, column {column}: has content, but the column has no name in row 1")]
    UnnamedColumn {
        /// The row.
        row: u64,
        /// The column, counted from 1.
        column: usize,
    },
    /// A row has another number of cells than the header.
    #[error("row {row}: has {cells} cell{s}, but the header has {columns}", s = plural_s(*cells as u64))]
    RowLength {
        /// The row.
        row: u64,
        /// The number of its cells.
        cells: usize,
        /// The number of the header's cells.
        columns: usize,
    },
    /// A cell that is not a student ID.
    #[error(
        "row {row}, column \"{ID}\": must be 1 to {} characters from A-Z a-z 0-9 . _ @ -",
        StudentId::LENGTH_MAX
    )]
    BadId {
        /// The row.
        row: u64,
    },
    /// An ID that a spreadsheet has turned into a decimal number.
    #[error(
        "row {row}, column \"{ID}\": is a number with decimals, as a spreadsheet writes 2100001.0; store \
         IDs as text, and export the file again"
    )]
    DecimalId {
        /// The row.
        row: u64,
    },
    /// Two students have the same ID.
    #[error(
        "row {row}, column \"{ID}\": is the same as in row {first}; each student needs a unique ID"
    )]
    DuplicateId {
        /// The row.
        row: u64,
        /// The row that had it first.
        first: u64,
    },
    /// A cell that is not a key.
    #[error("row {row}, column \"{KEY}\": {error}")]
    BadKey {
        /// The row.
        row: u64,
        /// What is wrong with it.
        error: KeyError,
    },
    /// Two students have the same key.
    #[error(
        "row {row}, column \"{KEY}\": is the same as in row {first}; each student needs a unique key"
    )]
    DuplicateKey {
        /// The row.
        row: u64,
        /// The row that had it first.
        first: u64,
    },
    /// The class file has keys, and so has the key file.
    #[error(
        "row 1, column {column}: is named {KEY}, but the keys stand in gradebook.keys_file; remove the column or the setting"
    )]
    KeysTwice {
        /// The column, counted from 1.
        column: usize,
    },
    /// A key file has another column.
    #[error("row 1, column {column}: is neither {ID} nor {KEY}; a key file has no other columns")]
    ForeignColumn {
        /// The column, counted from 1.
        column: usize,
    },
    /// The class file and the key file name different students.
    #[error(
        "does not name the same students as gradebook.keys_file; students without a key: {without_key}; keys without a student: {without_marks}; make both files name the same students"
    )]
    OtherStudents {
        /// The students of the class file who have no key.
        without_key: IdList,
        /// The students of the key file who are not in the class file.
        without_marks: IdList,
    },
    /// A cell that is not a mark.
    #[error("row {row}, {column}: {error}")]
    BadMark {
        /// The row.
        row: u64,
        /// Where in the row.
        column: Column,
        /// What is wrong with it.
        error: DecimalError,
    },
}

/// A list of student IDs, shortened when it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdList(pub Vec<String>);

impl fmt::Display for IdList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// As many as fit a line.
        const SHOWN_MAX: usize = 5;
        let Self(ids) = self;
        let shown: Vec<_> = ids.iter().take(SHOWN_MAX).map(String::as_str).collect();
        match ids.len().saturating_sub(shown.len()) {
            0 if shown.is_empty() => f.write_str("none"),
            0 => f.write_str(&shown.join(", ")),
            more => write!(f, "{} and {more} more", shown.join(", ")),
        }
    }
}

/// A column: its number, and its name where that is too short to be a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Counted from 1.
    pub number: usize,
    /// The name in row 1.
    pub name: Option<String>,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Shorter than the text of any key.
        const NAME_BYTES_MAX: usize = 40;
        match &self.name {
            Some(name) if name.len() <= NAME_BYTES_MAX => write!(f, "column {name:?}"),
            _ => write!(f, "column {}", self.number),
        }
    }
}

const fn plural_s(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
