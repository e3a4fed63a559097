//! okpy: `Email,SID,Lab 1 (Total),Project 1 (Composition)`. Source: `server/utils.py` of okpy.

use super::{Shape, every_row};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout};

pub(super) const SHAPE: Shape = Shape {
    name: "okpy",
    matches: |header, _| {
        header.begins_with(&["email", "sid"])
            && header.len() > 2
            && header.names().skip(2).all(|name| name.is_empty() || name.ends_with(')'))
    },
    layout: |header, _| layout(header),
    row: every_row,
    widen: None,
};

fn layout(header: &Header) -> Layout {
    Layout::of_columns(header, |at, folded| match folded {
        "sid" => ColumnUse::Id,
        "email" => ColumnUse::ignored("no marks, but something about the student"),
        _ => match header.name(at).strip_suffix(" (Total)") {
            Some(title) => AssessmentColumn::points(title).into(),
            None => ColumnUse::ignored("a part of a score"),
        },
    })
}
