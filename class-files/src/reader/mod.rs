//! Reads the rows of a table into a class.
//!
//! All errors of a file are collected, so that an instructor can repair it at once.

mod finish;
mod parts;
mod plan;
mod row_numbers;
mod student;

use std::collections::HashSet;

use fernet_batch::redact::contains_key;
use gradebook::{Assessment, AssessmentRelease, Class, Decimal, Mark, MarkIndex, RosterBuilder};
pub(crate) use plan::Origin;
use plan::{MarkColumn, NameColumns, Plan, column};
use row_numbers::RowNumbers;

use crate::columns::Header;
use crate::decimals::Decimals;
use crate::error::{ClassFileError, ClassFileErrors, Column, ErrorList};
use crate::explanation::Explanation;
use crate::identifiers::IdLengths;
use crate::key_file::KeyFile;
use crate::layout::{ColumnUse, Layout, NamePart, RowKind, RowText};
use crate::problem::{Problem, Shown};
use crate::shapes::Shape;
use crate::table::{StoredRow, Table};
use crate::{ReadOptions, course_apply, marks, required};

/// Reads one table.
pub(crate) struct ClassReader<'a> {
    options: &'a ReadOptions<'a>,
    origin: Origin,
    shape: &'static Shape,
    header: Header,
    layout: Layout,
    plan: Option<Box<Plan>>,
    decimals: Decimals,
    lengths: IdLengths,
    errors: ErrorList,
    explanation: &'a mut Explanation,
    /// The row number of each student of the class.
    rows: RowNumbers,
    /// Students whom the key file does not have. They are not in the class.
    without_key: Vec<String>,
    students: usize,
    /// How many there will be, about.
    students_expected: usize,
    /// Students with the keys that the class file has, if those are optional.
    found_keys: KeyFile,
    /// The marks of the row that is being read.
    marks: Vec<MarkIndex>,
    /// The first cell with a character of Windows-1252.
    changed: Option<(u64, Column)>,
}

/// What reading found.
pub(crate) struct Found {
    pub(crate) class: Result<Class, ClassFileErrors>,
    pub(crate) keys: KeyFile,
}

impl<'a> ClassReader<'a> {
    pub(crate) fn new(
        options: &'a ReadOptions<'a>,
        origin: Origin,
        shape: &'static Shape,
        (header, layout): (Header, Layout),
        explanation: &'a mut Explanation,
    ) -> Self {
        Self {
            options,
            origin,
            shape,
            header,
            layout,
            plan: None,
            decimals: Decimals::default(),
            lengths: IdLengths::default(),
            errors: ErrorList::default(),
            explanation,
            rows: RowNumbers::default(),
            without_key: Vec::new(),
            students: 0,
            students_expected: 0,
            found_keys: KeyFile::default(),
            marks: Vec::new(),
            changed: None,
        }
    }

    /// Reads the rows of a table. `errors` are those found so far.
    pub(crate) fn read(mut self, mut table: Table<'_>, errors: ErrorList) -> Found {
        self.errors = errors;
        self.check_header();
        if self.errors.is_empty()
            && let Err(error) = self.read_rows(&mut table)
        {
            self.errors.push_last(error);
        }
        self.finish()
    }

    /// Checks what the layout needs, and what no header may have.
    fn check_header(&mut self) {
        let mut missing = ErrorList::default();
        required::check(self.shape, &self.header, &self.layout, self.options, &mut missing);
        if let Some(missing) = missing.finish() {
            missing.into_errors().into_iter().for_each(|error| self.errors.push(error));
            return;
        }
        for (at, name) in self.header.names().enumerate() {
            let column = Column { number: at + 1, name: None };
            if contains_key(name) {
                self.errors.push(Problem::LooksLikeAKey.at(self.header.row, column));
            } else if let Err(problem) = marks::check_formula(name) {
                self.errors.push(problem.at(self.header.row, column));
            }
        }
    }

    fn read_rows(&mut self, table: &mut Table<'_>) -> Result<(), ClassFileError> {
        self.students_expected = table.about_left(self.options.limits.rows_max);
        let mut row = StoredRow::default();
        while table.next(&mut row)? {
            let kind = (self.shape.row)(RowText(&row.cells), &self.header, &self.layout);
            if matches!(kind, RowKind::Student) && self.plan.is_none() {
                self.start();
                if self.read_parts(table) {
                    return Ok(());
                }
                if let Some(plan) = &mut self.plan {
                    plan.builder.reserve(self.students_expected);
                }
            }
            match kind {
                RowKind::Student => {
                    if self.students >= self.options.limits.rows_max {
                        return Err(Problem::TooManyRows(self.options.limits.rows_max).anywhere());
                    }
                    self.read_student(&row)?;
                }
                RowKind::Skipped(reason) => self.explanation.skip(row.number, reason),
                RowKind::Maxima(_) | RowKind::Hidden(_) if self.plan.is_some() => {
                    self.errors.push(Problem::LateRow.at_row(row.number));
                }
                RowKind::Maxima(reason) => {
                    self.explanation.skip(row.number, reason);
                    self.read_maxima(&row);
                }
                RowKind::Hidden(reason) => {
                    self.explanation.skip(row.number, reason);
                    self.read_hidden(&row);
                }
            }
        }
        if self.plan.is_none() {
            self.start();
        }
        Ok(())
    }

    /// Reads the row of maxima.
    fn read_maxima(&mut self, row: &StoredRow) {
        let Self { layout, header, decimals, errors, .. } = self;
        for (at, usage) in layout.uses.iter_mut().enumerate() {
            let ColumnUse::Assessment(assessment) = usage else { continue };
            let text = RowText(&row.cells).cell(at);
            if text.starts_with('(') {
                *usage = ColumnUse::ignored("read only");
                continue;
            }
            if text.is_empty() {
                continue;
            }
            match decimals.number(text, row.number, || column(header, at)) {
                Ok(number) => assessment.out_of = Some(number).filter(|n| *n > Decimal::default()),
                Err(Problem::NotAMark(shown)) => {
                    errors.push(Problem::BadMaximum(shown).at(row.number, column(header, at)));
                }
                Err(problem) => errors.push(problem.at(row.number, column(header, at))),
            }
        }
    }

    /// Reads the row of posting policies.
    fn read_hidden(&mut self, row: &StoredRow) {
        for (at, usage) in self.layout.uses.iter_mut().enumerate() {
            if let ColumnUse::Assessment(assessment) = usage
                && !RowText(&row.cells).cell(at).is_empty()
            {
                assessment.release = AssessmentRelease::Hidden;
            }
        }
    }

    /// Settles what each column is for, before the first student is read.
    fn start(&mut self) {
        let course = self.options.course;
        let holds = course_apply::apply(course, &self.header, &mut self.layout, &mut self.errors);
        let Self { layout, header, errors, .. } = self;
        let mut names = HashSet::new();
        for (at, assessment) in layout.assessments() {
            if !names.insert(assessment.name.as_str()) {
                let name = Shown::new(&assessment.name).to_string();
                let problem = Problem::DuplicateAssessment(name.trim_matches('"').to_owned());
                errors.push(problem.at(header.row, column(header, at)));
            }
        }
        let mut builder = RosterBuilder::new(layout.assessments().map(|(_, column)| Assessment {
            name: column.name.clone(),
            out_of: column.out_of,
            release: column.release,
        }));
        // An empty table has room for one mark.
        let Ok(blank) = builder.mark(Mark::Blank) else { return };
        let columns: Vec<_> =
            layout.assessments().map(|(at, column)| MarkColumn::new(at, column, layout)).collect();
        let find =
            |part| layout.find(|usage| matches!(usage, ColumnUse::Name(found) if *found == part));
        let name = match (find(NamePart::Full), find(NamePart::Sorted)) {
            (Some(at), _) => NameColumns::Full(at),
            (None, Some(at)) => NameColumns::Sorted(at),
            (None, None) => match (find(NamePart::First), find(NamePart::Last)) {
                (None, None) => NameColumns::None,
                (first, last) => NameColumns::Parts(first, last),
            },
        };
        let checks_unnamed = matches!(self.shape.name, "plain" | "table");
        let unnamed =
            header.names().enumerate().filter(|(_, name)| checks_unnamed && name.is_empty());
        self.plan = Some(Box::new(Plan {
            builder,
            blank,
            id: layout.find(|usage| matches!(usage, ColumnUse::Id)).unwrap_or_default(),
            other_id: layout.find(|usage| matches!(usage, ColumnUse::OtherId)),
            name,
            key: layout.find(|usage| matches!(usage, ColumnUse::Key)),
            has_extras: columns.iter().any(MarkColumn::has_extras),
            columns,
            unnamed: unnamed.map(|(at, _)| at).collect(),
            holds,
        }));
    }

    fn in_students(&self, error: ClassFileError) -> ClassFileError {
        error.in_file(self.origin.files.map(|[students, _]| students))
    }
}
