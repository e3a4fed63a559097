//! A file of keys, apart from the marks: a CSV with the columns `ID Number` and `Key`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;

use csv::ByteRecord;
use zeroize::Zeroizing;

use crate::class_file::{ClassFileError, Column, ID, KEY, Rows, looks_like_a_key, on_one_line};
use crate::key::{StudentKeys, reserve_wiped};
use crate::request::StudentId;

/// The students of a class and their keys, in the order of the file they were read from.
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

/// What a file of keys may hold beside IDs and keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Nothing: it is a file of keys.
    None,
    /// Anything: it is a class file, which may have keys or not.
    Ignored,
}

impl KeyFile {
    /// Reads a file of keys: every student in it has one.
    ///
    /// # Errors
    /// [`ClassFileError`] when the file is not all it should be.
    pub fn read(file: impl Read, bytes_max: u64, rows_max: usize) -> Result<Self, ClassFileError> {
        let key_file = Self::read_rows(file, bytes_max, rows_max, Others::None)?;
        match key_file.students.is_empty() {
            true => Err(ClassFileError::NoStudents),
            false => Ok(key_file),
        }
    }

    /// Reads the students of a class file, with the keys that they have there.
    ///
    /// # Errors
    /// [`ClassFileError`] when IDs or keys in it are not all they should be.
    pub fn from_class_file(
        file: impl Read,
        bytes_max: u64,
        rows_max: usize,
    ) -> Result<Self, ClassFileError> {
        Self::read_rows(file, bytes_max, rows_max, Others::Ignored)
    }

    fn read_rows(
        file: impl Read,
        bytes_max: u64,
        rows_max: usize,
        others: Others,
    ) -> Result<Self, ClassFileError> {
        let (mut rows, header) = Rows::of(file, bytes_max).map_err(|fault| match fault {
            ClassFileError::Empty => ClassFileError::MissingColumn { name: ID, hint: HINT },
            fault => fault,
        })?;
        let header = Header::read(&header, others)?;
        let mut key_file = Self::default();
        while let Some((row, cells)) = rows.next()? {
            let student = header.student(row, cells);
            if rows.ended_in_quotes() {
                return Err(ClassFileError::UnclosedQuote { row });
            }
            if key_file.students.len() >= rows_max {
                return Err(ClassFileError::TooManyRows(rows_max));
            }
            key_file.add(student?)?;
        }
        key_file.check_keys()?;
        Ok(key_file)
    }

    fn add(&mut self, student: Student) -> Result<(), ClassFileError> {
        let (row, place) = (student.row, self.students.len());
        match self.by_id.entry(student.id.clone()) {
            Entry::Vacant(entry) => entry.insert(place),
            Entry::Occupied(entry) => {
                let first = self.students.get(*entry.get()).map_or(0, |first| first.row);
                return Err(ClassFileError::DuplicateId { row, first });
            }
        };
        reserve_wiped(&mut self.students);
        self.students.push(student);
        Ok(())
    }

    /// Whether every key is there once.
    ///
    /// # Errors
    /// [`ClassFileError::DuplicateKey`] if not; row 0 is that of a student who has been added.
    pub fn check_keys(&self) -> Result<(), ClassFileError> {
        let each = self.students.iter().flat_map(|student| {
            student
                .keys
                .iter()
                .flat_map(StudentKeys::each)
                .map(|key| (key.expose_words(), student.row))
        });
        let mut keys: Vec<_> = each.collect();
        keys.sort_unstable();
        for pair in keys.windows(2) {
            if let [(one, first), (other, row)] = pair
                && one == other
            {
                return Err(ClassFileError::DuplicateKey { row: *row, first: *first });
            }
        }
        Ok(())
    }

    /// How many students it names.
    pub fn len(&self) -> usize {
        self.students.len()
    }

    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        self.students.is_empty()
    }

    /// The students' IDs, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.students.iter().map(|student| student.id.as_str())
    }

    /// The keys of one student, if they have any.
    pub fn keys(&self, id: &str) -> Option<&StudentKeys> {
        self.students.get(*self.by_id.get(id)?)?.keys.as_ref()
    }

    /// Sets the keys of a student, who is added if there is none of this ID.
    pub fn set_keys(&mut self, id: &StudentId<'_>, keys: StudentKeys) {
        let place = self.by_id.get(id.as_str()).copied();
        match place.and_then(|place| self.students.get_mut(place)) {
            Some(student) => student.keys = Some(keys),
            None => {
                self.by_id.insert(id.to_string(), self.students.len());
                let (id, row) = (id.to_string(), 0);
                reserve_wiped(&mut self.students);
                self.students.push(Student { id, row, keys: Some(keys) });
            }
        }
    }

    /// The text of a file of keys, with every student that has some. It is secret.
    pub fn expose_text(&self) -> Zeroizing<String> {
        // A text that grows leaves copies behind.
        const ROW_BYTES_MAX: usize = StudentId::LENGTH_MAX + 2 * 44 + 3;
        let bytes = self.len().saturating_add(1).saturating_mul(ROW_BYTES_MAX);
        let mut text = Zeroizing::new(String::with_capacity(bytes));
        text.push_str(ID);
        text.push(',');
        text.push_str(KEY);
        text.push('\n');
        for Student { id, keys, .. } in &self.students {
            if let Some(keys) = keys {
                text.push_str(id);
                text.push(',');
                text.push_str(&keys.expose_text());
                text.push('\n');
            }
        }
        text
    }
}

const HINT: &str = "; a file of keys has the columns ID Number and Key, and no others";

/// Which column holds what.
struct Header {
    columns: usize,
    id: usize,
    key: Option<usize>,
    others: Others,
}

impl Header {
    fn read(row: &ByteRecord, others: Others) -> Result<Self, ClassFileError> {
        let is = |cell: &[u8], name: &str| {
            std::str::from_utf8(cell).is_ok_and(|cell| on_one_line(cell) == name)
        };
        let find = |name: &str| row.iter().position(|cell| is(cell, name));
        let hint = if others == Others::None { HINT } else { "" };
        let missing = |name| ClassFileError::MissingColumn { name, hint };
        let id = find(ID).ok_or(missing(ID))?;
        let key = find(KEY);
        if others == Others::None {
            key.ok_or(missing(KEY))?;
            let known = |at: usize| at == id || Some(at) == key;
            let mut blank = row.iter().map(|cell| cell.trim_ascii().is_empty()).enumerate();
            if let Some((at, _)) = blank.find(|(at, blank)| !blank && !known(*at)) {
                return Err(ClassFileError::ForeignColumn { column: at + 1 });
            }
        }
        Ok(Self { columns: row.len(), id, key, others })
    }

    fn student(&self, row: u64, cells: &ByteRecord) -> Result<Student, ClassFileError> {
        if cells.len() != self.columns {
            let (cells, columns) = (cells.len(), self.columns);
            return Err(ClassFileError::RowLength { row, cells, columns });
        }
        let cell = |at: usize| cells.get(at).unwrap_or_default().trim_ascii();
        let id = StudentId::new(cell(self.id)).ok_or(ClassFileError::BadId { row })?;
        if looks_like_a_key(id.as_str()) {
            let column = Column { number: self.id + 1, name: None };
            return Err(ClassFileError::LooksLikeAKey { row, column });
        }
        let may_have_none = self.others == Others::Ignored;
        let key = self.key.map(cell).filter(|key| !(may_have_none && key.is_empty()));
        let keys = key.map(StudentKeys::parse).transpose();
        let keys = keys.map_err(|why| ClassFileError::BadKey { row, why })?;
        Ok(Student { id: id.to_string(), row, keys })
    }
}
