//! The rows of a CSV file with their numbers, as a spreadsheet counts them.

use std::io::Read;

use csv::ByteRecord;

use super::ClassFileError;
use crate::csv_guard::CsvGuard;

/// Reads row after row.
pub(crate) struct Rows<R> {
    reader: csv::Reader<CsvGuard<R>>,
    row: ByteRecord,
    /// Line ends inside cells so far, which make a row more than one line.
    inside: u64,
}

/// A row and its number, the first being 1.
pub(crate) type Row<'a> = (u64, &'a ByteRecord);

impl<R: Read> Rows<R> {
    /// The rows of a file with so many bytes at most, and the first of them.
    pub(crate) fn of(file: R, bytes_max: u64) -> Result<(Self, ByteRecord), ClassFileError> {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(64 * 1024)
            .from_reader(CsvGuard::new(file, bytes_max));
        let mut rows = Self { reader, row: ByteRecord::new(), inside: 0 };
        if !rows.read()? {
            return Err(ClassFileError::Empty);
        }
        if rows.ended_in_quotes() {
            return Err(ClassFileError::UnclosedQuote { row: 1 });
        }
        rows.inside = line_ends_in(&rows.row);
        let first = rows.row.clone();
        Ok((rows, first))
    }

    /// The next row that is not blank.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, ClassFileError> {
        while self.read()? {
            let within = line_ends_in(&self.row);
            let line = self.line(within).saturating_sub(self.inside);
            self.inside = self.inside.saturating_add(within);
            if !self.row.iter().all(|cell| cell.trim_ascii().is_empty()) {
                return Ok(Some((line, &self.row)));
            }
        }
        Ok(None)
    }

    /// Whether the file has ended inside a quoted cell, which the last row is then.
    pub(crate) fn ended_in_quotes(&self) -> bool {
        self.reader.get_ref().ended_in_quotes()
    }

    fn read(&mut self) -> Result<bool, ClassFileError> {
        let read = self.reader.read_byte_record(&mut self.row);
        if let Some(fault) = self.reader.get_ref().error() {
            return Err(fault);
        }
        read.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => ClassFileError::Io(error),
            other => ClassFileError::Io(std::io::Error::other(format!("{other:?}"))),
        })
    }

    /// The line that the row just read, with so many line ends inside, begins on. (The row's own
    /// position is where the reader began to look for it, which is before any blank lines.)
    fn line(&self, within: u64) -> u64 {
        let ended = u64::from(!self.reader.get_ref().ended_in_a_row());
        self.reader.position().line().saturating_sub(within.saturating_add(ended))
    }
}

fn line_ends_in(row: &ByteRecord) -> u64 {
    let cells = row.as_slice();
    // Nearly no row has any, and finding none is faster than counting them.
    let first = memchr::memchr(b'\n', cells);
    let line_ends = first.map_or(0, |_| memchr::memchr_iter(b'\n', cells).count());
    u64::try_from(line_ends).unwrap_or(u64::MAX)
}
