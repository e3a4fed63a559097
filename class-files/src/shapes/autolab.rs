//! Autolab: `Email,first_name,last_name,...,grace_days_used,penalty_late_days,datalab,version,Lab
//! Average,Course Average`. Source: `app/controllers/gradebooks_controller.rb` of Autolab.

use super::{Shape, every_row, seldom_marks};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};

pub(super) const SHAPE: Shape = Shape {
    name: "autolab",
    matches: |header, _| {
        ["email", "first_name", "last_name", "grace_days_used"].iter().all(|name| header.has(name))
    },
    layout: |header, _| layout(header),
    row: every_row,
    widen: None,
};

fn layout(header: &Header) -> Layout {
    Layout::of_columns(header, |at, folded| match folded {
        "email" => ColumnUse::Id,
        "first_name" => ColumnUse::Name(NamePart::First),
        "last_name" => ColumnUse::Name(NamePart::Last),
        "grace_days_used" | "penalty_late_days" => ColumnUse::ignored("how late submissions were"),
        "version" => ColumnUse::ignored("the version of a submission"),
        _ => match seldom_marks(folded) {
            Some(reason) => ColumnUse::ignored(reason),
            None => AssessmentColumn::points(header.name(at)).into(),
        },
    })
}
