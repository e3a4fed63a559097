//! Brightspace: `OrgDefinedId,Username,...,Lab 1 Points Grade <Numeric MaxPoints:10 ...>,...,End-of-Line
//! Indicator`. Source: exports of Brightspace, and its help page "Export grades".

use super::{Shape, header_number};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowKind};
use crate::marks::MarkKind;
use gradebook::Decimal;

pub(super) const SHAPE: Shape = Shape {
    name: "brightspace",
    matches: |header, _| {
        header.folded().last() == Some(LAST_COLUMN)
            && (header.has("orgdefinedid") || header.has("username"))
    },
    layout: |header, _| layout(header),
    row: |row, _, layout| {
        let id = layout.find(|usage| matches!(usage, ColumnUse::Id));
        let is_demo = id.is_some_and(|at| row.cell(at).to_lowercase().contains("d2l.demo.student"));
        if is_demo { RowKind::Skipped("the test student") } else { RowKind::Student }
    },
    widen: None,
};

const LAST_COLUMN: &str = "end-of-line indicator";

/// How an item is exported, the preferred way first.
const SUFFIXES: [(&str, MarkKind); 3] = [
    (" Points Grade", MarkKind::Points),
    (" Grade Symbol", MarkKind::Words),
    (" Text Grade", MarkKind::Words),
];

fn layout(header: &Header) -> Layout {
    let id = header.find("orgdefinedid").or_else(|| header.find("username"));
    let points: Vec<_> = header.names().filter_map(|name| item(name, SUFFIXES[0].0)).collect();
    Layout::of_columns(header, |at, folded| match folded {
        _ if Some(at) == id => ColumnUse::Id,
        "last name" => ColumnUse::Name(NamePart::Last),
        "first name" => ColumnUse::Name(NamePart::First),
        "username" => ColumnUse::ignored("the login"),
        "email" => ColumnUse::ignored("no marks, but something about the student"),
        LAST_COLUMN => ColumnUse::ignored("the end of the line"),
        _ => {
            let total = ["subtotal", "calculated ", "adjusted ", " <formula", " <calculated"]
                .iter()
                .any(|word| folded.contains(word));
            if total || folded.ends_with(" numerator") || folded.ends_with(" denominator") {
                return ColumnUse::ignored("a total computed by Brightspace");
            }
            let found = SUFFIXES
                .iter()
                .find_map(|(suffix, kind)| item(header.name(at), suffix).map(|name| (name, *kind)));
            match found {
                Some((name, kind)) if kind != MarkKind::Points && points.contains(&name) => {
                    ColumnUse::ignored("the same item as its points")
                }
                Some((name, kind)) => {
                    let out_of = maximum(header.name(at)).filter(|_| kind == MarkKind::Points);
                    AssessmentColumn::points(name).out_of(out_of).kind(kind).into()
                }
                None => ColumnUse::ignored("not a grade item"),
            }
        }
    })
}

/// The item's name in `Lab 1 Points Grade <Numeric MaxPoints:10>`.
fn item<'a>(name: &'a str, suffix: &str) -> Option<&'a str> {
    let title = name.rsplit_once(" <").map_or(name, |(title, _)| title);
    title.strip_suffix(suffix)
}

/// The maximum in `Lab 1 Points Grade <Numeric MaxPoints:10 Weight:25>`.
fn maximum(name: &str) -> Option<Decimal> {
    let (_, details) = name.rsplit_once(" <")?;
    let value = details.split(['<', '>', ' ']).find_map(|part| part.strip_prefix("MaxPoints:"))?;
    header_number(value)
}
