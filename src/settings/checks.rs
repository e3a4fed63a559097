//! Checks of single values: ranges of numbers, durations, and choices. Errors name the setting.

use std::time::Duration;

use super::layers::{Layers, SettingsError};

/// The longest duration of any setting.
pub(super) const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Layers {
    /// A number within its range.
    pub(super) fn number<N: TryFrom<u64>>(
        &self,
        key: &str,
        value: u64,
        min: u64,
        max: u64,
    ) -> Result<N, SettingsError> {
        let number = N::try_from(value).ok().filter(|_| (min..=max).contains(&value));
        number.ok_or_else(|| self.invalid(key, &format!("must be {min} to {max}")))
    }

    pub(super) fn check_duration(
        &self,
        key: &str,
        duration: Duration,
    ) -> Result<(), SettingsError> {
        if duration.is_zero() {
            return Err(self.invalid(key, "must be greater than zero"));
        }
        if duration > MONTH {
            return Err(self.invalid(key, "must be at most 30 days"));
        }
        Ok(())
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        text: &str,
        choices: &[(&str, T)],
    ) -> Result<T, SettingsError> {
        let chosen = choices.iter().find(|(word, _)| *word == text);
        chosen.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            let listed = match words.split_last() {
                Some((last, [])) => last.clone(),
                Some((last, others)) => format!("{} or {last}", others.join(", ")),
                None => String::new(),
            };
            self.invalid(key, &format!("must be {listed}"))
        })
    }
}
