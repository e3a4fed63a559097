//! Canvas: `Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (208548),...`, perhaps a row of posting
//! policies, then a row of maxima. Source: `lib/gradebook_exporter.rb` of Canvas, and its exports.

use super::Shape;
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowKind, RowText};

pub(super) const SHAPE: Shape = Shape {
    name: "canvas",
    matches: |header, _| {
        let begins = header.begins_with(&["student", "id"])
            || header.begins_with(&["lastname", "firstname", "id"])
            || header.begins_with(&["last name", "first name", "id"]);
        begins && header.has("section")
    },
    layout: |header, _| layout(header),
    row,
    widen: None,
};

fn layout(header: &Header) -> Layout {
    let sis = header.find("sis user id");
    let login = header.find("sis login id");
    Layout::of_columns(header, |at, folded| match folded {
        _ if Some(at) == sis => ColumnUse::Id,
        _ if Some(at) == login && sis.is_none() => ColumnUse::Id,
        _ if Some(at) == login => ColumnUse::OtherId,
        "student" if at == 0 => ColumnUse::Name(NamePart::Sorted),
        "lastname" | "last name" if at == 0 => ColumnUse::Name(NamePart::Last),
        "firstname" | "first name" if at == 1 => ColumnUse::Name(NamePart::First),
        "id" => ColumnUse::ignored("the student's number inside Canvas"),
        "section" | "root account" | "integration id" => {
            ColumnUse::ignored("no marks, but something about the student")
        }
        _ => match title(header.name(at)) {
            Some(title) => AssessmentColumn::points(title).into(),
            None if is_total(folded) => ColumnUse::ignored("a total computed by Canvas"),
            None => {
                ColumnUse::ignored("a column of notes, or of another kind that is no assignment")
            }
        },
    })
}

/// The title in `Lab 1 (208548)`.
fn title(name: &str) -> Option<&str> {
    let (title, id) = name.strip_suffix(')')?.rsplit_once(" (")?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    (is_id && !title.is_empty()).then_some(title)
}

fn is_total(folded: &str) -> bool {
    let words = ["score", "grade", "points"];
    let kinds = ["current", "final", "unposted", "override"];
    words.iter().any(|word| folded.ends_with(word))
        && kinds.iter().any(|kind| folded.contains(kind))
}

fn row(row: RowText<'_>, header: &Header, layout: &Layout) -> RowKind {
    let ids = ["id", "sis user id", "sis login id", "section"].map(|name| header.find(name));
    let no_ids = row.all_blank(ids.into_iter().flatten());
    let name = row.cell(0).to_lowercase();
    let is_test_student = match layout.uses.first() {
        Some(ColumnUse::Name(NamePart::Last)) => {
            name == "student" && row.cell(1).eq_ignore_ascii_case("test")
        }
        _ => name == "student, test" || name == "test student",
    };
    if is_test_student {
        RowKind::Skipped("the test student")
    } else if no_ids && name.is_empty() {
        RowKind::Hidden("posting policies")
    } else if no_ids && (row.raw_cell(0).starts_with("    ") || name == "points possible") {
        RowKind::Maxima("points possible")
    } else {
        RowKind::Student
    }
}
