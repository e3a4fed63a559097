//! Submitty: `User ID,Given Name,Family Name,Registration Section,...`. Source: its grade summaries.

use super::{Shape, every_row, seldom_marks};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};

pub(super) const SHAPE: Shape = Shape {
    name: "submitty",
    matches: |header, _| {
        ["user id", "given name", "family name"].iter().all(|name| header.has(name))
    },
    layout: |header, _| layout(header),
    row: every_row,
    widen: None,
};

fn layout(header: &Header) -> Layout {
    Layout::of_columns(header, |at, folded| match folded {
        "user id" => ColumnUse::Id,
        "given name" => ColumnUse::Name(NamePart::First),
        "family name" => ColumnUse::Name(NamePart::Last),
        "registration section" | "rotating section" => {
            ColumnUse::ignored("no marks, but something about the student")
        }
        _ => match seldom_marks(folded) {
            Some(reason) => ColumnUse::ignored(reason),
            None => AssessmentColumn::points(header.name(at)).into(),
        },
    })
}
