//! MarkUs: `User Name,Section,Last Name,First Name,ID number,Email,Q1,Q2,Total`, and a second row of maxima
//! behind `Out Of`. Source: `course_summaries` and `grades_summary` of MarkUs.

use super::{Shape, seldom_marks};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowKind, RowText};

pub(super) const SHAPE: Shape = Shape {
    name: "markus",
    matches: |header, _| {
        ["user name", "id number", "last name", "first name"].iter().all(|name| header.has(name))
    },
    layout: |header, _| layout(header),
    row,
    widen: None,
};

fn layout(header: &Header) -> Layout {
    Layout::of_columns(header, |at, folded| match folded {
        "id number" => ColumnUse::Id,
        "last name" => ColumnUse::Name(NamePart::Last),
        "first name" => ColumnUse::Name(NamePart::First),
        "user name" => ColumnUse::ignored("the login"),
        "group name" => ColumnUse::ignored("no marks, but something about the student"),
        _ => match seldom_marks(folded) {
            Some(reason) => ColumnUse::ignored(reason),
            None => AssessmentColumn::points(header.name(at)).into(),
        },
    })
}

fn row(row: RowText<'_>, header: &Header, layout: &Layout) -> RowKind {
    let id = layout.find(|column| matches!(column, ColumnUse::Id));
    let first = layout.assessments().map(|(at, _)| at).next().unwrap_or(header.len());
    let says_out_of = (0..first).any(|at| row.cell(at).eq_ignore_ascii_case("out of"));
    if says_out_of && row.all_blank(id) { RowKind::Maxima("maxima") } else { RowKind::Student }
}
