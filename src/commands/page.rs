//! `page`: the page as one file, for students who open it from disk.

use std::path::Path;

use super::{CommandError, count};
use crate::redact::show_path;
use crate::settings::Settings;

/// What to do with the page.
pub(crate) enum PageTask<'a> {
    /// Print it.
    Print,
    /// Print its SHA-256.
    Hash,
    /// Write it to a file.
    Write(&'a Path),
}

/// Makes the page. Returns the text to print.
pub(crate) fn run(settings: &Settings, task: &PageTask<'_>) -> Result<String, CommandError> {
    let page = settings.page()?;
    // A page that is opened from disk asks there.
    settings.public_url()?;
    match task {
        // The line end is printed behind the text.
        PageTask::Print => Ok(page.html().trim_end_matches('\n').to_owned()),
        PageTask::Hash => Ok(page.hash().to_owned()),
        PageTask::Write(path) => {
            let written = std::fs::write(path, page.html());
            let path = show_path(path);
            written.map_err(|error| {
                CommandError::failed(format!("{path}: cannot be written: {error}"))
            })?;
            let bytes = count(page.html().len(), "byte");
            Ok(format!("{path}: {bytes}, SHA-256 {}", page.hash()))
        }
    }
}
