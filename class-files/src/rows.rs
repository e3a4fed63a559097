//! The rows of a CSV file, numbered as a spreadsheet numbers them.

use std::io::Read;

use csv::ByteRecord;
use gradebook::StudentId;

use crate::csv_guard::CsvGuard;
use crate::error::ClassFileError;

/// Reads row after row.
pub(crate) struct Rows<R> {
    reader: csv::Reader<CsvGuard<R>>,
    row: ByteRecord,
    /// The line ends inside cells so far: a row with them takes several lines.
    line_ends_in_cells: u64,
}

/// A row and its number; the first row is 1.
pub(crate) type Row<'a> = (u64, &'a ByteRecord);

/// The content of a cell without blanks around it. A row has all the cells that are asked for, since
/// its length was checked.
pub(crate) fn cell(row: &ByteRecord, at: usize) -> &[u8] {
    row.get(at).unwrap_or_default().trim_ascii()
}

/// The student ID in a cell.
pub(crate) fn student_id(row: u64, cell: &[u8]) -> Result<StudentId<'_>, ClassFileError> {
    let id = StudentId::new(cell).ok_or(ClassFileError::BadId { row })?;
    let decimal = id.as_str().split_once('.').is_some_and(|(whole, fraction)| {
        !fraction.is_empty()
            && whole.bytes().all(|byte| byte.is_ascii_digit())
            && fraction.bytes().all(|byte| byte == b'0')
    });
    if decimal { Err(ClassFileError::DecimalId { row }) } else { Ok(id) }
}

impl<R: Read> Rows<R> {
    /// The rows of a file of at most `bytes_max` bytes, and the first of them.
    pub(crate) fn open(file: R, bytes_max: u64) -> Result<(Self, ByteRecord), ClassFileError> {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(64 * 1024)
            .from_reader(CsvGuard::new(file, bytes_max));
        let mut rows = Self { reader, row: ByteRecord::new(), line_ends_in_cells: 0 };
        if !rows.read()? {
            return Err(ClassFileError::Empty);
        }
        if rows.ended_in_quotes() {
            return Err(ClassFileError::UnclosedQuote { row: 1 });
        }
        rows.line_ends_in_cells = line_ends_in(&rows.row);
        let first = rows.row.clone();
        Ok((rows, first))
    }

    /// The next row that is not blank.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, ClassFileError> {
        while self.read()? {
            let line_ends = line_ends_in(&self.row);
            let number = self.first_line(line_ends).saturating_sub(self.line_ends_in_cells);
            self.line_ends_in_cells = self.line_ends_in_cells.saturating_add(line_ends);
            if !self.row.iter().all(|cell| cell.trim_ascii().is_empty()) {
                return Ok(Some((number, &self.row)));
            }
        }
        Ok(None)
    }

    /// Returns true if the file ended inside a quoted cell, which belongs to the last row.
    pub(crate) fn ended_in_quotes(&self) -> bool {
        self.reader.get_ref().ended_in_quotes()
    }

    fn read(&mut self) -> Result<bool, ClassFileError> {
        let read = self.reader.read_byte_record(&mut self.row);
        if let Some(error) = self.reader.get_ref().error() {
            return Err(error);
        }
        read.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => ClassFileError::Io(error),
            other => ClassFileError::Io(std::io::Error::other(format!("{other:?}"))),
        })
    }

    /// The line on which the row just read begins, which has so many line ends in its cells. (The
    /// row's own position is where the reader began to look for it: before any blank lines.)
    fn first_line(&self, line_ends: u64) -> u64 {
        let ended = u64::from(!self.reader.get_ref().ended_in_a_row());
        self.reader.position().line().saturating_sub(line_ends.saturating_add(ended))
    }
}

fn line_ends_in(row: &ByteRecord) -> u64 {
    let cells = row.as_slice();
    // Few rows have any, and finding none is faster than counting.
    let first = memchr::memchr(b'\n', cells);
    let line_ends = first.map_or(0, |_| memchr::memchr_iter(b'\n', cells).count());
    u64::try_from(line_ends).unwrap_or(u64::MAX)
}
