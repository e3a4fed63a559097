//! `--check`: whether settings and class are valid, and the server could start now.

use super::{CommandError, count};
use crate::process::complain;
use crate::publishing::check::{CheckedClass, check};
use crate::publishing::in_process::publish_first;
use crate::server::serve::check_start;
use crate::server::warnings::start_warnings;
use crate::settings::Settings;

/// Checks everything that a start needs, and prints its warnings. It changes nothing.
pub(crate) fn run(settings: &Settings) -> Result<String, CommandError> {
    let class = if settings.history.is_some() {
        check(settings).map_err(CommandError::failed)?
    } else {
        let first = publish_first(settings).map_err(CommandError::failed)?;
        CheckedClass {
            in_place_of_file: None,
            start_error: None,
            students: first.book.students(),
            assessments: first.book.assessments().count(),
            warnings: first.warnings,
        }
    };
    let checked = check_start(settings);
    let addresses = checked.as_ref().unwrap_or(&settings.listen);
    for warning in start_warnings(settings, &class.warnings, addresses) {
        complain(&format!("warning: {warning}"));
    }
    let students = count(class.students, "student");
    let assessments = count(class.assessments, "assessment");
    let file = settings.sources.class.display();
    let (what, why_invalid) = match class.in_place_of_file {
        None => (file.to_string(), None),
        Some((edition, error)) => (
            format!("edition {}", edition.0),
            Some(format!("the class file is not, and this edition would be served: {error}")),
        ),
    };
    let start_error = class.start_error.map(|error| error.to_string());
    let start_error = start_error.or_else(|| checked.err().map(|error| format!("{error:#}")));
    let start_error = start_error.map(|error| format!("the server cannot start now: {error}"));
    let valid = format!("{what}: {students}, {assessments}; settings are valid");
    match why_invalid.or(start_error) {
        None => Ok(valid),
        Some(problem) => Err(CommandError::failed(format!("{valid}, but {problem}"))),
    }
}
