//! The shapes of class files: what the exports of other systems look like.
//!
//! A file for each shape says how to recognise it and what its columns are for. A new shape is a file
//! with a [`Shape`], and a line in [`SHAPES`].

mod autolab;
mod blackboard;
mod brightspace;
mod canvas;
mod coursys;
mod gradescope;
mod markus;
mod moodle;
mod moodle_words;
mod moodle_worksheet;
mod nbgrader;
mod okpy;
pub(crate) mod oneroster;
mod plain;
mod relate;
mod sakai;
mod submitty;
mod table;

use gradebook::Decimal;

use crate::columns::Header;
use crate::error::ErrorList;
use crate::layout::{Layout, RowKind, RowText};
use crate::table::{StoredRow, Wide};

/// How to read the files of one system.
pub(crate) struct Shape {
    /// The name in `gradebook.format`.
    pub(crate) name: &'static str,
    /// Whether a file with this header and this first row has the shape.
    pub(crate) matches: fn(&Header, RowText<'_>) -> bool,
    /// What each column is for.
    pub(crate) layout: fn(&Header, &Surroundings<'_>) -> Layout,
    /// What a row is. It is asked for each row before the first student, and for rows that may be no
    /// student.
    pub(crate) row: fn(RowText<'_>, &Header, &Layout) -> RowKind,
    /// Brings a file with a row for each mark into the form of a row for each student.
    pub(crate) widen: Option<Widen>,
}

/// Makes a table with a row for each student of one with a row for each mark.
type Widen = fn(&Header, &[StoredRow], &mut ErrorList) -> Wide;

/// What a layout may depend on besides the header.
pub(crate) struct Surroundings<'a> {
    /// The name of the file without its ending.
    pub(crate) file_stem: &'a str,
    /// The first row below the header.
    pub(crate) first_row: RowText<'a>,
}

/// All shapes; the first that matches a file is taken, and `table` matches every file.
static SHAPES: [&Shape; 18] = [
    &plain::SHAPE,
    &brightspace::SHAPE,
    &canvas::SHAPE,
    &moodle::SHAPE,
    &moodle_worksheet::SHAPE,
    &blackboard::SHAPE,
    &gradescope::COURSE,
    &gradescope::ASSIGNMENT,
    &sakai::SHAPE,
    &markus::SHAPE,
    &autolab::SHAPE,
    &nbgrader::SHAPE,
    &okpy::SHAPE,
    &submitty::SHAPE,
    &relate::SHAPE,
    &coursys::SHAPE,
    &oneroster::SHAPE,
    &table::SHAPE,
];

/// The names of all formats: the values of `gradebook.format`.
pub(crate) fn format_names() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().map(|shape| shape.name)
}

/// The name of the shape whose files state when they were exported.
pub(crate) const MOODLE: &str = moodle::SHAPE.name;

/// When a file of the shape [`MOODLE`] was exported, in seconds since 1970, by its first row.
pub(crate) fn exported_at(first_row: RowText<'_>) -> Option<u64> {
    moodle::exported_at(first_row.last_cell())
}

/// The shape with this name.
pub(crate) fn named(name: &str) -> Option<&'static Shape> {
    SHAPES.into_iter().find(|shape| shape.name == name)
}

/// The shape of a file.
pub(crate) fn detect(header: &Header, first_row: RowText<'_>) -> &'static Shape {
    let mut shapes = SHAPES.into_iter();
    shapes.find(|shape| (shape.matches)(header, first_row)).unwrap_or(&table::SHAPE)
}

/// The `row` of a shape in which each row is a student.
fn every_row(_: RowText<'_>, _: &Header, _: &Layout) -> RowKind {
    RowKind::Student
}

/// A number in a header: `10`, `10,5`, or `1,000`, in which the comma separates thousands.
fn header_number(text: &str) -> Option<Decimal> {
    let thousands = text.split_once(',').is_some_and(|(whole, rest)| {
        rest.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0')
    });
    let text = text.replace(',', if thousands { "" } else { "." });
    Decimal::parse(&text).ok().filter(|number| *number > Decimal::default())
}

/// Why columns with such a name are no assessments, in every shape but `plain`.
pub(crate) fn seldom_marks(folded: &str) -> Option<&'static str> {
    const TOTALS: [&str; 19] = [
        "total",
        "totals",
        "subtotal",
        "sum",
        "average",
        "mean",
        "final grade",
        "final mark",
        "final score",
        "course grade",
        "overall",
        "current grade",
        "current score",
        "gesamt",
        "summe",
        "durchschnitt",
        "gpa",
        "percent",
        "percentage",
    ];
    const CALCULATED: [&str; 3] = ["calculated", "adjusted", "read only"];
    const PERSONAL: [&str; 23] = [
        "email address",
        "e-mail",
        "email",
        "mail",
        "login",
        "username",
        "user name",
        "user id",
        "userid",
        "section",
        "sections",
        "group",
        "institution",
        "department",
        "lecture",
        "tutorial",
        "school",
        "major",
        "year",
        "phone",
        "last access",
        "availability",
        "program",
    ];
    const TIMES: [&str; 7] = [
        "submission time",
        "submitted at",
        "timestamp",
        "lateness",
        "due date",
        "date",
        "last modified",
    ];
    const NOTES: [&str; 6] = ["note", "notes", "comment", "comments", "remark", "remarks"];
    let words: Vec<_> = folded.split(|char: char| !char.is_alphanumeric()).collect();
    let has_words = |wanted: &str| {
        let wanted: Vec<_> = wanted.split(|char: char| !char.is_alphanumeric()).collect();
        words.windows(wanted.len()).any(|part| part == wanted)
    };
    if TOTALS.into_iter().any(has_words) {
        Some("a total")
    } else if CALCULATED.into_iter().any(has_words) {
        Some("a calculated column")
    } else if PERSONAL.contains(&folded) {
        Some("no marks, but something about the student")
    } else if TIMES.into_iter().any(has_words) {
        Some("a time")
    } else if words.iter().any(|word| word.starts_with("gesamt") || *word == "endnote") {
        Some("a total")
    } else if folded.ends_with(" out of") || folded.ends_with(" max") || has_words("max points") {
        Some("a maximum")
    } else if NOTES.contains(&folded) || folded.ends_with(" comments") {
        Some("notes")
    } else {
        None
    }
}
