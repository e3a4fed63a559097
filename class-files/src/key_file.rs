//! Key files: a CSV with the columns `ID Number` and `Key`, apart from the marks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;

use csv::ByteRecord;
use fernet_batch::redact::contains_key;
use fernet_batch::{Key, StudentKeys, reserve_wiped};
use gradebook::StudentId;
use zeroize::Zeroizing;

use crate::columns::{ID, KEY, on_one_line};
use crate::error::{ClassFileError, Column};
use crate::limits::ReadLimits;
use crate::rows::{Rows, cell, student_id};

/// Students and their keys, in the order of the file.
#[derive(Clone, Default)]
pub struct KeyFile {
    students: Vec<Student>,
    by_id: HashMap<String, usize>,
}

#[derive(Clone)]
struct Student {
    id: String,
    row: u64,
    keys: Option<StudentKeys>,
}

/// The kind of file that keys are read from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileKind {
    /// A key file: each student has a key, and there are no other columns.
    KeyFile,
    /// A class file: it has other columns, and may have keys or not.
    ClassFile,
}

impl KeyFile {
    /// Reads a key file.
    ///
    /// # Errors
    /// Returns an error if any row is invalid, or the file has other columns or no students.
    pub fn read(file: impl Read, limits: &ReadLimits) -> Result<Self, ClassFileError> {
        let keys = Self::read_rows(file, limits, FileKind::KeyFile)?;
        if keys.is_empty() { Err(ClassFileError::NoStudents) } else { Ok(keys) }
    }

    /// Reads the students of a class file with the keys that it has.
    ///
    /// # Errors
    /// Returns an error if an ID or a key is invalid.
    pub fn from_class_file(file: impl Read, limits: &ReadLimits) -> Result<Self, ClassFileError> {
        Self::read_rows(file, limits, FileKind::ClassFile)
    }

    fn read_rows(
        file: impl Read,
        limits: &ReadLimits,
        kind: FileKind,
    ) -> Result<Self, ClassFileError> {
        let (mut rows, header) =
            Rows::open(file, limits.bytes_max).map_err(|error| match error {
                ClassFileError::Empty => {
                    ClassFileError::MissingColumn { name: ID, hint: HINT.to_owned() }
                }
                error => error,
            })?;
        let header = Header::read(&header, kind)?;
        let mut file = Self::default();
        while let Some((row, cells)) = rows.next()? {
            let student = header.student(row, cells);
            if rows.ended_in_quotes() {
                return Err(ClassFileError::UnclosedQuote { row });
            }
            if file.students.len() >= limits.rows_max {
                return Err(ClassFileError::TooManyRows(limits.rows_max));
            }
            file.add(student?)?;
        }
        file.check_keys()?;
        Ok(file)
    }

    fn add(&mut self, student: Student) -> Result<(), ClassFileError> {
        match self.by_id.entry(student.id.clone()) {
            Entry::Vacant(entry) => entry.insert(self.students.len()),
            Entry::Occupied(entry) => {
                let first = self.students.get(*entry.get()).map_or(0, |first| first.row);
                return Err(ClassFileError::DuplicateId { row: student.row, first });
            }
        };
        reserve_wiped(&mut self.students);
        self.students.push(student);
        Ok(())
    }

    /// Checks that no key occurs twice.
    ///
    /// # Errors
    /// Returns an error with the rows of both; row 0 is a student who was added by
    /// [`set_keys`](Self::set_keys).
    pub fn check_keys(&self) -> Result<(), ClassFileError> {
        let mut keys: Vec<(&Key, u64)> = Vec::new();
        for Student { keys: student_keys, row, .. } in &self.students {
            for key in student_keys.iter().flat_map(StudentKeys::iter) {
                keys.push((key, *row));
            }
        }
        // By reference: a key that a sort key copied would not be wiped.
        keys.sort_unstable_by(|(one, row), (other, other_row)| {
            (one.expose_words(), row).cmp(&(other.expose_words(), other_row))
        });
        for pair in keys.windows(2) {
            if let [(one, first), (other, row)] = pair
                && one.is(other)
            {
                return Err(ClassFileError::DuplicateKey { row: *row, first: *first });
            }
        }
        Ok(())
    }

    /// The number of students.
    pub fn len(&self) -> usize {
        self.students.len()
    }

    /// Returns true if there are no students.
    pub fn is_empty(&self) -> bool {
        self.students.is_empty()
    }

    /// The students' IDs, in the order of the file.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.students.iter().map(|student| student.id.as_str())
    }

    /// The keys of one student, if there are any.
    pub fn keys(&self, id: &str) -> Option<&StudentKeys> {
        self.students.get(*self.by_id.get(id)?)?.keys.as_ref()
    }

    /// Sets the keys of a student, and adds the student if the file has no such ID.
    pub fn set_keys(&mut self, id: &StudentId<'_>, keys: StudentKeys) {
        let known = self.by_id.get(id.as_str()).copied();
        if let Some(student) = known.and_then(|at| self.students.get_mut(at)) {
            student.keys = Some(keys);
            return;
        }
        self.by_id.insert(id.to_string(), self.students.len());
        reserve_wiped(&mut self.students);
        self.students.push(Student { id: id.to_string(), row: 0, keys: Some(keys) });
    }

    /// Removes the keys of a student, who then is not in [`expose_text`](Self::expose_text).
    pub fn remove_keys(&mut self, id: &str) {
        let known = self.by_id.get(id).copied();
        if let Some(student) = known.and_then(|at| self.students.get_mut(at)) {
            student.keys = None;
        }
    }

    /// The text of a key file with every student who has a key. It is secret.
    pub fn expose_text(&self) -> Zeroizing<String> {
        // A text that grows leaves copies behind, so all of it is reserved.
        const ROW_BYTES_MAX: usize = StudentId::LENGTH_MAX + 2 * Key::TEXT_BYTES + 3;
        let bytes = self.len().saturating_add(1).saturating_mul(ROW_BYTES_MAX);
        let mut text = Zeroizing::new(String::with_capacity(bytes));
        push_row(&mut text, ID, KEY);
        for Student { id, keys, .. } in &self.students {
            if let Some(keys) = keys {
                push_row(&mut text, id, &keys.expose_text());
            }
        }
        text
    }
}

fn push_row(text: &mut String, id: &str, key: &str) {
    text.push_str(id);
    text.push(',');
    text.push_str(key);
    text.push('\n');
}

const HINT: &str = "; a key file has the columns ID Number and Key, and no others";

/// The columns of a key file.
struct Header {
    columns: usize,
    id: usize,
    key: Option<usize>,
    kind: FileKind,
}

impl Header {
    fn read(row: &ByteRecord, kind: FileKind) -> Result<Self, ClassFileError> {
        let missing = |name| {
            let hint = if kind == FileKind::KeyFile { HINT } else { "" };
            ClassFileError::MissingColumn { name, hint: hint.to_owned() }
        };
        let id = column_named(row, ID).ok_or_else(|| missing(ID))?;
        let key = column_named(row, KEY);
        if kind == FileKind::KeyFile {
            let key = key.ok_or_else(|| missing(KEY))?;
            for (at, cell) in row.iter().enumerate() {
                if at != id && at != key && !cell.trim_ascii().is_empty() {
                    return Err(ClassFileError::ForeignColumn { column: at + 1 });
                }
            }
        }
        Ok(Self { columns: row.len(), id, key, kind })
    }

    fn student(&self, row: u64, cells: &ByteRecord) -> Result<Student, ClassFileError> {
        if cells.len() != self.columns {
            let columns = self.columns;
            return Err(ClassFileError::RowLength { row, cells: cells.len(), columns });
        }
        let id = student_id(row, cell(cells, self.id))?;
        if contains_key(id.as_str()) {
            let column = Column { number: self.id + 1, name: None };
            return Err(ClassFileError::LooksLikeAKey { row, column });
        }
        let may_be_blank = self.kind == FileKind::ClassFile;
        let key =
            self.key.map(|at| cell(cells, at)).filter(|key| !(may_be_blank && key.is_empty()));
        let keys = key.map(StudentKeys::parse).transpose();
        let keys = keys.map_err(|error| ClassFileError::BadKey { row, error })?;
        Ok(Student { id: id.to_string(), row, keys })
    }
}

fn column_named(row: &ByteRecord, name: &str) -> Option<usize> {
    row.iter().position(|cell| is_named(cell, name))
}

fn is_named(cell: &[u8], name: &str) -> bool {
    std::str::from_utf8(cell).is_ok_and(|cell| on_one_line(cell) == name)
}

#[cfg(test)]
mod tests;
