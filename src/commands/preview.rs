//! `preview`: what a student will read.

use std::time::SystemTime;

use fernet_batch::Timestamp;
use gradebook::{Command, Request, StudentId};

use super::CommandError;
use super::editions::list;
use crate::process::complain;
use crate::publishing::in_process::publish_first;
use crate::redact::escape;
use crate::settings::Settings;

/// The answer to a student's command: as the current edition has it, or the first edition of a run where
/// editions are not kept; with `staged`, as the class file has it.
pub(crate) fn run(
    settings: Settings,
    id: &str,
    command: &str,
    staged: bool,
) -> Result<String, CommandError> {
    let text = if command.is_empty() { "GG" } else { command };
    let id = StudentId::new(id.as_bytes()).ok_or_else(|| {
        CommandError::usage("the first argument must be a student ID; see help preview")
    })?;
    let command = Command::parse(text).map_err(|error| CommandError::usage(error.text()))?;
    if staged || settings.history.is_some() {
        settings.history()?;
        return list::preview(settings, id.as_str(), text, staged);
    }
    let publication = publish_first(&settings).map_err(CommandError::failed)?;
    for warning in &publication.warnings {
        complain(&format!("warning: {warning}"));
    }
    let now = Timestamp::of(SystemTime::now());
    match publication.book.preview(&Request { id, command }, now) {
        Ok(text) => Ok(escape(&text).into_owned()),
        Err(rejection) => Err(CommandError::failed(rejection.text())),
    }
}
