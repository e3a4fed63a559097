//! Why a class file is refused: always where, never what stands there.

use std::fmt;

use crate::decimal::DecimalError;
use crate::key::KeyError;

pub(super) const NAME: &str = "Name";
pub(crate) const ID: &str = "ID Number";
pub(crate) const KEY: &str = "Key";

/// Why a class file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ClassFileError {
    /// The bytes could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// More bytes than allowed.
    #[error("has more than {0} bytes; raise gradebook.bytes_max if it is meant to be that large")]
    TooManyBytes(u64),
    /// More students than allowed.
    #[error("has more than {0} students; raise gradebook.rows_max if the class is that large")]
    TooManyRows(usize),
    /// A NUL byte, as in UTF-16 or a binary file.
    #[error("row {row}: holds a NUL byte; export it again as CSV in UTF-8")]
    Nul {
        /// The row, the header being 1.
        row: u64,
    },
    /// A cell that is not UTF-8.
    #[error("row {row}, {column}: is not UTF-8; export the file again as CSV in UTF-8")]
    NotUtf8 {
        /// The row, the header being 1.
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
    /// What may be a key, in a cell that is shown to people.
    #[error(
        "row {row}, {column}: holds what looks like a key; move it to the column Key, or if it is none, let it not be 43 characters long"
    )]
    LooksLikeAKey {
        /// The row.
        row: u64,
        /// Where in the row.
        column: Column,
    },
    /// A quote without its second half.
    #[error("row {row}: a quoted cell is never closed; look for a single \" in this row")]
    UnclosedQuote {
        /// The row that it swallowed the others into.
        row: u64,
    },
    /// There is not even a header.
    #[error(
        "is empty; its first row must name the columns {NAME}, {ID}, {KEY} and the assessments"
    )]
    Empty,
    /// A header and nothing else.
    #[error("has no students below its header")]
    NoStudents,
    /// One of the three columns is not there.
    #[error("row 1: has no column {name:?}{hint}")]
    MissingColumn {
        /// The column's name.
        name: &'static str,
        /// What may have happened.
        hint: &'static str,
    },
    /// Two columns of one name.
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
    /// A row of another length than the header.
    #[error("row {row}: has {cells} cells where the header has {columns}")]
    RowLength {
        /// The row.
        row: u64,
        /// Its cells.
        cells: usize,
        /// The header's.
        columns: usize,
    },
    /// A student ID that is none.
    #[error("row {row}, column \"{ID}\": is not 1 to 64 of A-Z a-z 0-9 . _ @ -")]
    BadId {
        /// The row.
        row: u64,
    },
    /// Two students with one ID.
    #[error(
        "row {row}, column \"{ID}\": is the same as in row {first}; every student needs an own one"
    )]
    DuplicateId {
        /// The row.
        row: u64,
        /// The row that had it first.
        first: u64,
    },
    /// A key that is none.
    #[error("row {row}, column \"{KEY}\": {why}; a Fernet key is 32 bytes in base64url")]
    BadKey {
        /// The row.
        row: u64,
        /// What is wrong with it.
        why: KeyError,
    },
    /// Two students with one key.
    #[error(
        "row {row}, column \"{KEY}\": is the same as in row {first}; every student needs an own one"
    )]
    DuplicateKey {
        /// The row.
        row: u64,
        /// The row that had it first.
        first: u64,
    },
    /// Keys in the class file, where they are to stand in a file of their own.
    #[error(
        "row 1, column {column}: is named {KEY}, but keys stand in gradebook.keys_file; take the column out, or the setting"
    )]
    KeysTwice {
        /// The column, counted from 1.
        column: usize,
    },
    /// Something else in a file of keys.
    #[error(
        "row 1, column {column}: is neither {ID} nor {KEY}; a file of keys has no other columns"
    )]
    ForeignColumn {
        /// The column, counted from 1.
        column: usize,
    },
    /// The class file and the file of keys name different students.
    #[error(
        "has other students than gradebook.keys_file; without a key: {without_key}; without a row of marks: {without_marks}; make both files name the same students"
    )]
    OtherStudents {
        /// Those of the class file who have no key.
        without_key: IdList,
        /// Those of the file of keys who are not in the class file.
        without_marks: IdList,
    },
    /// A mark that is none.
    #[error("row {row}, {column}: {why}")]
    BadMark {
        /// The row.
        row: u64,
        /// Where in the row.
        column: Column,
        /// What is wrong with it.
        why: DecimalError,
    },
}

/// Students' IDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdList(pub Vec<String>);

impl fmt::Display for IdList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// As many as fit on a line.
        const SHOWN_MAX: usize = 5;
        let Self(names) = self;
        let shown: Vec<_> = names.iter().take(SHOWN_MAX).map(String::as_str).collect();
        match names.len().saturating_sub(shown.len()) {
            0 if shown.is_empty() => f.write_str("none"),
            0 => f.write_str(&shown.join(", ")),
            more => write!(f, "{} and {more} more", shown.join(", ")),
        }
    }
}

/// A column, by number and, where that is short enough to be no key, name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Counted from 1.
    pub number: usize,
    /// Its name.
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
