//! Plain files: `Name,ID Number,Key,...`. Every other column is an assessment.

use super::{Shape, every_row};
use crate::columns::{Header, ID, KEY, NAME};
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};

pub(super) const SHAPE: Shape = Shape {
    name: "plain",
    matches: |header, _| {
        let has = |name: &str| header.has(&name.to_lowercase());
        has(ID) && (has(NAME) || has(KEY)) && !header.folded().any(is_of_another_shape)
            || has(NAME) && has(KEY) && super::table::id_column(header).is_none()
    },
    layout: |header, _| layout(header),
    row: every_row,
    widen: None,
};

/// Returns true for columns that a plain file may not have, beside `ID Number`.
fn is_of_another_shape(folded: &str) -> bool {
    ["first name", "last name", "surname", "user name"].contains(&folded)
}

fn layout(header: &Header) -> Layout {
    let first = |name: &str| header.find(&name.to_lowercase());
    let (id, name, key) = (first(ID), first(NAME), first(KEY));
    Layout::of_columns(header, |at, _| {
        if Some(at) == id {
            ColumnUse::Id
        } else if Some(at) == name {
            ColumnUse::Name(NamePart::Full)
        } else if Some(at) == key {
            ColumnUse::Key
        } else {
            AssessmentColumn::points(header.name(at)).into()
        }
    })
}
