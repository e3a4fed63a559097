//! RELATE: `user_name,last_name,first_name,...`, marks in percent. Source: `course/grades.py` of RELATE.

use super::{Shape, every_row, seldom_marks};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};
use crate::marks::{MarkKind, hundred};

pub(super) const SHAPE: Shape = Shape {
    name: "relate",
    matches: |header, _| header.begins_with(&["user_name", "last_name", "first_name"]),
    layout: |header, _| layout(header),
    row: every_row,
    widen: None,
};

fn layout(header: &Header) -> Layout {
    Layout::of_columns(header, |at, folded| match folded {
        "user_name" => ColumnUse::Id,
        "last_name" => ColumnUse::Name(NamePart::Last),
        "first_name" => ColumnUse::Name(NamePart::First),
        _ => match seldom_marks(folded) {
            Some(reason) => ColumnUse::ignored(reason),
            None => AssessmentColumn::points(header.name(at))
                .kind(MarkKind::Percent)
                .out_of(Some(hundred()))
                .into(),
        },
    })
}
