//! The settings of the history: where editions are kept, and what publishes them.

use super::layers::SettingsError;
use super::raw::RawSettings;
use super::validate::Validator;
use super::validated::{HistorySettings, PublishMode};

/// The most editions that can be kept: as many as a folder lists quickly.
const EDITIONS_MAX: u64 = 100_000;

/// The name of the admin socket in the history.
const SOCKET: &str = "admin.sock";

impl Validator<'_> {
    pub(super) fn history(
        &self,
        raw: &RawSettings,
    ) -> Result<Option<HistorySettings>, SettingsError> {
        let modes = [("on-save", PublishMode::OnSave), ("on-command", PublishMode::OnCommand)];
        let gradebook = &raw.gradebook;
        let mode = self.layers.choice("gradebook.publish", &gradebook.publish, &modes)?;
        let key = "gradebook.history_max";
        let editions_max = self.layers.number(key, gradebook.history_max, 1, EDITIONS_MAX)?;
        let Some(folder) = self.path(&gradebook.history) else {
            return self.without_history(raw, mode).map(|()| None);
        };
        let Some(keys) = self.path(&gradebook.keys_file) else {
            let what = "requires gradebook.keys_file, since no key may enter an edition; make a key file \
                        with keys issue";
            return Err(self.layers.invalid("gradebook.history", what));
        };
        let socket = self.path(&raw.admin.socket).unwrap_or_else(|| folder.join(SOCKET));
        let import = self.path(&gradebook.state_file);
        Ok(Some(HistorySettings { folder, keys, editions_max, import, mode, socket }))
    }

    /// Rejects settings that are of use only with a history.
    fn without_history(&self, raw: &RawSettings, mode: PublishMode) -> Result<(), SettingsError> {
        let invalid = |key, what| Err(self.layers.invalid(key, what));
        if !raw.gradebook.state_file.is_empty() {
            return invalid(
                "gradebook.state_file",
                "is replaced by gradebook.history: set gradebook.history to a folder, which takes over \
                 what this file says",
            );
        }
        if mode == PublishMode::OnCommand {
            return invalid("gradebook.publish", "requires gradebook.history; set it to a folder");
        }
        if !raw.admin.socket.is_empty() {
            return invalid("admin.socket", "requires gradebook.history; set it to a folder");
        }
        Ok(())
    }
}
