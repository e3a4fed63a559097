//! `--check`: whether settings and class are valid, and the server could start now.

use super::{CommandError, count};
use crate::process::complain;
use crate::server::publish::publish_first;
use crate::server::serve::check_start;
use crate::server::warnings::start_warnings;
use crate::settings::Settings;

/// Checks everything that a start needs, and prints its warnings. It changes nothing.
pub(crate) fn run(settings: &Settings) -> Result<String, CommandError> {
    let publication = publish_first(settings).map_err(CommandError::failed)?;
    let checked = check_start(settings);
    let addresses = checked.as_ref().unwrap_or(&settings.listen);
    for warning in start_warnings(settings, &publication, addresses) {
        complain(&format!("warning: {warning}"));
    }
    let students = count(publication.book.students(), "student");
    let assessments = count(publication.book.assessments().count(), "assessment");
    let file = settings.sources.class.display();
    match checked {
        Ok(_) => Ok(format!("{file}: {students}, {assessments}; settings are valid")),
        Err(error) => Err(CommandError::failed(format!(
            "{file}: {students}, {assessments}; settings are valid, but the server cannot start now: \
             {error:#}"
        ))),
    }
}
