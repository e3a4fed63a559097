//! The layers that settings are read from, and errors that name the layer where a value stands.

use std::path::Path;

use config::{Config, ConfigError, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::environment;
use crate::redact::{nearest, redact_name, redact_word, show_path};

/// The defaults, with every key that exists.
const DEFAULTS: &str = include_str!("../../settings/default.toml");

/// The text of the default settings, which explains every setting.
pub fn default_settings() -> &'static str {
    DEFAULTS
}

/// Keys that were settings once, and the values that they have now. A layer that still names one is
/// warned of, and otherwise ignored.
const RETIRED: [(&str, &str); 3] =
    [("lab.reveal_pause", "50ms"), ("limits.restarts_per_minute", "5"), ("timeouts.linger", "2s")];

/// The sizes, which are numbers of bytes or texts with a unit.
const SIZES: [&str; 3] = ["gradebook.bytes_max", "limits.line_bytes", "limits.output_bytes"];

/// Numbers with decimals: a text is read exactly.
const NUMBERS: [&str; 1] = ["gradebook.privacy_budget"];

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

    /// The error of a program that was started without anything.
    pub(super) fn nothing_given() -> Self {
        let what = "start with --config FILE, as in --config settings/dev.toml; see --help";
        Self::new("no class file", what.to_owned())
    }

    /// The page was asked for in the profile that has none.
    pub(super) fn without_page() -> Self {
        let what = "server.profile = \"lab\": must be \"sealed\", since the page sends sealed requests only";
        Self::new("settings", what.to_owned())
    }

    /// A setting that a command needs is not set.
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
        let keys = environment::collect()
            .map_err(|error| SettingsError::new(environment::NAME, error.to_string()))?;
        layers.push(Layer { name: environment::NAME.to_owned(), keys });
        let mut layers = Self { layers, warnings: Vec::new() };
        layers.drop_retired_keys();
        layers.check_variables()?;
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

    /// Rejects variables that look like a setting with one underscore, and warns of others.
    fn check_variables(&mut self) -> Result<(), SettingsError> {
        let known = self.defaults().map(|known| known.keys().cloned().collect::<Vec<_>>());
        for variable in environment::misspelled() {
            let names = known.iter().flatten();
            match environment::nearest_setting(&variable, names.map(String::as_str)) {
                Some(setting) => {
                    let problem = format!("{variable}: is not read; the setting is {setting}");
                    return Err(SettingsError::new(environment::NAME, problem));
                }
                None => self.warnings.push(format!(
                    "{}: {} is not a setting; those begin with GRADES__",
                    environment::NAME,
                    redact_word(&variable)
                )),
            }
        }
        Ok(())
    }

    /// Rejects keys that do not exist.
    fn check_keys(&self) -> Result<(), SettingsError> {
        let Some(known) = self.defaults() else { return Ok(()) };
        for Layer { name, keys } in &self.layers {
            if let Some(key) = keys.keys().find(|key| !known.contains_key(*key)) {
                let spelled = |key: &str| match name.as_str() {
                    environment::NAME => environment::variable_of(key),
                    _ => key.to_owned(),
                };
                let parts: Vec<_> = known.keys().flat_map(|key| key.split('.')).collect();
                let shown = spelled(&redact_name(key, &parts));
                let names = || known.keys().map(String::as_str);
                let problem = if names().any(|name| name.starts_with(&format!("{key}."))) {
                    format!("{key}: is a section; write [{key}], and its settings below it")
                } else if let Some(nearest) = nearest(key, names()) {
                    format!("{shown}: no such setting; the nearest is {}", spelled(nearest))
                } else {
                    format!("{shown}: no such setting; grade-actor-server settings prints them all")
                };
                return Err(SettingsError::new(name, problem));
            }
        }
        Ok(())
    }

    /// Rejects values that `config` would convert: in a file, each value has the kind of its default.
    /// The environment has texts only, and those are converted.
    fn check_kinds(&self) -> Result<(), SettingsError> {
        let Some(defaults) = self.defaults() else { return Ok(()) };
        for Layer { name, keys } in &self.layers {
            let is_text = |value: &Value| matches!(value.kind, ValueKind::String(_));
            for (key, value) in keys {
                let what = match (&value.kind, defaults.get(key).map(|default| &default.kind)) {
                    (ValueKind::String(_), _) if name == environment::NAME => continue,
                    (ValueKind::String(_) | ValueKind::I64(_), _) if SIZES.contains(&&**key) => {
                        continue;
                    }
                    (ValueKind::String(_) | ValueKind::I64(_) | ValueKind::Float(_), _)
                        if NUMBERS.contains(&&**key) =>
                    {
                        continue;
                    }
                    (ValueKind::Array(texts), _) if environment::LISTS.contains(&&**key) => {
                        if texts.iter().all(is_text) {
                            continue;
                        }
                        "is not a list of texts in quotes"
                    }
                    (ValueKind::I64(_), Some(ValueKind::I64(_)))
                    | (ValueKind::Boolean(_), Some(ValueKind::Boolean(_)))
                    // A list of one may be a text.
                    | (ValueKind::String(_), Some(ValueKind::String(_) | ValueKind::Array(_))) => {
                        continue;
                    }
                    (_, Some(ValueKind::I64(_))) => "is not a whole number",
                    (_, Some(ValueKind::Boolean(_))) => "is not true or false, without quotes",
                    _ => "is not a text in quotes",
                };
                return Err(self.invalid(key, what));
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

/// A value in an error text; only length and kind of what could be a part of a key.
fn display(value: &Value) -> String {
    if let ValueKind::Array(values) = &value.kind {
        let values: Vec<_> = values.iter().map(display).collect();
        return format!("[{}]", values.join(", "));
    }
    let text = redact_word(&value.to_string());
    match value.kind {
        ValueKind::String(_) if !text.starts_with('<') => format!("\"{text}\""),
        _ => text,
    }
}
