//! What was understood of a class file, for its instructor to read.

use gradebook::Decimal;
use serde::Serialize;

use crate::error::{ClassFileError, ClassFileErrors};

/// What was understood of a class file, column by column. It contains no mark and no key.
#[derive(Debug, Default, Serialize)]
pub struct Explanation {
    /// The name of the file.
    pub file: String,
    /// The shape; `None` if the file could not be read so far.
    pub shape: Option<&'static str>,
    /// The encoding of a text file.
    pub encoding: Option<&'static str>,
    /// What separates the cells of a text file.
    pub separator: Option<String>,
    /// The decimal separator of a text file.
    pub decimal: Option<&'static str>,
    /// The number of students.
    pub students: usize,
    /// The columns in the order of the file; in a file with a row for each mark, the assessments.
    pub columns: Vec<ExplainedColumn>,
    /// The rows that are not students: the first 20 of them.
    pub skipped_rows: Vec<SkippedRow>,
    /// The number of all rows that are not students.
    pub skipped_rows_total: usize,
    /// What the instructor should know.
    pub warnings: Vec<String>,
    /// The first errors.
    pub errors: Vec<ExplainedError>,
    /// The number of all errors.
    pub errors_total: usize,
    /// When the file was exported, in seconds since 1970, if it says so.
    #[serde(skip)]
    pub exported_at: Option<u64>,
}

/// A column and its use.
#[derive(Debug, Serialize)]
pub struct ExplainedColumn {
    /// The name in the header.
    pub column: String,
    /// What it is for.
    #[serde(flatten)]
    pub usage: ExplainedUse,
}

/// What a column is for.
#[derive(Debug, Serialize)]
#[serde(tag = "use", rename_all = "lowercase")]
pub enum ExplainedUse {
    /// The students' IDs.
    Id,
    /// The students' names.
    Name,
    /// The students' keys.
    Key,
    /// Marks.
    Assessment {
        /// The assessment's name.
        assessment: String,
        /// The number of points that is the full result, if it is known.
        out_of: Option<Decimal>,
        /// Whether students may see it now.
        released: bool,
        /// The moment at which students may see it, RFC 3339 in UTC, if that is set.
        #[serde(skip_serializing_if = "Option::is_none")]
        release: Option<String>,
    },
    /// Comments on marks.
    Comment {
        /// The assessment of the marks.
        assessment: String,
    },
    /// Nothing.
    Ignored {
        /// Why.
        reason: String,
    },
}

/// A row that is not a student.
#[derive(Debug, Serialize)]
pub struct SkippedRow {
    /// Its number; the header is row 1.
    pub row: u64,
    /// Why it is not a student.
    pub reason: &'static str,
}

/// An error and its place.
#[derive(Debug, Serialize)]
pub struct ExplainedError {
    /// The file inside an archive or a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'static str>,
    /// The row; the header is row 1.
    pub row: Option<u64>,
    /// The name of the column.
    pub column: Option<String>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Explanation {
    /// The most rows that are listed as skipped.
    pub(crate) const SKIPPED_LISTED_MAX: usize = 20;

    pub(crate) fn skip(&mut self, row: u64, reason: &'static str) {
        self.skipped_rows_total = self.skipped_rows_total.saturating_add(1);
        if self.skipped_rows.len() < Self::SKIPPED_LISTED_MAX {
            self.skipped_rows.push(SkippedRow { row, reason });
        }
    }

    /// Lists the rows that the explanation of another part of the file lists as skipped.
    pub(crate) fn append_skipped(&mut self, other: Self) {
        self.skipped_rows_total = self.skipped_rows_total.saturating_add(other.skipped_rows_total);
        self.skipped_rows.extend(other.skipped_rows);
        self.skipped_rows.truncate(Self::SKIPPED_LISTED_MAX);
    }

    pub(crate) fn set_error(&mut self, error: &ClassFileError) {
        self.errors_total = 1;
        self.errors = vec![error.into()];
    }

    pub(crate) fn set_errors(&mut self, errors: &ClassFileErrors) {
        self.errors_total = errors.total();
        self.errors = errors.iter().map(ExplainedError::from).collect();
    }

    /// The columns of marks that students may see now.
    pub fn released(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter_map(|column| match &column.usage {
            ExplainedUse::Assessment { assessment, released: true, .. } => {
                Some(assessment.as_str())
            }
            _ => None,
        })
    }
}

impl From<&ClassFileError> for ExplainedError {
    fn from(error: &ClassFileError) -> Self {
        Self {
            file: error.place.file,
            row: error.place.row,
            column: error
                .place
                .column
                .as_ref()
                .and_then(|column| column.shown_name().map(str::to_owned)),
            message: error.problem.to_string(),
        }
    }
}
