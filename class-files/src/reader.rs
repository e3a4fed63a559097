//! Reads the rows of a table into a class.
//!
//! All errors of a file are collected, so that an instructor can repair it at once.

use std::collections::{HashMap, HashSet};

use csv::ByteRecord;
use fernet_batch::StudentKeys;
use fernet_batch::redact::contains_key;
use gradebook::{Class, Decimal, Duplicate, Mark, MarkIndex, MarkStatus, RosterBuilder, StudentId};

use crate::columns::{Header, KEY};
use crate::encoding::Encoding;
use crate::error::{ClassFileError, ClassFileErrors, Column, ErrorList, IdList, Problem, Shown};
use crate::explanation::Explanation;
use crate::identifiers::{self, IdLengths};
use crate::key_file::KeyFile;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowKind, RowText};
use crate::marks::{self, Decimals, MarkKind, Spelling, spelled};
use crate::rows::cell;
use crate::shapes::Shape;
use crate::table::{StoredRow, Table};
use crate::{Keys, ReadOptions, course_apply, explain, required};

/// What a table was read from.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// The encoding and the separator of a text.
    pub(crate) text: Option<(Encoding, u8)>,
    /// The file of an archive in which the students stand, and the one in which the marks stand.
    pub(crate) files: Option<[&'static str; 2]>,
    /// Whether any cell may contain a percent sign.
    pub(crate) may_have_percent: bool,
}

/// Reads one table.
pub(crate) struct ClassReader<'a> {
    options: &'a ReadOptions<'a>,
    origin: Origin,
    shape: &'static Shape,
    header: Header,
    layout: Layout,
    plan: Option<Plan>,
    decimals: Decimals,
    lengths: IdLengths,
    errors: ErrorList,
    explanation: &'a mut Explanation,
    /// The row number of each student of the class.
    rows: Vec<u64>,
    /// Students whom the key file does not have. They are not in the class.
    without_key: Vec<String>,
    students: usize,
    /// Students with the keys that the class file has, if those are optional.
    found_keys: KeyFile,
    /// The marks of the row that is being read.
    marks: Vec<MarkIndex>,
    /// The first cell with a character of Windows-1252.
    changed: Option<(u64, Column)>,
}

/// Where everything stands, once the rows above the first student are read.
struct Plan {
    builder: RosterBuilder,
    blank: MarkIndex,
    id: usize,
    other_id: Option<usize>,
    name: NameColumns,
    key: Option<usize>,
    columns: Vec<MarkColumn>,
    /// Whether any column has comments, maxima or states.
    has_extras: bool,
    /// The columns without a name, which must be blank.
    unnamed: Vec<usize>,
    /// For each student with a mark on hold, which columns are.
    holds: HashMap<String, Vec<bool>>,
}

/// A column of marks.
struct MarkColumn {
    at: usize,
    kind: MarkKind,
    out_of: Option<Decimal>,
    /// Whether the file states the maximum in its header or its first rows.
    stated: bool,
    /// Whether the column has a percentage, and whether it has a number without a percent sign.
    percent: bool,
    bare: bool,
    comment: Option<usize>,
    maximum: Option<usize>,
    state: Option<usize>,
}

#[derive(Clone, Copy)]
enum NameColumns {
    None,
    Full(usize),
    Sorted(usize),
    Parts(Option<usize>, Option<usize>),
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
            rows: Vec::new(),
            without_key: Vec::new(),
            students: 0,
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
            self.errors.push(error);
        }
        self.finish()
    }

    /// Checks what the layout needs, and what no header may have.
    fn check_header(&mut self) {
        let mut missing = ErrorList::default();
        required::check(self.shape, &self.header, &self.layout, self.options, &mut missing);
        if !missing.is_empty() {
            self.errors = missing;
            return;
        }
        for (at, name) in self.header.names().enumerate() {
            if contains_key(name) {
                let column = Column { number: at + 1, name: None };
                self.errors.push(Problem::LooksLikeAKey.at(self.header.row, column));
            }
        }
    }

    fn read_rows(&mut self, table: &mut Table<'_>) -> Result<(), ClassFileError> {
        let mut row = StoredRow::default();
        while table.next(&mut row)? {
            let kind = (self.shape.row)(RowText(&row.cells), &self.header, &self.layout);
            match kind {
                RowKind::Student => {
                    if self.students >= self.options.limits.rows_max {
                        return Err(Problem::TooManyRows(self.options.limits.rows_max).anywhere());
                    }
                    self.read_student(&row)?;
                }
                RowKind::Skipped(reason) => self.explanation.skip(row.number, reason),
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
                assessment.release = gradebook::AssessmentRelease::Hidden;
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
        let mut builder =
            RosterBuilder::new(layout.assessments().map(|(_, column)| gradebook::Assessment {
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
        self.plan = Some(Plan {
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
        });
    }

    fn read_student(&mut self, row: &StoredRow) -> Result<(), ClassFileError> {
        if self.plan.is_none() {
            self.start();
        }
        let Some(mut plan) = self.plan.take() else { return Ok(()) };
        let read = self.read_student_by(row, &mut plan);
        self.plan = Some(plan);
        read
    }

    fn read_student_by(&mut self, row: &StoredRow, plan: &mut Plan) -> Result<(), ClassFileError> {
        let number = row.number;
        let cells = &row.cells;
        if cells.len() != self.header.len() {
            let problem = Problem::RowLength { cells: cells.len(), columns: self.header.len() };
            self.errors.push(self.in_students(problem.at_row(number)));
            return Ok(());
        }
        for at in &plan.unnamed {
            if !cell(cells, *at).is_empty() {
                let column = Column { number: at + 1, name: None };
                self.errors.push(Problem::UnnamedColumn.at(number, column));
            }
        }
        if self.origin.text.is_some_and(|(encoding, _)| encoding == Encoding::Windows1252) {
            self.note_changed(number, cells);
        }
        let Some((id_at, id)) = self.student_id(number, cells, plan) else { return Ok(()) };
        self.students += 1;
        self.lengths.add(number, id.as_str());
        let name = student_name(cells, plan.name);
        let checked = [(id_at, id.as_str()), (plan.name.at().unwrap_or(id_at), name.as_ref())];
        if let Some((at, _)) = checked.into_iter().find(|(_, text)| contains_key(text)) {
            let problem = Problem::LooksLikeAKey.at(number, unnamed_column(at));
            self.errors.push(self.in_students(problem));
            return Ok(());
        }
        let keys = self.student_keys(number, &id, cells, plan);
        if self.options.reads_marks {
            self.read_marks(row, id.as_str(), plan);
        } else {
            self.marks.clear();
            self.marks.resize(plan.columns.len(), plan.blank);
        }
        let Some(keys) = keys else { return Ok(()) };
        let full = |_| Problem::TooManyBytes(u64::from(u32::MAX)).anywhere();
        plan.builder.add_row(&id, &name, keys, &self.marks).map_err(full)?;
        self.rows.push(number);
        if plan.has_extras && self.options.reads_marks {
            self.read_comments(row, id.as_str(), plan).map_err(full)?;
        }
        Ok(())
    }

    /// The student ID of a row, and its column; `None` if there is none.
    fn student_id<'r>(
        &mut self,
        number: u64,
        cells: &'r ByteRecord,
        plan: &Plan,
    ) -> Option<(usize, StudentId<'r>)> {
        let text = |at: usize| identifiers::bare(RowText(cells).raw_cell(at));
        let other = plan.other_id.filter(|_| text(plan.id).is_empty());
        let at = other.filter(|other| !text(*other).is_empty()).unwrap_or(plan.id);
        let id = text(at);
        if id.is_empty() && self.shape.name != "plain" {
            self.explanation.skip(number, "no student ID");
            return None;
        }
        match identifiers::parse(id) {
            Ok(id) => Some((at, id)),
            Err(problem) => {
                let error = problem.at(number, column(&self.header, at));
                self.errors.push(self.in_students(error));
                None
            }
        }
    }

    /// The keys of a student; `None` if the student is not added to the class.
    fn student_keys(
        &mut self,
        number: u64,
        id: &StudentId<'_>,
        cells: &ByteRecord,
        plan: &Plan,
    ) -> Option<StudentKeys> {
        let in_cell = plan.key.map(|at| (at, cell(cells, at)));
        let parsed = match (self.options.keys, in_cell) {
            (Keys::KeyFile(file), _) => {
                let keys = file.keys(id.as_str()).cloned();
                if keys.is_none() {
                    self.without_key.push(id.to_string());
                }
                return keys;
            }
            (Keys::Optional, None | Some((_, []))) => None,
            (_, Some((at, cell))) => Some((at, StudentKeys::parse(cell))),
            (Keys::InClassFile, None) => return None,
        };
        let keys = match parsed {
            None => None,
            Some((_, Ok(keys))) => Some(keys),
            Some((at, Err(error))) => {
                self.errors.push(Problem::BadKey(error).at(number, column(&self.header, at)));
                return None;
            }
        };
        if let Keys::Optional = self.options.keys {
            if let Err(error) = self.found_keys.add(id, number, keys) {
                self.errors.push(self.in_students(error));
            }
            return None;
        }
        keys
    }

    /// Reads the marks of a row into `self.marks`.
    fn read_marks(&mut self, row: &StoredRow, id: &str, plan: &mut Plan) {
        let Self { marks: read, decimals, errors, header, origin, .. } = self;
        let Plan { builder, columns, blank, holds, .. } = plan;
        read.clear();
        for mark_column in columns.iter_mut() {
            let bytes = cell(&row.cells, mark_column.at);
            let recalled =
                if mark_column.is_simple(*origin) { builder.recall(bytes) } else { None };
            if let Some(mark) = recalled {
                read.push(mark);
                continue;
            }
            let at = mark_column.at;
            let number_of_row = row.row_of(at);
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let mut number =
                |text: &str| decimals.number(text, number_of_row, || column(header, at));
            let spelling = spelled(text, mark_column.kind, &mut number)
                .and_then(|spelling| mark_column.settle(spelling, row, decimals, header));
            let mark = spelling.and_then(|spelling| {
                let full = |_| Problem::TooManyBytes(u64::from(u32::MAX));
                let mark = match (spelling.mark, mark_column.kind) {
                    (Mark::Letter(word), MarkKind::Words) => {
                        builder.mark(Mark::Letter(&marks::one_line(word)))
                    }
                    (mark, _) => builder.mark(mark),
                };
                let mark = mark.map_err(full)?;
                // What a cell says beyond its mark, it must say each time.
                if mark_column.is_simple(*origin) && spelling.out_of.is_none() {
                    builder.remember(bytes, mark);
                }
                Ok(mark)
            });
            read.push(mark.unwrap_or_else(|problem| {
                let file = origin.files.map(|[_, marks]| marks);
                errors.push(problem.at(number_of_row, column(header, at)).in_file(file));
                *blank
            }));
        }
        if !holds.is_empty()
            && let Some(held) = holds.get(id)
        {
            for (mark, held) in read.iter_mut().zip(held) {
                if *held {
                    *mark = *blank;
                }
            }
        }
    }

    /// Reads the comments of a row, whose student was added last.
    fn read_comments(
        &mut self,
        row: &StoredRow,
        id: &str,
        plan: &mut Plan,
    ) -> Result<(), gradebook::Full> {
        let held = plan.holds.get(id);
        for (n, mark_column) in plan.columns.iter().enumerate() {
            let Some(at) = mark_column.comment else { continue };
            let is_held = held.and_then(|held| held.get(n)).copied().unwrap_or_default();
            match marks::comment(RowText(&row.cells).cell(at)) {
                Ok(Some(comment)) if !is_held => plan.builder.comment(n, comment)?,
                Ok(_) => {}
                Err(problem) => {
                    let file = self.origin.files.map(|[_, marks]| marks);
                    let error = problem.at(row.row_of(at), column(&self.header, at));
                    self.errors.push(error.in_file(file));
                }
            }
        }
        Ok(())
    }

    /// Notes the first cell of a row that is not ASCII.
    fn note_changed(&mut self, number: u64, cells: &ByteRecord) {
        if self.changed.is_none() && !cells.as_slice().is_ascii() {
            let at = cells.iter().position(|cell| !cell.is_ascii()).unwrap_or_default();
            self.changed = Some((number, column(&self.header, at)));
        }
    }

    fn in_students(&self, error: ClassFileError) -> ClassFileError {
        error.in_file(self.origin.files.map(|[students, _]| students))
    }

    fn finish(mut self) -> Found {
        let plan = self.plan.take();
        if let Some(plan) = &plan {
            self.check_students(plan);
        }
        let comma_is_separator = self.origin.text.is_none_or(|(_, separator)| separator == b',');
        if comma_is_separator && let Some(error) = self.decimals.ambiguity() {
            self.errors.push(error);
        }
        self.explain(plan.as_ref());
        let class = plan.map(|plan| self.class(plan));
        let keys = std::mem::take(&mut self.found_keys);
        let class = match (self.errors.finish(), class) {
            (None, Some(Ok(class))) => Ok(class),
            (None, Some(Err(errors))) | (Some(errors), _) => Err(errors),
            (None, None) => Err(Problem::NoStudents.anywhere().into()),
        };
        let class = class.and_then(|class| match keys.check_keys() {
            Ok(()) => Ok(class),
            Err(error) => Err(error.into()),
        });
        if let Err(errors) = &class {
            self.explanation.set_errors(errors);
        }
        Found { class, keys }
    }

    /// Checks what needs all students.
    fn check_students(&mut self, plan: &Plan) {
        if !self.options.course.columns.any_id_length {
            let column = column(&self.header, plan.id);
            for error in self.lengths.too_short(&column) {
                self.errors.push(self.in_students(error));
            }
        }
    }

    /// Builds the class.
    fn class(&mut self, plan: Plan) -> Result<Class, ClassFileErrors> {
        let Plan { mut builder, columns, id, .. } = plan;
        for (n, column) in columns.iter().enumerate() {
            builder.set_out_of(n, column.out_of.or(self.options.course.out_of));
        }
        let row = |student: usize| self.rows.get(student).copied().unwrap_or_default();
        let mut duplicates = ErrorList::default();
        let class = builder.finish().map_err(|found| {
            for duplicate in found {
                let (problem, second, name) = match duplicate {
                    Duplicate::Id { first, second } => (
                        Problem::DuplicateId { first: row(first) },
                        second,
                        column(&self.header, id),
                    ),
                    Duplicate::Key { first, second } => {
                        let key = Column { number: 0, name: Some(KEY.to_owned()) };
                        (Problem::DuplicateKey { first: row(first) }, second, key)
                    }
                };
                duplicates.push(self.in_students(problem.at(row(second), name)));
            }
        });
        if let Some(errors) = duplicates.finish() {
            return self.with_duplicates(errors);
        }
        let class = class.map_err(|()| Problem::NoStudents.anywhere())?;
        let unknown = match self.options.keys {
            Keys::Optional => {
                course_apply::unknown_students(self.options.course, &self.found_keys.ids())
            }
            Keys::InClassFile | Keys::KeyFile(_) => {
                let ids: Vec<_> =
                    class.ids().chain(self.without_key.iter().map(String::as_str)).collect();
                course_apply::unknown_students(self.options.course, &ids.iter().copied())
            }
        };
        let mut unknown_students = ErrorList::default();
        unknown.into_iter().for_each(|error| unknown_students.push(error));
        if let Some(errors) = unknown_students.finish() {
            return Err(errors);
        }
        if let Keys::KeyFile(keys) = self.options.keys {
            self.compare_students(&class, keys)?;
        }
        if class.students() == 0 && self.students == 0 {
            return Err(Problem::NoStudents.anywhere().into());
        }
        Ok(class)
    }

    /// All errors, with those of duplicates.
    fn with_duplicates(&mut self, duplicates: ClassFileErrors) -> Result<Class, ClassFileErrors> {
        if self.errors.is_empty() {
            return Err(duplicates);
        }
        for error in duplicates.into_errors() {
            self.errors.push(error);
        }
        Err(Problem::NoStudents.anywhere().into())
    }

    /// Checks that the class file and the key file name the same students.
    fn compare_students(&mut self, class: &Class, keys: &KeyFile) -> Result<(), ClassFileError> {
        let without_key = std::mem::take(&mut self.without_key);
        if without_key.is_empty() && class.students() == keys.len() {
            return Ok(());
        }
        let students: HashSet<_> = class.ids().collect();
        let without_marks =
            keys.ids().filter(|id| !students.contains(id)).map(str::to_owned).collect();
        let without_marks = IdList(without_marks);
        Err(Problem::OtherStudents { without_key: IdList(without_key), without_marks }.anywhere())
    }

    /// Writes the explanation.
    fn explain(&mut self, plan: Option<&Plan>) {
        let is_wide = self.shape.widen.is_some() || self.origin.files.is_some();
        let columns = explain::columns(&self.header, &self.layout, self.options, |at| {
            let plan = plan?;
            plan.columns.iter().find(|column| column.at == at)?.out_of
        });
        let keep = |column: &crate::explanation::ExplainedColumn| {
            !(is_wide && matches!(column.usage, crate::explanation::ExplainedUse::Comment { .. }))
        };
        self.explanation.columns = columns.into_iter().filter(keep).collect();
        self.explanation.students = self.students;
        self.explanation.decimal = self.origin.text.map(|_| self.decimals.separator());
        let warnings = explain::warnings(self.shape, &self.layout);
        self.explanation.warnings.extend(warnings);
        if let Some((row, column)) = &self.changed {
            self.explanation.warnings.push(format!(
                "the file is not UTF-8 and was read as Windows-1252; the first cell with such a character \
                 is row {row}, {column}: check that it reads right, or save the file as UTF-8"
            ));
        }
        let blank =
            self.explanation.skipped_rows.iter().filter(|row| row.reason == "no student ID");
        if let Some(first) = blank.clone().next() {
            let warning = format!("row {} has no student ID and is not published", first.row);
            self.explanation.warnings.push(warning);
        }
    }
}

impl MarkColumn {
    fn new(at: usize, column: &AssessmentColumn, layout: &Layout) -> Self {
        let find = |is_of: &dyn Fn(&ColumnUse) -> bool| layout.find(is_of);
        Self {
            at,
            kind: column.kind,
            out_of: column.out_of,
            stated: column.out_of.is_some(),
            percent: false,
            bare: false,
            comment: find(&|usage| matches!(usage, ColumnUse::Comment { of } if *of == at)),
            maximum: find(&|usage| matches!(usage, ColumnUse::Maximum { of } if *of == at)),
            state: find(&|usage| matches!(usage, ColumnUse::State { of } if *of == at)),
        }
    }

    fn has_extras(&self) -> bool {
        self.comment.is_some() || self.maximum.is_some() || self.state.is_some()
    }

    /// Returns true if a mark depends on the text of its cell alone.
    fn is_simple(&self, origin: Origin) -> bool {
        let may_be_percent = origin.may_have_percent && self.kind == MarkKind::Points;
        self.kind != MarkKind::Words
            && !may_be_percent
            && self.maximum.is_none()
            && self.state.is_none()
    }

    /// Brings a mark together with what the row and the column say beside it.
    fn settle<'t>(
        &mut self,
        mut spelling: Spelling<'t>,
        row: &StoredRow,
        decimals: &mut Decimals,
        header: &Header,
    ) -> Result<Spelling<'t>, Problem> {
        if let Some(state) = self.state {
            match RowText(&row.cells).cell(state).to_lowercase().as_str() {
                "missing" => spelling = Mark::Missing.into(),
                "ungraded" => spelling = Mark::Blank.into(),
                _ => {}
            }
        }
        if let Some(at) = self.maximum {
            let text = RowText(&row.cells).cell(at);
            if !text.is_empty() {
                let maximum = decimals.number(text, row.row_of(at), || column(header, at));
                let maximum = maximum.map_err(|_| Problem::BadMaximum(Shown::new(text)))?;
                self.agree(maximum)?;
            }
        }
        if let Some(out_of) = spelling.out_of {
            self.agree(out_of)?;
        }
        if self.kind == MarkKind::Points && spelling.mark.status() == MarkStatus::Number {
            self.percent |= spelling.percent;
            self.bare |= !spelling.percent && spelling.out_of.is_none();
            if self.percent && self.bare && !self.stated {
                return Err(Problem::MixedPercent);
            }
        }
        Ok(spelling)
    }

    /// Checks that a maximum is that of the column.
    fn agree(&mut self, maximum: Decimal) -> Result<(), Problem> {
        let known = *self.out_of.get_or_insert(maximum);
        if known == maximum {
            return Ok(());
        }
        Err(Problem::OtherMaximum { here: maximum.to_string(), there: known.to_string() })
    }
}

impl NameColumns {
    /// The column of the name, or its first part.
    fn at(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Full(at) | Self::Sorted(at) => Some(at),
            Self::Parts(first, last) => first.or(last),
        }
    }
}

/// A student's name as people write it.
fn student_name(cells: &ByteRecord, columns: NameColumns) -> std::borrow::Cow<'_, str> {
    let text = |at: usize| identifiers::unwrapped(RowText(cells).cell(at));
    match columns {
        NameColumns::None => "".into(),
        NameColumns::Full(at) => text(at).into(),
        NameColumns::Sorted(at) => match text(at).split_once(", ") {
            Some((last, first)) if !first.contains(',') => format!("{first} {last}").into(),
            _ => text(at).into(),
        },
        NameColumns::Parts(first, last) => {
            let [first, last] = [first, last].map(|at| at.map_or("", text));
            match (first, last) {
                (first, "") => first.into(),
                ("", last) => last.into(),
                (first, last) => format!("{first} {last}").into(),
            }
        }
    }
}

/// A column for an error.
pub(crate) fn column(header: &Header, at: usize) -> Column {
    let name = header.name(at);
    Column { number: at + 1, name: (!name.is_empty()).then(|| name.to_owned()) }
}

/// A column by its number: its content may be a key, and so may its name.
fn unnamed_column(at: usize) -> Column {
    Column { number: at + 1, name: None }
}
