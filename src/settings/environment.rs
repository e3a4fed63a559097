//! The layer of the environment: `GRADES__SECTION__KEY`, with two underscores.

use config::{ConfigError, Environment, Map, Source, Value, ValueKind};

use crate::redact::nearest;

/// What an error calls this layer.
pub(super) const NAME: &str = "the environment";

/// The settings that are a text or a list of texts; here, commas separate those.
pub(super) const LISTS: [&str; 2] = ["server.listen", "server.proxies"];

const PREFIX: &str = "GRADES__";

/// The settings of the environment.
pub(super) fn collect() -> Result<Map<String, Value>, ConfigError> {
    let mut keys = Environment::with_prefix("GRADES").separator("__").collect()?;
    for key in LISTS {
        if let Some(value) = keys.get_mut(key)
            && let ValueKind::String(text) = &value.kind
            && text.contains(',')
        {
            let texts = text.split(',').map(|text| Value::from(text.trim())).collect();
            value.kind = ValueKind::Array(texts);
        }
    }
    Ok(keys)
}

/// The variables that begin with one underscore instead of two, and so are not read.
pub(super) fn misspelled() -> impl Iterator<Item = String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("GRADES_") && !name.starts_with(PREFIX))
}

/// The variable of the setting that a misspelled variable means, if it is nearly one.
pub(super) fn nearest_setting<'a>(
    variable: &str,
    settings: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let meant = variable.trim_start_matches("GRADES_").replace("__", "_").to_lowercase();
    let underscored: Vec<_> = settings.map(|key| (key.replace('.', "_"), key)).collect();
    let found = nearest(&meant, underscored.iter().map(|(name, _)| name.as_str()))?;
    let (_, key) = underscored.iter().find(|(name, _)| name == found)?;
    Some(variable_of(key))
}

/// The variable of a setting.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}
