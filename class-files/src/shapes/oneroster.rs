//! OneRoster 1.1 and 1.2 in CSV: a zip archive or a folder with manifest.csv, users.csv, lineItems.csv,
//! results.csv. Source: 1EdTech OneRoster, CSV binding.

use std::collections::HashMap;

use gradebook::Decimal;

use super::{Shape, every_row};
use crate::cells::Cells;
use crate::columns::Header;
use crate::encoding::Text;
use crate::error::{ClassFileError, Column, ErrorList};
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowText};
use crate::problem::{Problem, Shown};
use crate::table::{CELLS_MAX, StoredRow, Table, Wide};
use crate::{FolderFile, workbook};

pub(crate) static SHAPE: Shape = Shape {
    name: "oneroster",
    // An archive or a folder is recognised by its manifest, and no single file has the shape.
    matches: |_, _| false,
    layout: |header, _| Layout::of_columns(header, |_, _| ColumnUse::ignored("")),
    row: every_row,
    widen: None,
};

const MANIFEST: &str = "manifest.csv";
const USERS: &str = "users.csv";
const ROLES: &str = "roles.csv";
const LINE_ITEMS: &str = "lineItems.csv";
const RESULTS: &str = "results.csv";

/// Returns true if an archive has a manifest.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    workbook::has_entry(bytes, MANIFEST)
}

/// The files of an export that students and marks are read from.
pub(crate) const FILES: [&str; 2] = [USERS, RESULTS];

/// Brings the files of an export into the form of a row for each student.
pub(crate) fn widen(
    files: &[FolderFile],
    rows_max: usize,
    errors: &mut ErrorList,
) -> Result<Wide, ClassFileError> {
    if !files.iter().any(|(name, _)| name == MANIFEST) {
        let text = "is a folder without manifest.csv, so no OneRoster export; name a file";
        return Err(Problem::Damaged(text.to_owned()).anywhere());
    }
    let users = Part::read(files, USERS, &["sourcedId"], rows_max)?;
    let items = Part::read(files, LINE_ITEMS, &["sourcedId", "title"], rows_max)?;
    let wanted = ["lineItemSourcedId", "studentSourcedId", "scoreStatus"];
    let results = Part::read(files, RESULTS, &wanted, rows_max)?;
    let roles = match files.iter().any(|(name, _)| name == ROLES) {
        true => Some(Part::read(files, ROLES, &["userSourcedId", "role"], rows_max)?),
        false => None,
    };
    Ok(Merge { users, items, results, roles }.wide(errors))
}

/// One file of the export.
struct Part {
    file: &'static str,
    header: Header,
    rows: Vec<StoredRow>,
}

impl Part {
    fn read(
        files: &[FolderFile],
        file: &'static str,
        wanted: &[&str],
        rows_max: usize,
    ) -> Result<Self, ClassFileError> {
        let found = files.iter().find(|(name, _)| name.eq_ignore_ascii_case(file));
        let (_, bytes) = found.ok_or_else(|| {
            let text = format!("has no {file}; export users, line items and results");
            Problem::Damaged(text).anywhere()
        })?;
        let part = Self::parse(bytes, file, rows_max).map_err(|error| error.in_file(Some(file)))?;
        for name in wanted {
            if !part.header.has(&name.to_lowercase()) {
                let hint = "; export it again in bulk mode".to_owned();
                let problem = Problem::MissingColumn { name: (*name).to_owned(), hint };
                return Err(problem.at_row(part.header.row).in_file(Some(file)));
            }
        }
        Ok(part)
    }

    fn parse(bytes: &[u8], file: &'static str, rows_max: usize) -> Result<Self, ClassFileError> {
        let text = Text::decode(bytes).map_err(|invalid| invalid.problem().anywhere())?;
        let mut table = Table::of_text(text.as_str(), b',')?;
        let rows = table.rest(rows_max)?;
        Ok(Self { file, header: table.header.clone(), rows })
    }

    /// The rows that are not deleted and complete.
    fn rows<'a>(&'a self, errors: &mut ErrorList) -> Vec<PartRow<'a>> {
        let mut rows = Vec::new();
        for row in &self.rows {
            let part_row = PartRow { part: self, row };
            if row.cells.len() != self.header.len() {
                let problem =
                    Problem::RowLength { cells: row.cells.len(), columns: self.header.len() };
                errors.push(problem.at_row(row.number).in_file(Some(self.file)));
            } else if !part_row.text("status").eq_ignore_ascii_case("tobedeleted") {
                rows.push(part_row);
            }
        }
        rows
    }
}

/// A row of one file.
#[derive(Clone, Copy)]
struct PartRow<'a> {
    part: &'a Part,
    row: &'a StoredRow,
}

impl<'a> PartRow<'a> {
    fn text(self, name: &str) -> &'a str {
        let at = self.part.header.find(&name.to_lowercase());
        at.map_or("", |at| RowText(&self.row.cells).cell(at))
    }

    fn error(self, problem: Problem, name: &str) -> ClassFileError {
        let number = self.part.header.find(&name.to_lowercase()).map_or(0, |at| at + 1);
        let column = Column { number, name: Some(name.to_owned()) };
        problem.at(self.row.number, column).in_file(Some(self.part.file))
    }
}

/// The files that make a class together.
struct Merge {
    users: Part,
    items: Part,
    results: Part,
    roles: Option<Part>,
}

/// One student's results: for each line item, the mark, the comment, and the row of the result.
struct Student<'a> {
    user: PartRow<'a>,
    results: HashMap<usize, (&'a str, &'a str, u64)>,
}

impl Merge {
    fn wide(&self, errors: &mut ErrorList) -> Wide {
        let mut assessments = Vec::new();
        let mut item_at = HashMap::new();
        for row in self.items.rows(errors) {
            let maximum = row.text("resultValueMax");
            let out_of = Decimal::parse(maximum).ok().filter(|out_of| *out_of > Decimal::default());
            if out_of.is_none() && !maximum.is_empty() {
                errors.push(row.error(Problem::BadMaximum(Shown::new(maximum)), "resultValueMax"));
            }
            if assessments.len() >= crate::COLUMNS_MAX {
                errors.push(Problem::TooManyCells(CELLS_MAX).anywhere().in_file(Some(LINE_ITEMS)));
                break;
            }
            if let Some((_, first)) =
                item_at.insert(row.text("sourcedId"), (assessments.len(), row.row.number))
            {
                errors.push(row.error(Problem::DuplicateEntry { first }, "sourcedId"));
            }
            assessments.push(AssessmentColumn::points(row.text("title")).out_of(out_of));
        }
        let mut students = Vec::new();
        let mut student_at = HashMap::new();
        let mut others = HashMap::new();
        let role_of = self.roles(errors);
        for user in self.users.rows(errors) {
            let id = user.text("sourcedId");
            let role = role_of.get(id).copied().unwrap_or_else(|| user.text("role"));
            if role.is_empty() || role.eq_ignore_ascii_case("student") {
                if let Some((_, first)) = student_at.insert(id, (students.len(), user.row.number)) {
                    errors.push(user.error(Problem::DuplicateEntry { first }, "sourcedId"));
                }
                students.push(Student { user, results: HashMap::new() });
            } else {
                others.insert(id, ());
            }
        }
        for result in self.results.rows(errors) {
            let item = item_at.get(result.text("lineItemSourcedId"));
            let student = student_at.get(result.text("studentSourcedId"));
            let (Some(item), Some(student)) = (item, student) else {
                let name = if item.is_none() { "lineItemSourcedId" } else { "studentSourcedId" };
                // A teacher may have results of their own.
                if item.is_none() || !others.contains_key(result.text(name)) {
                    let problem = Problem::NoSuchEntry(Shown::new(result.text(name)));
                    errors.push(result.error(problem, name));
                }
                continue;
            };
            let ((item, _), (student, _)) = (item, student);
            let Some(student) = students.get_mut(*student) else { continue };
            let found = (mark(result), result.text("comment"), result.row.number);
            if let Some((.., first)) = student.results.insert(*item, found) {
                errors.push(result.error(Problem::SecondMark { first }, "score"));
            }
        }
        if students.len().saturating_mul(assessments.len()).saturating_mul(2) > CELLS_MAX {
            errors.push(Problem::TooManyCells(CELLS_MAX).anywhere());
            return wide(Vec::new(), &[]);
        }
        wide(assessments, &students)
    }

    /// The role of each user, where a file of its own says it.
    fn roles<'a>(&'a self, errors: &mut ErrorList) -> HashMap<&'a str, &'a str> {
        let rows = self.roles.as_ref().map(|roles| roles.rows(errors)).unwrap_or_default();
        let mut roles = HashMap::new();
        for row in rows {
            let role = roles.entry(row.text("userSourcedId")).or_insert(row.text("role"));
            // Whoever is a student of one class may teach another.
            if row.text("role").eq_ignore_ascii_case("student") {
                *role = row.text("role");
            }
        }
        roles
    }
}

/// The mark of a result: its status wins over its score.
fn mark(result: PartRow<'_>) -> &str {
    let text_score = result.text("textScore");
    match result.text("scoreStatus").to_lowercase().as_str() {
        "exempt" => "EX",
        "not submitted" => "MI",
        "submitted" | "partially graded" => "",
        "" | "fully graded" if result.text("score").is_empty() => text_score,
        "" | "fully graded" => result.text("score"),
        // An unknown state is refused where the mark is read.
        _ => result.text("scoreStatus"),
    }
}

fn wide(assessments: Vec<AssessmentColumn>, students: &[Student<'_>]) -> Wide {
    let of_student = [
        ("identifier", ColumnUse::Id),
        ("username", ColumnUse::OtherId),
        ("givenName", ColumnUse::Name(NamePart::First)),
        ("familyName", ColumnUse::Name(NamePart::Last)),
    ];
    let first = of_student.len();
    let columns = assessments.len();
    let titles = assessments.iter().map(|assessment| assessment.name.clone());
    let titles: Vec<_> = titles.collect();
    let names = of_student.iter().map(|(name, _)| (*name).to_owned());
    let comments = titles.iter().map(|title| format!("{title} comment"));
    let header = Header::new(1, names.chain(titles.iter().cloned()).chain(comments));
    let comment_uses = (0..columns).map(|at| ColumnUse::Comment { of: first + at });
    let rows = students.iter().map(|student| {
        let texts = of_student.each_ref().map(|(name, _)| student.user.text(name));
        let mut cells = Cells::from(texts.as_slice());
        let number = student.user.row.number;
        let mut cell_rows = vec![number; first];
        let results = || (0..columns).map(|at| student.results.get(&at));
        for (text, row) in
            results().map(|result| result.map_or(("", number), |(mark, _, row)| (mark, *row)))
        {
            cells.push(text);
            cell_rows.push(row);
        }
        for (text, row) in
            results().map(|result| result.map_or(("", number), |(_, text, row)| (text, *row)))
        {
            cells.push(text);
            cell_rows.push(row);
        }
        StoredRow { number, cells, cell_rows: Some(cell_rows.into()) }
    });
    let rows = rows.collect();
    let uses = of_student.into_iter().map(|(_, usage)| usage);
    let uses = uses.chain(assessments.into_iter().map(ColumnUse::from)).chain(comment_uses);
    Wide { header, layout: Layout { uses: uses.collect() }, rows }
}
