//! Reads the row of a student.

use std::borrow::Cow;

use fernet_batch::StudentKeys;
use fernet_batch::redact::contains_key;
use gradebook::{Full, Mark, MarkIndex, StudentId};

use super::ClassReader;
use super::plan::{Plan, column, student_name, unnamed_column};
use crate::Keys;
use crate::cells::Cells;
use crate::encoding::Encoding;
use crate::error::{ClassFileError, Column};
use crate::identifiers;
use crate::layout::RowText;
use crate::marks::{self, MarkKind, spelled};
use crate::problem::Problem;
use crate::rows::cell;
use crate::table::StoredRow;

impl ClassReader<'_> {
    pub(super) fn read_student(&mut self, row: &StoredRow) -> Result<(), ClassFileError> {
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
        let name = student_name(cells, plan.name);
        let id_text = identifiers::bare(RowText(cells).raw_cell(plan.id));
        if is_no_student(id_text, &name) {
            self.explanation.skip(number, "no student, but figures about the class");
            return Ok(());
        }
        let Some((id_at, id_text)) = self.id_cell(number, id_text, cells, plan) else {
            return Ok(());
        };
        // Most IDs are digits; to take one out of a result would move it in parts, which takes longer.
        let digits = StudentId::of_digits(id_text);
        let Some(id) = digits.or_else(|| self.other_id(number, id_text, id_at)) else {
            return Ok(());
        };
        self.students += 1;
        self.lengths.add(number, id.as_str());
        if let Err(problem) = marks::check_formula(&name) {
            let error = problem.at(number, column(&self.header, plan.name.at().unwrap_or(id_at)));
            self.errors.push(self.in_students(error));
        }
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
        if plan.has_extras && self.options.reads_marks {
            self.check_comments(row, plan);
        }
        let Some(keys) = keys else { return Ok(()) };
        let full = |_| Problem::TooManyBytes(u64::from(u32::MAX)).anywhere();
        plan.builder.add_row(&id, &name, keys, &self.marks).map_err(full)?;
        self.rows.push(number);
        let held = plan.holds.get(id.as_str()).into_iter().flatten().enumerate();
        for (n, _) in held.filter(|(_, is_held)| **is_held) {
            plan.builder.hold(n);
        }
        if plan.has_extras && self.options.reads_marks {
            self.read_comments(row, id.as_str(), plan).map_err(full)?;
        }
        Ok(())
    }

    /// What stands in place of the student ID of a row, and in which column; `None` if nothing does. `first` is what
    /// stands in the first column of IDs.
    fn id_cell<'r>(
        &mut self,
        number: u64,
        first: &'r str,
        cells: &'r Cells,
        plan: &Plan,
    ) -> Option<(usize, &'r str)> {
        let other = plan.other_id.filter(|_| first.is_empty());
        let other = other.map(|at| (at, identifiers::bare(RowText(cells).raw_cell(at))));
        let (at, id) = other.filter(|(_, id)| !id.is_empty()).unwrap_or((plan.id, first));
        if id.is_empty() && self.shape.name != "plain" {
            self.explanation.skip(number, "no student ID");
            return None;
        }
        Some((at, id))
    }

    /// A student ID that is not 1 to 64 digits; `None`, and an error is noted, if it is not valid.
    fn other_id<'r>(&mut self, number: u64, text: &'r str, at: usize) -> Option<StudentId<'r>> {
        identifiers::parse_other(text)
            .map_err(|problem| {
                let error = problem.at(number, column(&self.header, at));
                self.errors.push(self.in_students(error));
            })
            .ok()
    }

    /// The keys of a student; `None` if the student is not added to the class.
    fn student_keys(
        &mut self,
        number: u64,
        id: &StudentId<'_>,
        cells: &Cells,
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
            (Keys::Optional, None | Some((_, ""))) => None,
            (_, Some((at, cell))) => Some((at, StudentKeys::parse(cell.as_bytes()))),
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
            if let Err(mut error) = self.found_keys.add(id, number, keys) {
                error.place.column = Some(column(&self.header, plan.id));
                self.errors.push(self.in_students(error));
                return None;
            }
            // A class of its own, to look at: nobody has these keys.
            return StudentKeys::generate().ok().filter(|_| self.options.reads_marks);
        }
        keys
    }

    /// Reads the marks of a row into `self.marks`.
    fn read_marks(&mut self, row: &StoredRow, id: &str, plan: &mut Plan) {
        let held = if plan.holds.is_empty() { None } else { plan.holds.get(id).cloned() };
        self.marks.clear();
        let mut are_known = true;
        self.marks.extend(plan.columns.iter().map(|column| {
            let mark = plan.recall(column, &row.cells);
            are_known &= mark.is_some();
            mark.unwrap_or(plan.blank)
        }));
        if !are_known {
            self.read_unknown_marks(row, held.as_deref(), plan);
        }
        for (mark, held) in self.marks.iter_mut().zip(held.unwrap_or_default()) {
            if held {
                *mark = plan.blank;
            }
        }
    }

    /// Reads those marks of a row that were not read before.
    #[cold]
    #[inline(never)]
    fn read_unknown_marks(&mut self, row: &StoredRow, held: Option<&[bool]>, plan: &mut Plan) {
        self.marks.clear();
        for n in 0..plan.columns.len() {
            let known = plan.columns.get(n).and_then(|column| plan.recall(column, &row.cells));
            let is_held = held.and_then(|held| held.get(n)).copied().unwrap_or_default();
            let mark = known.unwrap_or_else(|| self.read_mark(row, n, is_held, plan));
            self.marks.push(mark);
        }
    }

    /// Reads the mark of a row in a column of marks. An error is noted, and the mark is blank then.
    fn read_mark(
        &mut self,
        row: &StoredRow,
        n: usize,
        is_held: bool,
        plan: &mut Plan,
    ) -> MarkIndex {
        let Self { decimals, errors, header, origin, .. } = self;
        let Plan { builder, columns, blank, .. } = plan;
        let Some(mark_column) = columns.get_mut(n) else { return *blank };
        let at = mark_column.at;
        let number_of_row = row.row_of(at);
        let mut number = |text: &str| decimals.number(text, number_of_row, || column(header, at));
        let mark = spelled(cell(&row.cells, at), mark_column.kind, &mut number)
            .and_then(|spelling| mark_column.settle(spelling, row, decimals, header, is_held))
            .and_then(|spelling| {
                let mark = match (spelling.mark, mark_column.kind) {
                    (Mark::Letter(word), MarkKind::Words) => {
                        builder.mark(Mark::Letter(&marks::one_line(word)))
                    }
                    (mark, _) => builder.mark(mark),
                };
                let mark = mark.map_err(|Full| Problem::TooManyBytes(u64::from(u32::MAX)))?;
                // What a cell says beyond its mark, it must say each time.
                if spelling.out_of.is_none()
                    && mark_column.is_text_alone()
                    && let Some(short) = row.cells.spelling(at)
                {
                    builder.remember(short, mark);
                }
                Ok(mark)
            });
        mark.unwrap_or_else(|problem| {
            let file = origin.files.map(|[_, marks]| marks);
            errors.push(problem.at(number_of_row, column(header, at)).in_file(file));
            *blank
        })
    }

    /// Reads the comments of a row, whose student was added last.
    fn read_comments(&mut self, row: &StoredRow, id: &str, plan: &mut Plan) -> Result<(), Full> {
        let held = plan.holds.get(id);
        for (n, mark_column) in plan.columns.iter_mut().enumerate() {
            let Some(at) = mark_column.comment else { continue };
            let is_held = held.and_then(|held| held.get(n)).copied().unwrap_or_default();
            if let Ok(Some(comment)) = marks::comment(RowText(&row.cells).cell(at))
                && !is_held
            {
                plan.builder.comment(n, &comment)?;
                if let Cow::Owned(_) = comment {
                    mark_column.cut_comments = mark_column.cut_comments.saturating_add(1);
                    mark_column.first_cut_comment.get_or_insert(row.row_of(at));
                }
            }
        }
        Ok(())
    }

    /// Finds the errors in the comments of a row.
    fn check_comments(&mut self, row: &StoredRow, plan: &Plan) {
        for at in plan.columns.iter().filter_map(|mark_column| mark_column.comment) {
            if let Err(problem) = marks::comment(RowText(&row.cells).cell(at)) {
                let file = self.origin.files.map(|[_, marks]| marks);
                let error = problem.at(row.row_of(at), column(&self.header, at));
                self.errors.push(error.in_file(file));
            }
        }
    }

    /// Notes the first cell of a row that is not ASCII.
    fn note_changed(&mut self, number: u64, cells: &Cells) {
        if self.changed.is_none() && !cells.text().is_ascii() {
            let at = cells.iter().position(|cell| !cell.is_ascii()).unwrap_or_default();
            self.changed = Some((number, column(&self.header, at)));
        }
    }
}

/// Returns true for a row of averages, maxima and the like: such a word stands in place of the ID, the
/// name, or both, and nothing else. A student may have the login `max`, and a name beside it.
fn is_no_student(id: &str, name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "average",
        "class average",
        "averages",
        "mean",
        "median",
        "maximum",
        "minimum",
        "out of",
        "points possible",
        "max points",
        "total points",
    ];
    // Most IDs are numbers.
    if id.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let texts = [id, name].map(str::trim);
    let is_word = |text: &str| WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    texts.iter().all(|text| text.is_empty() || is_word(text))
        && texts.iter().any(|text| is_word(text))
}
