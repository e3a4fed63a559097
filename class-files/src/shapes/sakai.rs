//! Sakai's gradebook: `Student ID,Student Name,Lab 1 [10],* Lab 1,# Course Grade`. A column with `*` has
//! comments, one with `#` is not meant to be read. Source: `gradebookng` of Sakai.

use gradebook::Decimal;

use super::{Shape, every_row, header_number, seldom_marks};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};

pub(super) const SHAPE: Shape = Shape {
    name: "sakai",
    matches: |header, _| {
        let is_marked =
            |name: &str| item(name).is_some() || name.starts_with("* ") || name.starts_with("# ");
        (header.begins_with(&["student id", "student name"])
            || header.begins_with(&["student id", "name"]))
            && header.names().any(is_marked)
    },
    layout: |header, _| layout(header),
    row: every_row,
    widen: None,
};

/// The title and the maximum in `Lab 1 [10,5]`.
fn item(name: &str) -> Option<(&str, Decimal)> {
    let (title, points) = name.strip_suffix(']')?.rsplit_once(" [")?;
    Some((title, header_number(points)?))
}

fn layout(header: &Header) -> Layout {
    Layout::of_columns(header, |at, folded| {
        let name = header.name(at);
        if folded == "student id" {
            ColumnUse::Id
        } else if at == 1 {
            ColumnUse::Name(NamePart::Sorted)
        } else if name.starts_with('#') {
            ColumnUse::ignored("marked with #, which Sakai does not read either")
        } else if let Some(title) = name.strip_prefix("* ") {
            let is_commented = |other: &str| item(other).is_some_and(|(item, _)| item == title);
            match header.names().position(is_commented) {
                Some(of) => ColumnUse::Comment { of },
                None => ColumnUse::ignored("the comments on an item without marks"),
            }
        } else if let Some((title, points)) = item(name) {
            match seldom_marks(&title.to_lowercase()) {
                Some(reason) => ColumnUse::ignored(reason),
                None => AssessmentColumn::points(title).out_of(Some(points)).into(),
            }
        } else {
            ColumnUse::ignored("not a grade item")
        }
    })
}
