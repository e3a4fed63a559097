//! The settings: read in layers, validated as a whole, and split into each part's slice.
//!
//! Layers, the later ones win: the embedded `settings/default.toml`, the `--config` file, the
//! environment. An error names where the value stands, the key, the value, and what to do.

mod checks;
mod environment;
mod history;
mod http;
mod layers;
mod raw;
mod session_limits;
mod statistics;
#[cfg(test)]
mod tests;
mod validate;
mod validated;

use std::path::Path;

use crate::files::FileState;
use layers::Layers;
pub use layers::{SettingsError, default_settings};
use raw::RawSettings;
use validate::Validator;
pub(crate) use validated::exposure_text;
pub use validated::{HistorySettings, HttpSettings, PublishMode, Settings};

impl Settings {
    /// Reads and validates all layers.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, a key is unknown, or a value is not valid.
    pub fn read(file: Option<&Path>) -> Result<Self, SettingsError> {
        let layers = Layers::read(file)?;
        let raw: RawSettings = layers.merge()?;
        if file.is_none() && raw.gradebook.file.is_empty() {
            return Err(SettingsError::nothing_given());
        }
        let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
        let settings = Validator::new(&layers, folder).settings(&raw)?;
        let file = file.and_then(|file| Some((file.to_owned(), FileState::of_path(file)?)));
        Ok(Settings { file, ..settings })
    }
}
