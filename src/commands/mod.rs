//! The commands of `grade-actor-server` that do something else than serve. Each returns the text to
//! print, or why it failed.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod editions;
pub(crate) mod explain;
pub(crate) mod keys;
pub(crate) mod page;
pub(crate) mod preview;
pub(crate) mod slips;

use std::fmt::Display;

use crate::settings::SettingsError;

/// The exit code of a command that failed, or a server that cannot serve.
pub(crate) const FAILED: u8 = 1;
/// The exit code of wrong usage or settings.
const USAGE: u8 = 2;

/// Why a command failed, and the exit code.
pub(crate) struct CommandError {
    pub(crate) text: String,
    pub(crate) exit_code: u8,
}

impl CommandError {
    pub(crate) fn failed(error: impl Display) -> Self {
        Self { text: error.to_string(), exit_code: FAILED }
    }

    fn usage(text: &str) -> Self {
        Self { text: text.to_owned(), exit_code: USAGE }
    }
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        Self { text: error.to_string(), exit_code: USAGE }
    }
}

/// A number with its noun: `1 student`, `2 students`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
