//! `preview`: what a student will read.

use std::time::SystemTime;

use fernet_batch::Timestamp;
use gradebook::{Command, Request, StudentId};

use super::CommandError;
use crate::process::complain;
use crate::redact::escape;
use crate::server::publish::publish_first;
use crate::settings::Settings;

/// The answer to a student's command, as the first edition of a run has it.
pub(crate) fn run(settings: &Settings, id: &str, command: &str) -> Result<String, CommandError> {
    let command = if command.is_empty() { "GG" } else { command };
    let id = StudentId::new(id.as_bytes()).ok_or_else(|| {
        CommandError::usage("the first argument must be a student ID; see help preview")
    })?;
    let command = Command::parse(command).map_err(|error| CommandError::usage(error.text()))?;
    let publication = publish_first(settings).map_err(CommandError::failed)?;
    for warning in &publication.warnings {
        complain(&format!("warning: {warning}"));
    }
    if settings.state_file.is_none() && settings.policy.applies() {
        complain(
            "note: a server that runs may have released other statistics; see gradebook.state_file",
        );
    }
    let now = Timestamp::of(SystemTime::now());
    match publication.book.preview(&Request { id, command }, now) {
        Ok(text) => Ok(escape(&text).into_owned()),
        Err(rejection) => Err(CommandError::failed(rejection.text())),
    }
}
