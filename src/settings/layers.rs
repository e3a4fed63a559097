//! The layers that settings are read from, and errors that name the layer where a value stands.

use std::path::Path;

use bytesize::ByteSize;
use config::{Config, ConfigError, Environment, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

use crate::redact::show_path;

/// The defaults, with every key that exists.
const DEFAULTS: &str = include_str!("../../settings/default.toml");

/// Keys that were settings once, and the values that they have now. A layer that still names one is
/// warned of, and otherwise ignored.
const RETIRED: [(&str, &str); 3] =
    [("lab.reveal_pause", "50ms"), ("limits.restarts_per_minute", "5"), ("timeouts.linger", "2s")];

/// Why settings are not valid.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{layer}: {problem}")]
pub struct SettingsError {
    /// The file, or the environment.
    layer: String,
    /// Key, value and remedy.
    problem: String,
}

impl SettingsError {
    fn new(layer: &str, problem: String) -> Self {
        Self { layer: layer.to_owned(), problem }
    }

    /// An error about a key that is not set.
    pub(super) fn unset(key: &str, what: &str) -> Self {
        Self::new("settings", format!("{key} = \"\": {what}"))
    }
}

/// The layers, the first one with the defaults.
pub(super) struct Layers {
    layers: Vec<Layer>,
    warnings: Vec<String>,
}

struct Layer {
    /// What an error calls it.
    name: String,
    keys: Map<String, Value>,
}

impl Layers {
    pub(super) fn read(file: Option<&Path>) -> Result<Self, SettingsError> {
        let name = "the built-in defaults".to_owned();
        let mut layers = vec![Layer { name, keys: flatten(DEFAULTS)? }];
        if let Some(path) = file {
            let name = show_path(path);
            let text = std::fs::read_to_string(path)
                .map_err(|error| SettingsError::new(&name, format!("cannot be read: {error}")))?;
            let keys = flatten(&text).map_err(|error| SettingsError::new(&name, error.problem))?;
            layers.push(Layer { name, keys });
        }
        let name = "the environment".to_owned();
        let keys = Environment::with_prefix("GRADES").separator("__").collect();
        let keys = keys.map_err(|error| SettingsError::new(&name, error.to_string()))?;
        layers.push(Layer { name, keys });
        let mut layers = Self { layers, warnings: Vec::new() };
        layers.drop_retired_keys();
        layers.check_keys()?;
        layers.check_kinds()?;
        Ok(layers)
    }

    /// What the operator should know of the layers.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// All layers as one value.
    pub(super) fn merge<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        let mut builder = Config::builder();
        for (key, value) in self.layers.iter().flat_map(|layer| &layer.keys) {
            builder = builder
                .set_override(key, value.clone())
                .map_err(|error| SettingsError::new("settings", error.to_string()))?;
        }
        let merged = builder.build().and_then(Config::try_deserialize);
        merged.map_err(|error| self.wrong_type(&error))
    }

    fn drop_retired_keys(&mut self) {
        for Layer { name, keys } in &mut self.layers {
            for (key, value) in RETIRED {
                if keys.remove(key).is_some() {
                    let text = format!("{name}: {key} is no longer a setting; it is {value}");
                    self.warnings.push(text);
                }
            }
        }
    }

    fn defaults(&self) -> Option<&Map<String, Value>> {
        self.layers.first().map(|layer| &layer.keys)
    }

    /// Rejects keys that do not exist.
    fn check_keys(&self) -> Result<(), SettingsError> {
        let Some(known) = self.defaults() else { return Ok(()) };
        for Layer { name, keys } in &self.layers {
            if let Some(key) = keys.keys().find(|key| !known.contains_key(*key)) {
                let siblings = siblings(known, key).join(", ");
                let problem = format!("{key}: no such setting; there are: {siblings}");
                return Err(SettingsError::new(name, problem));
            }
        }
        Ok(())
    }

    /// Rejects values that `config` would convert: a number with a fraction, or anything but a text
    /// where a text is expected.
    fn check_kinds(&self) -> Result<(), SettingsError> {
        let Some(defaults) = self.defaults() else { return Ok(()) };
        for (key, value) in self.layers.iter().flat_map(|layer| &layer.keys) {
            let default = defaults.get(key).map(|default| &default.kind);
            match (&value.kind, default) {
                (ValueKind::Float(_), _) => {
                    return Err(self.invalid(key, "is not a whole number"));
                }
                (ValueKind::String(_), _) => {}
                (_, Some(ValueKind::String(text))) if text.parse::<ByteSize>().is_err() => {
                    return Err(self.invalid(key, "is not a text in quotes"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What `config` expects in place of a value. The value itself is shown by [`display`].
    fn wrong_type(&self, error: &ConfigError) -> SettingsError {
        let text = error.to_string();
        let Some((what, key)) = text.split_once(" for key `") else {
            return SettingsError::new("settings", "cannot be read".to_owned());
        };
        let expected = what.rsplit_once("expected ").map_or("another value", |(_, kind)| kind);
        let key = key.split('`').next().unwrap_or_default();
        self.invalid(key, &format!("is not {expected}"))
    }

    /// An error about the value of a key.
    pub(super) fn invalid(&self, key: &str, what: &str) -> SettingsError {
        let layer = self.layers.iter().rev().find(|layer| layer.keys.contains_key(key));
        let name = layer.map_or("settings", |layer| &layer.name);
        let value = layer.and_then(|layer| layer.keys.get(key)).map_or_else(String::new, display);
        let default = self.defaults().and_then(|defaults| defaults.get(key));
        let default = default.map_or_else(String::new, display);
        let remedy = match value == default {
            true => String::new(),
            false => format!("; the default is {default}"),
        };
        SettingsError::new(name, format!("{key} = {value}: {what}{remedy}"))
    }
}

/// The keys of the same section; all keys if there is no such section.
fn siblings<'a>(known: &'a Map<String, Value>, key: &str) -> Vec<&'a str> {
    let section = key.split_once('.').map_or("", |(section, _)| section);
    let prefix = format!("{section}.");
    let mut siblings: Vec<_> = known.keys().map(String::as_str).collect();
    if siblings.iter().any(|known| known.starts_with(&prefix)) {
        siblings.retain(|known| known.starts_with(&prefix));
    }
    siblings.sort_unstable();
    siblings
}

/// The keys of a TOML text, each with its section.
fn flatten(text: &str) -> Result<Map<String, Value>, SettingsError> {
    let table = config::File::from_str(text, FileFormat::Toml).collect();
    let table = table.map_err(|error| SettingsError::new("settings", syntax_error(&error)))?;
    let mut keys = Map::new();
    for (section, value) in table {
        match value.kind {
            ValueKind::Table(table) => {
                for (key, value) in table {
                    keys.insert(format!("{section}.{key}"), value);
                }
            }
            _ => drop(keys.insert(section, value)),
        }
    }
    Ok(keys)
}

/// Where a TOML text is wrong and why, without the line itself, which may contain a secret.
fn syntax_error(error: &ConfigError) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    format!("{first}: {}", lines.next_back().unwrap_or(first))
}

/// A value in an error text; only its length if it could be a key.
fn display(value: &Value) -> String {
    const DISPLAY_BYTES_MAX: usize = 40;
    let text = value.to_string();
    match value.kind {
        _ if text.len() > DISPLAY_BYTES_MAX => format!("<{} bytes>", text.len()),
        ValueKind::String(_) => format!("{text:?}"),
        _ => text,
    }
}
