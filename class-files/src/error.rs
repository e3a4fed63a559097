//! Why a class file or key file is rejected: where, and what is wrong there.

use std::fmt;

use crate::problem::Problem;

/// One thing that is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[error("{place}{problem}")]
pub struct ClassFileError {
    /// Where in the file.
    pub place: Place,
    /// What is wrong, and what to do.
    pub problem: Box<Problem>,
}

/// Where in a file something is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file inside an archive or a folder.
    pub file: Option<&'static str>,
    /// The row. The header is row 1, unless blank rows stand above it.
    pub row: Option<u64>,
    /// Where in the row.
    pub column: Option<Column>,
}

impl Problem {
    /// This problem of the whole file.
    pub(crate) fn anywhere(self) -> ClassFileError {
        ClassFileError { place: Place::default(), problem: self.into() }
    }

    /// This problem in a row.
    pub(crate) fn at_row(self, row: u64) -> ClassFileError {
        ClassFileError { place: Place { row: Some(row), ..Place::default() }, problem: self.into() }
    }

    /// This problem in a cell.
    pub(crate) fn at(self, row: u64, column: Column) -> ClassFileError {
        let place = Place { file: None, row: Some(row), column: Some(column) };
        ClassFileError { place, problem: self.into() }
    }
}

impl ClassFileError {
    /// The same error in a file of an archive.
    pub(crate) fn in_file(mut self, file: Option<&'static str>) -> Self {
        self.place.file = file;
        self
    }
}

impl From<std::io::Error> for ClassFileError {
    fn from(error: std::io::Error) -> Self {
        Problem::Io(error).anywhere()
    }
}

/// `users.csv, row 3, column "Lab 1": `; nothing for the whole file.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.file.map(str::to_owned));
        parts.extend(self.row.map(|row| format!("row {row}")));
        parts.extend(self.column.as_ref().map(Column::to_string));
        if parts.is_empty() { Ok(()) } else { write!(f, "{}: ", parts.join(", ")) }
    }
}

/// Everything that is wrong with a file: at least one error.
#[derive(Debug, thiserror::Error)]
pub struct ClassFileErrors {
    errors: Vec<ClassFileError>,
    total: usize,
}

impl ClassFileErrors {
    /// The most errors that are listed.
    pub const LISTED_MAX: usize = 20;

    /// The first errors, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &ClassFileError> {
        self.errors.iter()
    }

    pub(crate) fn into_errors(self) -> Vec<ClassFileError> {
        self.errors
    }

    /// The number of all errors.
    pub fn total(&self) -> usize {
        self.total
    }
}

impl From<ClassFileError> for ClassFileErrors {
    fn from(error: ClassFileError) -> Self {
        Self { errors: vec![error], total: 1 }
    }
}

/// One error on a line; more of them on a line each.
impl fmt::Display for ClassFileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.errors.as_slice() {
            return only.fmt(f);
        }
        write!(f, "{} errors:", self.total)?;
        for error in &self.errors {
            write!(f, "\n  {error}")?;
        }
        match self.total.saturating_sub(self.errors.len()) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// Collects errors while a file is read on.
#[derive(Default)]
pub(crate) struct ErrorList {
    errors: Vec<ClassFileError>,
    total: usize,
}

impl ErrorList {
    pub(crate) fn push(&mut self, error: ClassFileError) {
        self.total = self.total.saturating_add(1);
        if self.errors.len() < ClassFileErrors::LISTED_MAX {
            self.errors.push(error);
        }
    }

    /// Adds the error that ends reading, which is listed in any case.
    pub(crate) fn push_last(&mut self, error: ClassFileError) {
        self.errors.truncate(ClassFileErrors::LISTED_MAX - 1);
        self.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// All errors; `None` if there are none.
    pub(crate) fn finish(mut self) -> Option<ClassFileErrors> {
        self.errors.sort_by_key(|error| error.place.row);
        (self.total > 0).then_some(ClassFileErrors { errors: self.errors, total: self.total })
    }
}

/// A column: its number, and its name where that is too short to be a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Counted from 1.
    pub number: usize,
    /// The name in the header.
    pub name: Option<String>,
}

impl Column {
    /// Shorter than the text of any key.
    const NAME_BYTES_MAX: usize = 40;

    /// The name, if there is one that is too short to be a key.
    pub fn shown_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| name.len() <= Self::NAME_BYTES_MAX)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shown_name() {
            Some(name) => write!(f, "column {name:?}"),
            None => write!(f, "column {}", self.number),
        }
    }
}
