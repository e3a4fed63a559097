//! What can be wrong with a class file or key file, and what to do.
//!
//! A cell is repeated only where that helps, and never a part of it that may be a key.

use std::fmt;

use fernet_batch::KeyError;
use fernet_batch::redact::redact_runs;
use gradebook::{DecimalError, StudentId};

use crate::columns::{ID, KEY, NAME, on_one_line};

/// What is wrong with a class file or key file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The bytes could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// More bytes than allowed.
    #[error("has more than {0} byte{s}; raise gradebook.bytes_max if it is meant to be that large", s = plural_s(*.0))]
    TooManyBytes(u64),
    /// More bytes than allowed, once it is unpacked.
    #[error(
        "has more than {0} bytes when it is unpacked; save the sheet of marks alone, or as CSV"
    )]
    TooManyUnpackedBytes(u64),
    /// More students than allowed.
    #[error("has more than {0} student{s}; raise gradebook.rows_max if the class is that large", s = plural_s(*.0 as u64))]
    TooManyRows(usize),
    /// More cells than a workbook may have.
    #[error("has more than {0} cells; save the sheet of marks alone, or save it as CSV")]
    TooManyCells(usize),
    /// A NUL byte, as binary files have them.
    #[error("holds a NUL byte; export it again as CSV in UTF-8")]
    Nul,
    /// A quote in the middle of a cell.
    #[error(
        "a quote stands inside a cell; a quoted cell begins and ends with one, one in it is doubled, and cells are separated by commas"
    )]
    StrayQuote,
    /// A text that may be a key, in a cell that people see.
    #[error(
        "holds what may be a key; move it to the column {KEY}; if it is not a key, change its length: 43 characters is the length of a key"
    )]
    LooksLikeAKey,
    /// A quoted cell without its closing quote.
    #[error("a quoted cell is never closed; look for a single \" in this row")]
    UnclosedQuote,
    /// The file is empty.
    #[error(
        "is empty; its first row must name the columns, such as {NAME}, {ID} and the assessments"
    )]
    Empty,
    /// The file has a header and nothing else.
    #[error("has no students below its header")]
    NoStudents,
    /// A required column is missing.
    #[error("has no column {name:?}{hint}")]
    MissingColumn {
        /// The column's name.
        name: String,
        /// What to do.
        hint: String,
    },
    /// Two columns have the same name.
    #[error("columns {first} and {second} have the same name; rename one")]
    DuplicateHeader {
        /// The first of them, counted from 1.
        first: usize,
        /// The second.
        second: usize,
    },
    /// Two columns make assessments of the same name.
    #[error(
        "makes the assessment {0:?}, as another column does; name one of them in the course file"
    )]
    DuplicateAssessment(String),
    /// A cell with content in a column without a name.
    #[error("has content, but the column has no name in row 1")]
    UnnamedColumn,
    /// A row has another number of cells than the header.
    #[error("has {cells} cell{s}, but the header has {columns}", s = plural_s(*cells as u64))]
    RowLength {
        /// The number of its cells.
        cells: usize,
        /// The number of the header's cells.
        columns: usize,
    },
    /// A cell that is not a student ID.
    #[error("must be 1 to {} characters from A-Z a-z 0-9 . _ @ -", StudentId::LENGTH_MAX)]
    BadId,
    /// An ID that a spreadsheet has turned into a decimal number.
    #[error(
        "is a number with decimals, as a spreadsheet writes 2100001.0; store IDs as text, and export the \
         file again"
    )]
    DecimalId,
    /// An ID that a spreadsheet has turned into a power of ten.
    #[error(
        "is stored as a number like 4.00198E+08, which may have lost digits; store IDs as text, and export the file again"
    )]
    ScientificId,
    /// An ID that may have lost its first zero.
    #[error(
        "has {digits} digits, while most IDs have {most}: a spreadsheet may have dropped a leading 0; store \
         IDs as text, or write id_length = \"any\" under [columns] of the course file"
    )]
    ShortId {
        /// Its digits.
        digits: usize,
        /// The digits of most IDs.
        most: usize,
    },
    /// Two students have the same ID.
    #[error("is the same as in row {first}; each student needs a unique ID")]
    DuplicateId {
        /// The row that had it first.
        first: u64,
    },
    /// A cell that is not a key.
    #[error("{0}")]
    BadKey(KeyError),
    /// Two students have the same key.
    #[error("is the same as in row {first}; each student needs a unique key")]
    DuplicateKey {
        /// The row that had it first.
        first: u64,
    },
    /// The class file has keys, and so has the key file.
    #[error(
        "is named {KEY}, but the keys stand in gradebook.keys_file; remove the column or the setting"
    )]
    KeysTwice,
    /// A class without keys.
    #[error(
        "this file has no keys; name a key file in gradebook.keys_file, which \"grade-actor-server keys \
         issue\" makes"
    )]
    NoKeys,
    /// A key file has another column.
    #[error("is neither {ID} nor {KEY}; a key file has no other columns")]
    ForeignColumn,
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
    /// A number that cannot be a mark.
    #[error("{0}")]
    BadNumber(DecimalError),
    /// A cell that is not a mark.
    #[error(
        "{0} is not a mark; write a number like 7.5, 85% or 3.5/10, a letter from A to F, EX (excused), MI \
         (missing), or leave it blank; in an assessment of words, write kind = \"text\" in the course file"
    )]
    NotAMark(Shown),
    /// A date where a mark should be.
    #[error(
        "{0} is a date, into which spreadsheets turn marks like 3/10; enter the mark again as text"
    )]
    DateAsMark(Shown),
    /// The result of a formula that failed.
    #[error("{0} is the error of a formula; repair the formula, and save the file again")]
    FormulaError(Shown),
    /// A formula without its result.
    #[error("is a formula without its result; open the file in a spreadsheet and save it again")]
    FormulaWithoutValue,
    /// A word longer than an answer should have.
    #[error("has {bytes} bytes; a word has at most {max}")]
    LongWord {
        /// Its length.
        bytes: usize,
        /// The most bytes.
        max: usize,
    },
    /// A mark of another maximum than the rest of its column.
    #[error(
        "is out of {here}, but the assessment is out of {there}; an assessment has one maximum"
    )]
    OtherMaximum {
        /// The maximum here.
        here: String,
        /// The maximum of the assessment.
        there: String,
    },
    /// A number without a percent sign among percentages.
    #[error("is a number among percentages; write all marks of an assessment in one way")]
    MixedPercent,
    /// Decimal commas and decimal points in one file.
    #[error(
        "{shown} has a decimal {here}, but row {row} has a decimal {there}; write all numbers in one way"
    )]
    MixedDecimals {
        /// The number.
        shown: Shown,
        /// What it has.
        here: &'static str,
        /// What the other has.
        there: &'static str,
        /// The row of the other.
        row: u64,
    },
    /// A comma that may separate thousands or decimals.
    #[error(
        "{0} may be a thousand or a fraction; write it without a comma, or with a decimal point"
    )]
    AmbiguousComma(Shown),
    /// A maximum that is not a number.
    #[error("{0} is not a maximum; write a number of points")]
    BadMaximum(Shown),
    /// The format in the settings does not fit the file.
    #[error("is not in the format {0:?}; set gradebook.format = \"auto\", or name another format")]
    OtherFormat(&'static str),
    /// What a course file says does not fit the class.
    #[error("{0}")]
    Course(String),
    /// A file that is damaged or of no known kind.
    #[error("{0}")]
    Damaged(String),
    /// A row about the assessments below a student.
    #[error(
        "is a row of maxima or posting policies below students; keep it above them, as it was exported"
    )]
    LateRow,
    /// More columns than anybody reads.
    #[error("has {columns} columns; a class file has at most {max}")]
    TooManyColumns {
        /// Its columns.
        columns: usize,
        /// The most columns.
        max: usize,
    },
    /// A maximum of zero or less.
    #[error("is out of {0}; a maximum is greater than zero")]
    NoMaximum(String),
    /// A second entry with the same identifier.
    #[error("is the same as in row {first}; export the file again")]
    DuplicateEntry {
        /// The row that had it first.
        first: u64,
    },
    /// A second mark of one student for one assessment.
    #[error("is a second mark of this student for the assessment; the first stands in row {first}")]
    SecondMark {
        /// The row of the first.
        first: u64,
    },
    /// A row that names something that the archive does not have.
    #[error("names {0}, which does not exist; export the file again")]
    NoSuchEntry(Shown),
}

/// The text of a cell in an error: shortened, on one line, without what may be a part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// The text as an error shows it.
    pub fn new(text: &str) -> Self {
        /// As many as fit a line beside the rest of the error.
        const CHARS_MAX: usize = 40;
        let line = on_one_line(text);
        let redacted = redact_runs(&line, |_| false);
        let mut shown: String = redacted.chars().take(CHARS_MAX).collect();
        if redacted.chars().nth(CHARS_MAX).is_some() {
            shown.push_str("...");
        }
        Self(shown)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
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

const fn plural_s(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
