//! Gradescope, of a course: `First Name,Last Name,SID,Email,Sections,Lab 1,Lab 1 - Max Points,...`; and of one
//! assignment: `...,SID,...,Total Score,Max Points,Status,Submission ID,...`. Source: its downloads.

use super::{Shape, every_row};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart};

pub(super) const COURSE: Shape = Shape {
    name: "gradescope-course",
    matches: |header, _| header.has("sid") && header.folded().any(|name| name.ends_with(MAXIMUM)),
    layout: |header, _| course(header),
    row: every_row,
    widen: None,
};

pub(super) const ASSIGNMENT: Shape = Shape {
    name: "gradescope-assignment",
    matches: |header, _| {
        ["sid", "total score", "max points", "status"].iter().all(|name| header.has(name))
    },
    layout: |header, surroundings| assignment(header, surroundings.file_stem),
    row: every_row,
    widen: None,
};

const MAXIMUM: &str = " - max points";

/// The columns that both files have.
fn of_student(folded: &str) -> Option<ColumnUse> {
    Some(match folded {
        "sid" => ColumnUse::Id,
        "first name" => ColumnUse::Name(NamePart::First),
        "last name" => ColumnUse::Name(NamePart::Last),
        "name" => ColumnUse::Name(NamePart::Full),
        "email" | "sections" | "section" | "section_name" => {
            ColumnUse::ignored("no marks, but something about the student")
        }
        _ => return None,
    })
}

fn course(header: &Header) -> Layout {
    Layout::of_columns(header, |at, folded| {
        if let Some(found) = of_student(folded) {
            return found;
        }
        let item_of = |suffix: &str| folded.strip_suffix(suffix).and_then(|item| header.find(item));
        if let Some(of) = item_of(MAXIMUM) {
            ColumnUse::Maximum { of }
        } else if folded.ends_with(" - submission time") {
            ColumnUse::ignored("the time of a submission")
        } else if folded.contains("lateness") {
            ColumnUse::ignored("how late a submission was")
        } else if header.has(&format!("{folded}{MAXIMUM}")) {
            AssessmentColumn::points(header.name(at)).into()
        } else {
            ColumnUse::ignored("not an assignment")
        }
    })
}

fn assignment(header: &Header, file_stem: &str) -> Layout {
    let score = header.find("total score").unwrap_or_default();
    Layout::of_columns(header, |_, folded| {
        of_student(folded).unwrap_or_else(|| match folded {
            "total score" => AssessmentColumn::points(file_stem).into(),
            "max points" => ColumnUse::Maximum { of: score },
            "status" => ColumnUse::State { of: score },
            "submission id" | "submission time" | "submission count" | "view count"
            | "lateness (h:m:s)" | "lateness" => ColumnUse::ignored("about the submission"),
            _ => ColumnUse::ignored("a question of the assignment"),
        })
    })
}
