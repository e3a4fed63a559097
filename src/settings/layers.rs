//! The layers that settings are read from, and errors that name the one where a value stands.

use std::path::Path;

use bytesize::ByteSize;
use config::{Config, ConfigError, Environment, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

/// The defaults, with every key there is.
const DEFAULTS: &str = include_str!("../../settings/default.toml");

/// Why settings are refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {problem}")]
pub struct SettingsError {
    /// The file, or the environment.
    origin: String,
    /// Key, value and remedy.
    problem: String,
}

impl SettingsError {
    /// An error about a key that is not set.
    pub(super) fn of(key: &str, what: &str) -> Self {
        problem("settings", format!("{key} = \"\": {what}"))
    }
}

/// The three layers, each with the name that an error calls it by.
pub(super) struct Layers {
    layers: Vec<(String, Map<String, Value>)>,
}

impl Layers {
    pub(super) fn read(file: Option<&Path>) -> Result<Self, SettingsError> {
        let defaults = ("the built-in defaults".to_owned(), collect(DEFAULTS)?);
        let mut layers = vec![defaults];
        if let Some(path) = file {
            let origin = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|error| problem(&origin, format!("cannot be read: {error}")))?;
            let keys = collect(&text).map_err(|error| problem(&origin, error.problem))?;
            layers.push((origin, keys));
        }
        let environment = Environment::with_prefix("GRADES").separator("__").collect();
        let keys = environment.map_err(|error| problem("the environment", error.to_string()))?;
        layers.push(("the environment".to_owned(), keys));
        let layers = Self { layers };
        layers.refuse_unknown_keys()?;
        layers.refuse_other_kinds()?;
        Ok(layers)
    }

    /// What all layers come to.
    pub(super) fn merged<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        let mut builder = Config::builder();
        for (_, keys) in &self.layers {
            for (key, value) in keys {
                builder = builder
                    .set_override(key, value.clone())
                    .map_err(|error| problem("settings", error.to_string()))?;
            }
        }
        let merged = builder.build().and_then(Config::try_deserialize);
        merged.map_err(|error| self.wrong_type(&error))
    }

    fn refuse_unknown_keys(&self) -> Result<(), SettingsError> {
        let Some((_, known)) = self.layers.first() else {
            return Ok(());
        };
        for (origin, keys) in &self.layers {
            if let Some(key) = keys.keys().find(|key| !known.contains_key(*key)) {
                let section = key.split_once('.').map_or("", |(section, _)| section);
                let mut siblings: Vec<_> = known
                    .keys()
                    .filter(|known| known.starts_with(&format!("{section}.")))
                    .collect();
                if siblings.is_empty() {
                    siblings = known.keys().collect();
                }
                siblings.sort();
                let siblings = siblings.iter().map(|key| key.as_str()).collect::<Vec<_>>();
                let text = format!("{key}: no such setting; there are: {}", siblings.join(", "));
                return Err(problem(origin, text));
            }
        }
        Ok(())
    }

    /// Refuses values that `config` would bend into the right kind: a number with a fraction, or
    /// anything but a text where only a text makes sense.
    fn refuse_other_kinds(&self) -> Result<(), SettingsError> {
        let Some((_, defaults)) = self.layers.first() else {
            return Ok(());
        };
        for (key, value) in self.layers.iter().flat_map(|(_, keys)| keys) {
            let default = defaults.get(key).map(|default| &default.kind);
            match (&value.kind, default) {
                (ValueKind::Float(_), _) => return Err(self.bad(key, "is not a whole number")),
                (ValueKind::String(_), _) => {}
                (_, Some(ValueKind::String(text))) if text.parse::<ByteSize>().is_err() => {
                    return Err(self.bad(key, "is not a text in quotes"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What `config` expects in place of a value. The value itself is left to [`shown`].
    fn wrong_type(&self, error: &ConfigError) -> SettingsError {
        let text = error.to_string();
        let Some((what, key)) = text.split_once(" for key `") else {
            return problem("settings", "cannot be read".to_owned());
        };
        let expected = what.rsplit_once("expected ").map_or("another value", |(_, kind)| kind);
        let key = key.split('`').next().unwrap_or_default();
        self.bad(key, &format!("is not {expected}"))
    }

    /// An error about the value that a key has.
    pub(super) fn bad(&self, key: &str, what: &str) -> SettingsError {
        let set = self.layers.iter().rev().find(|(_, keys)| keys.contains_key(key));
        let origin = set.map_or("settings", |(origin, _)| origin);
        let value = |keys: Option<&Map<String, Value>>| {
            keys.and_then(|keys| keys.get(key)).map_or_else(String::new, shown)
        };
        let seen = value(set.map(|(_, keys)| keys));
        let default = value(self.layers.first().map(|(_, keys)| keys));
        let remedy = match seen == default {
            true => String::new(),
            false => format!("; the default is {default}"),
        };
        problem(origin, format!("{key} = {seen}: {what}{remedy}"))
    }
}

fn problem(origin: &str, problem: String) -> SettingsError {
    SettingsError { origin: origin.to_owned(), problem }
}

/// The keys of a TOML text, each with its section.
fn collect(text: &str) -> Result<Map<String, Value>, SettingsError> {
    let table = config::File::from_str(text, FileFormat::Toml).collect();
    let table = table.map_err(|error| problem("settings", syntax_error(&error)))?;
    let mut keys = Map::new();
    for (section, value) in table {
        match value.kind {
            ValueKind::Table(table) => {
                keys.extend(
                    table.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)),
                );
            }
            _ => drop(keys.insert(section, value)),
        }
    }
    Ok(keys)
}

/// Where a TOML text is wrong and why, without the line itself, which may hold a secret.
fn syntax_error(error: &ConfigError) -> String {
    let text = error.to_string();
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    format!("{}: {}", lines().next().unwrap_or_default(), lines().next_back().unwrap_or_default())
}

/// A value as an error shows it; nothing as long as a key, which could be one.
fn shown(value: &Value) -> String {
    const SHOWN_BYTES_MAX: usize = 40;
    let text = value.to_string();
    match value.kind {
        _ if text.len() > SHOWN_BYTES_MAX => format!("<{} bytes>", text.len()),
        ValueKind::String(_) => format!("{text:?}"),
        _ => text,
    }
}
