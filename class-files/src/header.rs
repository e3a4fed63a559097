//! The header of a plain file: which column holds what.

use csv::ByteRecord;
use fernet_batch::redact::{contains_key, redact_runs};
use strsim::jaro_winkler;

use crate::columns::{ID, KEY, NAME, on_one_line};
use crate::error::{ClassFileError, Column};
use crate::key_file::KeyFile;

/// The columns of a class file.
pub(crate) struct Header<'a> {
    pub(crate) columns: usize,
    pub(crate) name: usize,
    pub(crate) id: usize,
    pub(crate) keys: KeySource<'a>,
    /// The columns of marks with their names, in file order.
    pub(crate) assessments: Vec<(usize, String)>,
    /// The columns without a name, which must be blank throughout.
    pub(crate) unnamed: Vec<usize>,
}

/// Where keys come from.
pub(crate) enum KeySource<'a> {
    Column(usize),
    File(&'a KeyFile),
}

impl<'a> Header<'a> {
    /// Reads the first row of a class file.
    pub(crate) fn read(
        row: &ByteRecord,
        keys: Option<&'a KeyFile>,
    ) -> Result<Self, ClassFileError> {
        let names = names(row)?;
        let name = find(&names, NAME)?;
        let id = find(&names, ID)?;
        let keys = match (keys, find(&names, KEY)) {
            (None, key) => KeySource::Column(key?),
            (Some(keys), Err(_)) => KeySource::File(keys),
            (Some(_), Ok(at)) => return Err(ClassFileError::KeysTwice { column: at + 1 }),
        };
        check_unique(&names)?;
        let mut assessments = Vec::new();
        let mut unnamed = Vec::new();
        for (at, text) in names.iter().enumerate() {
            if contains_key(text) {
                let column = Column { number: at + 1, name: None };
                return Err(ClassFileError::LooksLikeAKey { row: 1, column });
            }
            let is_key = matches!(keys, KeySource::Column(key) if key == at);
            if at == name || at == id || is_key {
                continue;
            }
            if text.is_empty() {
                unnamed.push(at);
            } else {
                assessments.push((at, text.clone()));
            }
        }
        Ok(Self { columns: names.len(), name, id, keys, assessments, unnamed })
    }

    /// A column for an error text, counted from 0.
    pub(crate) fn column(&self, at: usize) -> Column {
        let assessment = self.assessments.iter().find(|(column, _)| *column == at);
        Column { number: at + 1, name: assessment.map(|(_, name)| name.clone()) }
    }
}

fn names(row: &ByteRecord) -> Result<Vec<String>, ClassFileError> {
    let mut names = Vec::new();
    for (at, cell) in row.iter().enumerate() {
        let text = std::str::from_utf8(cell).map_err(|_| {
            let column = Column { number: at + 1, name: None };
            ClassFileError::NotUtf8 { row: 1, column }
        })?;
        names.push(on_one_line(text));
    }
    Ok(names)
}

fn find(names: &[String], wanted: &'static str) -> Result<usize, ClassFileError> {
    let at = names.iter().position(|name| name == wanted);
    at.ok_or_else(|| ClassFileError::MissingColumn { name: wanted, hint: hint(names, wanted) })
}

/// What to do about a header without a required column.
fn hint(names: &[String], wanted: &str) -> String {
    if let [only] = names
        && only.contains(';')
    {
        return "; export it again with commas, not semicolons".to_owned();
    }
    if let Some((at, found)) = nearly_named(names, wanted) {
        return format!("; column {at} is named {found:?}: rename it to {wanted:?}");
    }
    if wanted == KEY {
        return "; add it, or name a key file in gradebook.keys_file, which \"grade-actor-server keys \
                issue\" makes"
            .to_owned();
    }
    let found: Vec<_> = names.iter().take(HEADERS_SHOWN_MAX).map(|name| shown(name)).collect();
    format!(
        "; the first row must name Name, ID Number, Key and the assessments, and begins with {}",
        found.join(", ")
    )
}

/// The most names of columns that an error text repeats.
const HEADERS_SHOWN_MAX: usize = 5;

/// The column, counted from 1, whose name most likely means the wanted one.
fn nearly_named(names: &[String], wanted: &str) -> Option<(usize, String)> {
    /// The similarity from which on a person recognises a name.
    const SIMILARITY_MIN: f64 = 0.85;
    let wanted = wanted.to_lowercase();
    let similarity = |name: &String| jaro_winkler(&name.to_lowercase(), &wanted);
    let named = (1..).zip(names).filter(|(_, name)| ![NAME, ID, KEY].contains(&name.as_str()));
    let rated = named.map(|(at, name)| (similarity(name), at, name));
    let (rating, at, name) = rated.max_by(|(one, ..), (other, ..)| one.total_cmp(other))?;
    (rating >= SIMILARITY_MIN).then(|| (at, redact_runs(name, |_| false).into_owned()))
}

/// A name for an error text; only length and kind of what could be a part of a key.
fn shown(name: &str) -> String {
    format!("{:?}", redact_runs(name, |_| false))
}

fn check_unique(names: &[String]) -> Result<(), ClassFileError> {
    for (second, name) in names.iter().enumerate() {
        let first = names.iter().position(|other| other == name).unwrap_or(second);
        if first < second && !name.is_empty() {
            return Err(ClassFileError::DuplicateHeader { first: first + 1, second: second + 1 });
        }
    }
    Ok(())
}
