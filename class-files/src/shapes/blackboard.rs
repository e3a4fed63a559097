//! Blackboard Learn: `Last Name,First Name,Username,Student ID,...,Lab 1 [Total Pts: 10 Score] |534283`.
//! Source: downloads of its grade center.

use gradebook::Decimal;

use super::Shape;
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowKind};
use crate::marks::{MarkKind, hundred};

pub(super) const SHAPE: Shape = Shape {
    name: "blackboard",
    matches: |header, _| header.names().any(|name| Item::parse(name).is_some()),
    layout: |header, _| layout(header),
    row: |row, header, _| {
        let login = header.find("username").map(|at| row.cell(at)).unwrap_or_default();
        let is_preview = login.to_lowercase().ends_with("_previewuser");
        if is_preview { RowKind::Skipped("the test student") } else { RowKind::Student }
    },
    widen: None,
};

fn layout(header: &Header) -> Layout {
    let student = header.find("student id");
    let username = header.find("username");
    Layout::of_columns(header, |at, folded| match folded {
        _ if Some(at) == student => ColumnUse::Id,
        _ if Some(at) == username && student.is_none() => ColumnUse::Id,
        _ if Some(at) == username => ColumnUse::OtherId,
        "last name" => ColumnUse::Name(NamePart::Last),
        "first name" => ColumnUse::Name(NamePart::First),
        _ => match Item::parse(header.name(at)) {
            Some(item) => item.column_use(),
            None => ColumnUse::ignored("no marks, but something about the student"),
        },
    })
}

/// `Lab 1 [Total Pts: 10 Score] |534283`
struct Item<'a> {
    title: &'a str,
    /// `10 Score`, or `up to 1,499 Score`
    points: &'a str,
}

impl<'a> Item<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (name, id) = name.rsplit_once('|')?;
        let (title, points) = name.trim_end().strip_suffix(']')?.rsplit_once("[Total Pts:")?;
        let is_id = !id.trim().is_empty() && id.trim().bytes().all(|byte| byte.is_ascii_digit());
        is_id.then_some(Self { title: title.trim_end(), points: points.trim() })
    }

    fn column_use(&self) -> ColumnUse {
        let (number, display) = self.points.split_once(' ').unwrap_or((self.points, ""));
        if self.points.to_lowercase().starts_with("up to") {
            return ColumnUse::ignored("a column calculated by Blackboard");
        }
        if super::seldom_marks(&self.title.to_lowercase()).is_some() {
            return ColumnUse::ignored("a total computed by Blackboard");
        }
        let out_of = Decimal::parse(&number.replace(',', "")).ok();
        let column = AssessmentColumn::points(self.title).out_of(out_of);
        match display.to_lowercase().as_str() {
            "percentage" => column.out_of(Some(hundred())).kind(MarkKind::Percent).into(),
            "letter" | "text" | "complete/incomplete" => {
                column.out_of(None).kind(MarkKind::Words).into()
            }
            _ => column.into(),
        }
    }
}
