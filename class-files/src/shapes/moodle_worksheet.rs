//! Moodle's offline grading worksheet of one assignment:
//! `Identifier,Full name,Email address,Status,Grade,Maximum Grade,...,Feedback comments`.
//! Source: `mod/assign/feedback/offline` of Moodle.

use super::{Shape, every_row};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};

pub(super) const SHAPE: Shape = Shape {
    name: "moodle-worksheet",
    matches: |header, _| {
        header.has("identifier") && header.has("grade") && header.has("maximum grade")
    },
    layout: |header, surroundings| layout(header, surroundings.file_stem),
    row: every_row,
    widen: None,
};

fn layout(header: &Header, file_stem: &str) -> Layout {
    let grade = header.find("grade").unwrap_or_default();
    Layout::of_columns(header, |_, folded| match folded {
        "identifier" => ColumnUse::Id,
        "full name" => ColumnUse::Name(NamePart::Full),
        "grade" => AssessmentColumn::points(file_stem).into(),
        "maximum grade" => ColumnUse::Maximum { of: grade },
        "feedback comments" => ColumnUse::Comment { of: grade },
        "email address" | "id number" => {
            ColumnUse::ignored("no marks, but something about the student")
        }
        _ => ColumnUse::ignored("the state of a submission"),
    })
}
