//! Which columns a class file must have, and what to do where one is missing.

use fernet_batch::redact::redact_runs;
use strsim::jaro_winkler;

use crate::columns::{Header, ID, IDS, KEY, NAME};
use crate::error::{Column, ErrorList};
use crate::layout::{ColumnUse, Layout};
use crate::problem::Problem;
use crate::shapes::Shape;
use crate::{Keys, ReadOptions};

/// Finds the errors of a header.
pub(crate) fn check(
    shape: &Shape,
    header: &Header,
    layout: &Layout,
    options: &ReadOptions<'_>,
    errors: &mut ErrorList,
) {
    let is_plain = shape.name == "plain";
    let is_table = is_plain || shape.name == "table";
    let has = |is_wanted: fn(&ColumnUse) -> bool| layout.find(is_wanted);
    let mut missing = |name: &str, hint: String| {
        errors.push(Problem::MissingColumn { name: name.to_owned(), hint }.at_row(header.row));
    };
    let has_name = has(|usage| matches!(usage, ColumnUse::Name(_))).is_some();
    let nearly_a_name = || nearly_named(header, layout, NAME).is_some();
    let needs_name = options.reads_marks && !has_name;
    if needs_name && (is_plain || is_table && nearly_a_name()) {
        return missing(NAME, hint(header, layout, NAME));
    }
    if has(|usage| matches!(usage, ColumnUse::Id)).is_none() {
        return missing(ID, hint(header, layout, ID));
    }
    let key = has(|usage| matches!(usage, ColumnUse::Key));
    match (options.keys, key) {
        (Keys::InClassFile, None) if is_table => missing(KEY, hint(header, layout, KEY)),
        (Keys::InClassFile, None) => errors.push(Problem::NoKeys.anywhere()),
        (Keys::KeyFile(_), Some(at)) => {
            let column = Column { number: at + 1, name: None };
            errors.push(Problem::KeysTwice.at(header.row, column));
        }
        _ => {}
    }
    if is_table {
        for (second, name) in header.names().enumerate() {
            let first = header.names().position(|other| other == name).unwrap_or(second);
            if first < second && !name.is_empty() {
                let problem = Problem::DuplicateHeader { first: first + 1, second: second + 1 };
                errors.push(problem.at_row(header.row));
            }
        }
    }
}

/// What to do about a header without a required column.
fn hint(header: &Header, layout: &Layout, wanted: &str) -> String {
    if let Some((at, found)) = nearly_named(header, layout, wanted) {
        return format!("; column {at} is named {found:?}: rename it to {wanted:?}");
    }
    if wanted == KEY {
        return "; add it, or name a key file in gradebook.keys_file, which \"grade-actor-server keys \
                issue\" makes"
            .to_owned();
    }
    /// The most names of columns that an error text repeats.
    const HEADERS_SHOWN_MAX: usize = 5;
    let found: Vec<_> = header.names().take(HEADERS_SHOWN_MAX).map(shown).collect();
    let found = found.join(", ");
    if header.names().filter(|name| !name.is_empty()).count() == 1 {
        return format!("; the first row is {found}: if it is a title, delete it");
    }
    let key = if wanted == ID { "id" } else { "name" };
    format!(
        "; the first row begins with {found}; name the column in the course file: [columns] {key} = \"...\""
    )
}

/// The column, counted from 1, whose name most likely means the wanted one.
fn nearly_named(header: &Header, layout: &Layout, wanted: &str) -> Option<(usize, String)> {
    /// The similarity from which on a person recognises a name.
    const SIMILARITY_MIN: f64 = 0.85;
    /// Of many names, one is similar by chance.
    const SYNONYM_PENALTY: f64 = 0.08;
    let wanted = wanted.to_lowercase();
    let free = header.names().enumerate().filter(|(at, name)| {
        let usage = layout.uses.get(*at);
        let is_free = matches!(usage, Some(ColumnUse::Assessment(_) | ColumnUse::Ignored(_)));
        is_free && !name.is_empty()
    });
    let similarity = |name: &str| {
        let name = name.to_lowercase();
        let ids = if wanted == ID.to_lowercase() { &IDS[..] } else { &[] };
        // Short names are similar to too much.
        let ids = ids.iter().copied().filter(|id| id.len() > "emplid".len());
        let synonyms = ids.map(|id| jaro_winkler(&name, id) - SYNONYM_PENALTY);
        synonyms.fold(jaro_winkler(&name, &wanted), f64::max)
    };
    let rated = free.map(|(at, name)| (similarity(name), at + 1, name));
    let (rating, at, name) = rated.max_by(|(one, ..), (other, ..)| one.total_cmp(other))?;
    (rating >= SIMILARITY_MIN).then(|| (at, redact_runs(name, |_| false).into_owned()))
}

/// A name for an error text; only length and kind of what could be a part of a key.
fn shown(name: &str) -> String {
    format!("{:?}", redact_runs(name, |_| false))
}
