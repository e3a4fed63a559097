//! Key files: a CSV with the columns `ID Number` and `Key`, apart from the marks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;

use fernet_batch::redact::contains_key;
use fernet_batch::{Key, StudentKeys, reserve_wiped};
use gradebook::StudentId;
use zeroize::Zeroizing;

use crate::cells::Cells;
use crate::columns::{Header, ID, KEY};
use crate::encoding::Text;
use crate::error::{ClassFileError, ClassFileErrors, Column};
use crate::explanation::Explanation;
use crate::identifiers;
use crate::layout::RowText;
use crate::limits::ReadLimits;
use crate::problem::Problem;
use crate::rows::{Rows, cell};
use crate::separator::separate;
use crate::{Keys, ReadOptions, Source};

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

impl KeyFile {
    /// Reads a key file, as text in any encoding and with any separator.
    ///
    /// # Errors
    /// Returns an error if any row is invalid, or the file has other columns or no students.
    pub fn read(file: impl Read, limits: &ReadLimits) -> Result<Self, ClassFileError> {
        let bytes = limits.read(file, 0)?;
        let text = Text::decode(&bytes).map_err(|invalid| invalid.problem().anywhere())?;
        let separated = separate(text.as_str());
        let (mut rows, (row, header)) =
            Rows::open(separated.text, separated.separator).map_err(|error| {
                match *error.problem {
                    Problem::Empty => missing(ID, 1),
                    problem => ClassFileError { problem: problem.into(), ..error },
                }
            })?;
        let header = KeyFileHeader::read(row, &header)?;
        let mut file = Self::default();
        let mut cells = Cells::default();
        while let Some(row) = rows.next(&mut cells)? {
            if file.students.len() >= limits.rows_max {
                return Err(Problem::TooManyRows(limits.rows_max).anywhere());
            }
            let (id, keys) = header.student(row, &cells)?;
            file.add(&id, row, Some(keys))?;
        }
        file.check_keys()?;
        if file.is_empty() { Err(Problem::NoStudents.anywhere()) } else { Ok(file) }
    }

    /// Reads the students of a class file with the keys that it has. Marks are not read.
    ///
    /// # Errors
    /// Returns an error if an ID or a key is invalid.
    pub fn from_class_file(
        source: Source<'_>,
        options: &ReadOptions<'_>,
    ) -> Result<Self, ClassFileErrors> {
        let options = ReadOptions { keys: Keys::Optional, reads_marks: false, ..*options };
        crate::read_table(source, &options, &mut Explanation::default()).map(|(_, keys)| keys)
    }

    /// Adds a student who is not in the file yet.
    pub(crate) fn add(
        &mut self,
        id: &StudentId<'_>,
        row: u64,
        keys: Option<StudentKeys>,
    ) -> Result<(), ClassFileError> {
        match self.by_id.entry(id.to_string()) {
            Entry::Vacant(entry) => entry.insert(self.students.len()),
            Entry::Occupied(entry) => {
                let first = self.students.get(*entry.get()).map_or(0, |first| first.row);
                let column = Column { number: 0, name: Some(ID.to_owned()) };
                return Err(Problem::DuplicateId { first }.at(row, column));
            }
        };
        reserve_wiped(&mut self.students);
        self.students.push(Student { id: id.to_string(), row, keys });
        Ok(())
    }

    /// These students and others behind them; `None` if one of the others is in the file already.
    pub(crate) fn join(mut self, others: &Self) -> Option<Self> {
        // Students are cloned: one that is moved leaves a key behind.
        for Student { id, row, keys } in &others.students {
            let id = StudentId::of_text(id)?;
            self.add(&id, *row, keys.clone()).ok()?;
        }
        Some(self)
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
                let column = Column { number: 0, name: Some(KEY.to_owned()) };
                return Err(Problem::DuplicateKey { first: *first }.at(*row, column));
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
    pub fn ids(&self) -> impl Iterator<Item = &str> + Clone {
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

fn missing(name: &str, row: u64) -> ClassFileError {
    let hint = "; a key file has the columns ID Number and Key, and no others".to_owned();
    Problem::MissingColumn { name: name.to_owned(), hint }.at_row(row)
}

/// The columns of a key file.
struct KeyFileHeader {
    columns: usize,
    id: usize,
    key: usize,
}

impl KeyFileHeader {
    fn read(row: u64, cells: &Cells) -> Result<Self, ClassFileError> {
        let texts = cells.iter().map(str::to_owned);
        let header = Header::new(row, texts);
        let find = |name: &str| header.find(&name.to_lowercase());
        let id = find(ID).ok_or_else(|| missing(ID, row))?;
        let key = find(KEY).ok_or_else(|| missing(KEY, row))?;
        for (at, name) in header.names().enumerate() {
            if at != id && at != key && !name.is_empty() {
                let column = Column { number: at + 1, name: None };
                return Err(Problem::ForeignColumn.at(row, column));
            }
        }
        Ok(Self { columns: header.len(), id, key })
    }

    fn student<'a>(
        &self,
        row: u64,
        cells: &'a Cells,
    ) -> Result<(StudentId<'a>, StudentKeys), ClassFileError> {
        if cells.len() != self.columns {
            let problem = Problem::RowLength { cells: cells.len(), columns: self.columns };
            return Err(problem.at_row(row));
        }
        let in_column =
            |at: usize, name: &str| Column { number: at + 1, name: Some(name.to_owned()) };
        let text = identifiers::bare(RowText(cells).raw_cell(self.id));
        let id =
            identifiers::parse(text).map_err(|problem| problem.at(row, in_column(self.id, ID)))?;
        if contains_key(id.as_str()) {
            let column = Column { number: self.id + 1, name: None };
            return Err(Problem::LooksLikeAKey.at(row, column));
        }
        let keys = StudentKeys::parse(cell(cells, self.key).as_bytes())
            .map_err(|error| Problem::BadKey(error).at(row, in_column(self.key, KEY)))?;
        Ok((id, keys))
    }
}

#[cfg(test)]
mod tests;
