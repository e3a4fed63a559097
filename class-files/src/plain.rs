//! Plain class files: a CSV whose first row names the columns.
//!
//! `Name`, `ID Number` and `Key` may stand anywhere; every other column is an assessment, in file
//! order.

#[cfg(test)]
mod header_tests;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::Read;

use csv::ByteRecord;
use fernet_batch::StudentKeys;
use fernet_batch::redact::contains_key;
use gradebook::{Class, Duplicate, Full, Mark, MarkIndex, RosterBuilder};

use crate::error::{ClassFileError, IdList};
use crate::header::{Header, KeySource};
use crate::key_file::KeyFile;
use crate::limits::ReadLimits;
use crate::rows::{Rows, cell, student_id};

/// Reads a class file. With `keys`, the class file has no column `Key`, and both files must name the
/// same students.
///
/// # Errors
/// Returns an error if any row is invalid: the first one in the file.
pub fn read_class(
    file: impl Read,
    keys: Option<&KeyFile>,
    limits: &ReadLimits,
) -> Result<Class, ClassFileError> {
    let (mut rows, header) = Rows::open(file, limits.bytes_max)?;
    let header = Header::read(&header, keys)?;
    let names = header.assessments.iter().map(|(_, name)| name.clone());
    let mut students = Students::new(RosterBuilder::new(names));
    let read = students.read_rows(&mut rows, &header, limits);
    // A duplicate is found at the end, but may stand before the row that ended the reading.
    let Students { builder, rows: row_numbers, without_key, .. } = students;
    let class = builder.finish().map_err(|duplicate| duplicate_error(duplicate, &row_numbers))?;
    read?;
    if let Some(keys) = keys {
        compare_students(&class, keys, without_key)?;
    }
    if class.students() == 0 {
        return Err(ClassFileError::NoStudents);
    }
    Ok(class)
}

fn duplicate_error(duplicate: Duplicate, row_numbers: &[u64]) -> ClassFileError {
    let row = |student: usize| row_numbers.get(student).copied().unwrap_or_default();
    match duplicate {
        Duplicate::Id { first, second } => {
            ClassFileError::DuplicateId { row: row(second), first: row(first) }
        }
        Duplicate::Key { first, second } => {
            ClassFileError::DuplicateKey { row: row(second), first: row(first) }
        }
    }
}

/// Checks that the class file and the key file name the same students.
fn compare_students(
    class: &Class,
    keys: &KeyFile,
    without_key: Vec<String>,
) -> Result<(), ClassFileError> {
    if without_key.is_empty() && class.students() == keys.len() {
        return Ok(());
    }
    let students: HashSet<_> = class.ids().collect();
    let without_marks = keys.ids().filter(|id| !students.contains(id)).map(str::to_owned).collect();
    Err(ClassFileError::OtherStudents {
        without_key: IdList(without_key),
        without_marks: IdList(without_marks),
    })
}

/// The students read so far.
struct Students {
    builder: RosterBuilder,
    /// The row number of each student in the builder.
    rows: Vec<u64>,
    /// Students whom the key file does not have. They are not in the builder.
    without_key: Vec<String>,
    /// The marks of the row that is being read.
    marks: Vec<MarkIndex>,
}

impl Students {
    fn new(builder: RosterBuilder) -> Self {
        Self { builder, rows: Vec::new(), without_key: Vec::new(), marks: Vec::new() }
    }

    /// Reads the rows below the header.
    fn read_rows<R: Read>(
        &mut self,
        rows: &mut Rows<R>,
        header: &Header<'_>,
        limits: &ReadLimits,
    ) -> Result<(), ClassFileError> {
        while let Some((row, cells)) = rows.next()? {
            if self.rows.len().saturating_add(self.without_key.len()) >= limits.rows_max {
                return Err(ClassFileError::TooManyRows(limits.rows_max));
            }
            let added = self.add(row, cells, header);
            // A quote that is never closed turns the rows behind it into one cell, and whatever else is
            // wrong with that row follows from it.
            if rows.ended_in_quotes() {
                return Err(ClassFileError::UnclosedQuote { row });
            }
            added?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        row: u64,
        cells: &ByteRecord,
        header: &Header<'_>,
    ) -> Result<(), ClassFileError> {
        check_row(row, cells, header)?;
        let id = student_id(row, cell(cells, header.id))?;
        let keys = match header.keys {
            KeySource::Column(at) => {
                let keys = StudentKeys::parse(cell(cells, at));
                Some(keys.map_err(|error| ClassFileError::BadKey { row, error })?)
            }
            KeySource::File(file) => file.keys(id.as_str()).cloned(),
        };
        let name = std::str::from_utf8(cell(cells, header.name)).unwrap_or_default();
        for (at, text) in [(header.name, name), (header.id, id.as_str())] {
            if contains_key(text) {
                return Err(ClassFileError::LooksLikeAKey { row, column: header.column(at) });
            }
        }
        let Some(keys) = keys else {
            self.without_key.push(id.to_string());
            return Ok(());
        };
        let full = |Full| ClassFileError::TooManyBytes(u64::from(u32::MAX));
        self.marks.clear();
        for (at, _) in &header.assessments {
            let spelling = cell(cells, *at);
            let index = match self.builder.recall(spelling) {
                Some(index) => index,
                None => {
                    let text = std::str::from_utf8(spelling).unwrap_or_default();
                    let mark = Mark::parse(text).map_err(|error| ClassFileError::BadMark {
                        row,
                        column: header.column(*at),
                        error,
                    })?;
                    let index = self.builder.mark(mark).map_err(full)?;
                    self.builder.remember(spelling, index);
                    index
                }
            };
            self.marks.push(index);
        }
        self.builder.add_row(&id, name, keys, &self.marks).map_err(full)?;
        self.rows.push(row);
        Ok(())
    }
}

/// Checks what needs no knowledge of the cells' meaning.
fn check_row(row: u64, cells: &ByteRecord, header: &Header<'_>) -> Result<(), ClassFileError> {
    if cells.len() != header.columns {
        let columns = header.columns;
        return Err(ClassFileError::RowLength { row, cells: cells.len(), columns });
    }
    if let Some(at) = first_not_utf8(cells) {
        return Err(ClassFileError::NotUtf8 { row, column: header.column(at) });
    }
    for at in &header.unnamed {
        if !cells.get(*at).unwrap_or_default().trim_ascii().is_empty() {
            return Err(ClassFileError::UnnamedColumn { row, column: at + 1 });
        }
    }
    Ok(())
}

/// The first cell that is not UTF-8. Most rows are ASCII, which is checked at once.
fn first_not_utf8(cells: &ByteRecord) -> Option<usize> {
    if cells.as_slice().is_ascii() {
        return None;
    }
    cells.iter().position(|cell| std::str::from_utf8(cell).is_err())
}
