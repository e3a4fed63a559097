//! Any other table: the columns of ID and name are found by the words that people use for them.

use super::{Shape, every_row, seldom_marks};
use crate::columns::{Header, IDS, KEY};
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};

pub(super) const SHAPE: Shape = Shape {
    name: "table",
    matches: |_, _| true,
    layout: |header, _| layout(header),
    row: every_row,
    widen: None,
};

/// The names of a column of names, in lower case.
pub(crate) const NAMES: [&str; 7] =
    ["name", "student", "student name", "full name", "display name", "studentname", "fullname"];
const FIRST_NAMES: [&str; 9] = [
    "first name",
    "firstname",
    "first_name",
    "given name",
    "given names",
    "givenname",
    "vorname",
    "prénom",
    "nombre",
];
const LAST_NAMES: [&str; 11] = [
    "last name",
    "lastname",
    "last_name",
    "surname",
    "family name",
    "familyname",
    "nachname",
    "nom",
    "nom de famille",
    "apellido",
    "apellidos",
];

/// The column of IDs.
pub(super) fn id_column(header: &Header) -> Option<usize> {
    IDS.into_iter().find_map(|name| header.find(name))
}

fn layout(header: &Header) -> Layout {
    let first_of = |names: &[&str]| names.iter().find_map(|name| header.find(name));
    let id = id_column(header);
    let name = first_of(&NAMES);
    let parts = (first_of(&FIRST_NAMES), first_of(&LAST_NAMES));
    let key = header.find(&KEY.to_lowercase());
    Layout::of_columns(header, |at, folded| {
        let here = Some(at);
        if here == id {
            ColumnUse::Id
        } else if here == key {
            ColumnUse::Key
        } else if here == parts.0 {
            ColumnUse::Name(NamePart::First)
        } else if here == parts.1 {
            ColumnUse::Name(NamePart::Last)
        } else if here == name {
            ColumnUse::Name(NamePart::Full)
        } else if IDS.contains(&folded) {
            ColumnUse::ignored("another ID")
        } else if let Some(reason) = seldom_marks(folded) {
            ColumnUse::ignored(reason)
        } else {
            AssessmentColumn::points(header.name(at)).into()
        }
    })
}
