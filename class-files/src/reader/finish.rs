//! Builds the class of the rows that were read, and explains it.

use std::collections::HashSet;

use gradebook::{Class, Duplicate};

use super::plan::{MarkColumn, Plan, column};
use super::{ClassReader, Found};
use crate::columns::KEY;
use crate::encoding::Encoding;
use crate::error::{ClassFileError, ClassFileErrors, Column, ErrorList};
use crate::explanation::{ExplainedColumn, ExplainedUse};
use crate::key_file::KeyFile;
use crate::marks::COMMENT_BYTES_MAX;
use crate::problem::{IdList, Problem};
use crate::{Keys, course_apply, explain};

/// The students who are worth a second thread: to index them takes about a millisecond.
const TWO_THREADS_STUDENTS_MIN: usize = 20_000;

impl ClassReader<'_> {
    pub(super) fn finish(mut self) -> Found {
        let plan = self.plan.take();
        if let Some(plan) = &plan {
            self.check_students(plan);
        }
        let comma_is_separator = self.origin.text.is_none_or(|(_, separator)| separator == b',');
        if comma_is_separator && let Some(error) = self.decimals.ambiguity() {
            self.errors.push(error);
        }
        self.explain(plan.as_deref());
        let class = plan.map(|plan| self.class(*plan));
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
        let row = |student: usize| self.rows.get(student).unwrap_or_default();
        let mut duplicates = ErrorList::default();
        let in_two = self.options.threads.count > 1 && self.students >= TWO_THREADS_STUDENTS_MIN;
        let class = if in_two { builder.finish_in_two() } else { builder.finish() };
        let class = class.map_err(|found| {
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
                let ids = class.ids().chain(self.without_key.iter().map(String::as_str));
                course_apply::unknown_students(self.options.course, &ids)
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

    /// Says that comments on the marks of a column were cut, if some were.
    fn cut_warning(&self, marks: &MarkColumn) -> Option<String> {
        let (at, first) = (marks.comment?, marks.first_cut_comment?);
        let (count, verb) = match marks.cut_comments {
            1 => ("1 comment".to_owned(), "is"),
            count => (format!("{count} comments"), "are"),
        };
        Some(format!(
            "{}: {count} of more than {COMMENT_BYTES_MAX} bytes {verb} cut, first in row {first}",
            column(&self.header, at)
        ))
    }

    /// Writes the explanation.
    fn explain(&mut self, plan: Option<&Plan>) {
        let is_wide = self.shape.widen.is_some() || self.origin.files.is_some();
        let columns = explain::columns(&self.header, &self.layout, self.options, |at| {
            let plan = plan?;
            plan.columns.iter().find(|column| column.at == at)?.out_of
        });
        let keep = |column: &ExplainedColumn| {
            !(is_wide && matches!(column.usage, ExplainedUse::Comment { .. }))
        };
        self.explanation.columns = columns.into_iter().filter(keep).collect();
        self.explanation.students = self.students;
        self.explanation.decimal = self.origin.text.map(|_| self.decimals.separator());
        let warnings = explain::warnings(self.shape, &self.header, &self.layout);
        self.explanation.warnings.extend(warnings);
        for column in plan.into_iter().flat_map(|plan| &plan.columns) {
            self.explanation.warnings.extend(self.cut_warning(column));
        }
        let header_changed =
            self.origin.text.is_some_and(|(encoding, _)| encoding == Encoding::Windows1252)
                && !self.header.names().all(str::is_ascii);
        if header_changed {
            let at = self.header.names().position(|name| !name.is_ascii()).unwrap_or_default();
            self.changed = Some((self.header.row, column(&self.header, at)));
        }
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
