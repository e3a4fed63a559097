//! Errors of workbooks that cannot be read.

use crate::error::ClassFileError;
use crate::problem::{Problem, Shown};

pub(super) fn damaged(text: &str) -> ClassFileError {
    Problem::Damaged(text.to_owned()).anywhere()
}

/// The error of a library as one of a workbook.
pub(super) fn unreadable(error: &impl std::fmt::Display) -> ClassFileError {
    let text = format!(
        "is damaged, or no workbook: {}; open it in a spreadsheet and save it again",
        Shown::new(&error.to_string())
    );
    Problem::Damaged(text).anywhere()
}

pub(super) fn encrypted() -> ClassFileError {
    damaged("is protected with a password; save it without one")
}
