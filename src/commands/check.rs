//! `--check`: whether settings and class file are valid.

use super::{CommandError, count};
use crate::process::complain;
use crate::server::publish::publish_first;
use crate::settings::Settings;

/// Checks the settings' files, and prints warnings.
pub(crate) fn run(settings: &Settings) -> Result<String, CommandError> {
    let publication = publish_first(settings).map_err(CommandError::failed)?;
    for warning in settings.warnings.iter().chain(&publication.warnings) {
        complain(&format!("warning: {warning}"));
    }
    let students = count(publication.book.students(), "student");
    let assessments = count(publication.book.assessments().count(), "assessment");
    let file = settings.sources.class.display();
    Ok(format!("{file}: {students}, {assessments}; settings are valid"))
}
