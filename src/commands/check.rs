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
    match checked {
        Ok(_) => Ok(format!("{file}: {students}, {assessments}; settings are valid")),
        Err(error) => Err(CommandError::failed(format!(
            "{file}: {students}, {assessments}; settings are valid, but the server cannot start now: \
             {error:#}"
        ))),
    }
}
