//! CourSys: `Last name,First name,Userid,Emplid,Lab/Tutorial,...`. The third and the fourth name differ
//! between universities. Source: `grades/views.py` of CourSys.

use super::{Shape, every_row, seldom_marks};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowText};

pub(super) const SHAPE: Shape = Shape {
    name: "coursys",
    matches: |header, first_row| {
        header.begins_with(&["last name", "first name"]) && has_ids(header, first_row)
    },
    layout: |header, _| layout(header),
    row: every_row,
    widen: None,
};

const LOGIN: usize = 2;
const NUMBER: usize = 3;

/// Returns true if the third column is a login and the fourth a number, by their names or contents.
fn has_ids(header: &Header, first_row: RowText<'_>) -> bool {
    let has = |at, words: &[&str]| words.iter().any(|word| header.folded_name(at).contains(word));
    let named = has(LOGIN, &["userid", "user id", "computing id"])
        && has(NUMBER, &["emplid", "student id", "student number", "id number", "sfu"]);
    let (login, number) = (first_row.cell(LOGIN), first_row.cell(NUMBER));
    let looks_like_ids = login.starts_with(|char: char| char.is_ascii_alphabetic())
        && login.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && number.len() == 9
        && number.bytes().all(|byte| byte.is_ascii_digit());
    named || looks_like_ids && !has(LOGIN, &["id number"])
}

fn layout(header: &Header) -> Layout {
    Layout::of_columns(header, |at, folded| match (at, folded) {
        (0, _) => ColumnUse::Name(NamePart::Last),
        (1, _) => ColumnUse::Name(NamePart::First),
        (LOGIN, _) => ColumnUse::ignored("the login"),
        (NUMBER, _) => ColumnUse::Id,
        (_, "lab/tutorial" | "lab" | "tutorial") => {
            ColumnUse::ignored("no marks, but something about the student")
        }
        _ => match seldom_marks(folded) {
            Some(reason) => ColumnUse::ignored(reason),
            None => AssessmentColumn::points(header.name(at)).into(),
        },
    })
}
