//! nbgrader: a row for each student and assignment,
//! `assignment,duedate,timestamp,student_id,...,score,max_score`. Source: `nbgrader/plugins/export.py`.

use std::collections::HashMap;

use gradebook::Decimal;

use super::{Shape, every_row};
use crate::cells::Cells;
use crate::columns::Header;
use crate::error::{Column, ErrorList};
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowText};
use crate::problem::{Problem, Shown};
use crate::table::{CELLS_MAX, StoredRow, Wide};

pub(super) const SHAPE: Shape = Shape {
    name: "nbgrader",
    matches: |header, _| {
        ["assignment", "student_id", "score", "max_score"].iter().all(|name| header.has(name))
    },
    layout: |header, _| Layout::of_columns(header, |_, _| ColumnUse::ignored("")),
    row: every_row,
    widen: Some(widen),
};

/// The columns of a wide table that stand before its assessments.
const OF_STUDENT: [(&str, ColumnUse); 3] = [
    ("student_id", ColumnUse::Id),
    ("first_name", ColumnUse::Name(NamePart::First)),
    ("last_name", ColumnUse::Name(NamePart::Last)),
];

/// One student's row of the wide table.
struct Student<'a> {
    row: u64,
    texts: [&'a str; OF_STUDENT.len()],
    /// For each assessment, the mark and the row that it stands in.
    marks: Vec<Option<(String, u64)>>,
}

fn widen(header: &Header, rows: &[StoredRow], errors: &mut ErrorList) -> Wide {
    let at = |name: &str| header.find(name).unwrap_or(usize::MAX);
    let column = |name: &str| Column { number: at(name) + 1, name: Some(name.to_owned()) };
    let mut assessments: Vec<AssessmentColumn> = Vec::new();
    let mut students: Vec<Student<'_>> = Vec::new();
    let (mut by_name, mut by_id) = (HashMap::new(), HashMap::new());
    for row in rows {
        let text = RowText(&row.cells);
        if row.cells.len() != header.len() {
            let problem = Problem::RowLength { cells: row.cells.len(), columns: header.len() };
            errors.push(problem.at_row(row.number));
            continue;
        }
        let name = text.cell(at("assignment"));
        let id = text.cell(at("student_id"));
        if name.is_empty() || id.is_empty() {
            let missing = if name.is_empty() { "assignment" } else { "student_id" };
            errors.push(Problem::BadId.at(row.number, column(missing)));
            continue;
        }
        let assessment = *by_name.entry(name).or_insert_with(|| {
            assessments.push(AssessmentColumn::points(name));
            assessments.len() - 1
        });
        let student = *by_id.entry(id).or_insert_with(|| {
            let texts = OF_STUDENT.each_ref().map(|(name, _)| text.cell(at(name)));
            students.push(Student { row: row.number, texts, marks: Vec::new() });
            students.len() - 1
        });
        if let Some(known) = assessments.get_mut(assessment) {
            let stated = text.cell(at("max_score"));
            match (Decimal::parse(stated), known.out_of) {
                (Ok(maximum), None) => known.out_of = Some(maximum),
                (Ok(maximum), Some(other)) if maximum != other => {
                    let (here, there) = (maximum.to_string(), other.to_string());
                    let problem = Problem::OtherMaximum { here, there };
                    errors.push(problem.at(row.number, column("max_score")));
                }
                (Err(_), _) if !stated.is_empty() => {
                    let problem = Problem::BadMaximum(Shown::new(stated));
                    errors.push(problem.at(row.number, column("max_score")));
                }
                _ => {}
            }
        }
        let score = text.cell(at("score"));
        // What was never submitted is exported as 0.0 without a time.
        let is_zero = Decimal::parse(score).is_ok_and(|score| score == Decimal::default());
        let missing = header.has("timestamp") && text.cell(at("timestamp")).is_empty() && is_zero;
        let mark = if missing { "missing" } else { score }.to_owned();
        if students.len().saturating_mul(assessments.len()) > CELLS_MAX {
            errors.push(Problem::TooManyCells(CELLS_MAX).anywhere());
            return wide(header.row, Vec::new(), &[]);
        }
        let Some(Student { marks, .. }) = students.get_mut(student) else { continue };
        marks.resize(marks.len().max(assessment + 1), None);
        match marks.get_mut(assessment) {
            Some(Some((_, first))) => {
                errors.push(Problem::SecondMark { first: *first }.at(row.number, column("score")));
            }
            Some(place) => *place = Some((mark, row.number)),
            None => {}
        }
    }
    wide(header.row, assessments, &students)
}

fn wide(header_row: u64, assessments: Vec<AssessmentColumn>, students: &[Student<'_>]) -> Wide {
    let names = OF_STUDENT.iter().map(|(name, _)| (*name).to_owned());
    let names = names.chain(assessments.iter().map(|column| column.name.clone()));
    let header = Header::new(header_row, names);
    let columns = assessments.len();
    let of_student = OF_STUDENT.into_iter().map(|(_, column)| column);
    let uses = of_student.chain(assessments.into_iter().map(ColumnUse::from)).collect();
    let rows = students.iter().map(|student| {
        let mut cells = Cells::from(student.texts.as_slice());
        let mut cell_rows = vec![student.row; OF_STUDENT.len()];
        for at in 0..columns {
            let (mark, row) = match student.marks.get(at) {
                Some(Some((mark, row))) => (mark.as_str(), *row),
                _ => ("", student.row),
            };
            cells.push(mark);
            cell_rows.push(row);
        }
        StoredRow { number: student.row, cells, cell_rows: Some(cell_rows.into()) }
    });
    Wide { rows: rows.collect(), header, layout: Layout { uses } }
}
