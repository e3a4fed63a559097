//! Rows with quotes, as the `csv` crate reads them.

use csv::ByteRecord;

use super::csv_guard::CsvGuard;
use crate::cells::Cells;
use crate::error::ClassFileError;
use crate::problem::Problem;

/// Reads row after row.
pub(super) struct CsvRows<'a> {
    reader: csv::Reader<CsvGuard<&'a [u8]>>,
    record: ByteRecord,
    /// The lines before these rows.
    lines_before: u64,
    /// The line ends inside cells so far: a row with them takes several lines.
    line_ends_in_cells: u64,
}

impl<'a> CsvRows<'a> {
    /// The rows of a text that begins behind so many lines of its file.
    pub(super) fn new(text: &'a str, separator: u8, lines_before: u64) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .buffer_capacity(64 * 1024)
            .from_reader(CsvGuard::new(text.as_bytes(), separator, lines_before));
        Self { reader, record: ByteRecord::new(), lines_before, line_ends_in_cells: 0 }
    }

    /// Reads the next row that is not blank. Returns its number, or `None` if there is none.
    pub(super) fn next(&mut self, row: &mut Cells) -> Result<Option<u64>, ClassFileError> {
        while self.read()? {
            let line_ends = line_ends_in(&self.record);
            let number = self.first_line(line_ends).saturating_sub(self.line_ends_in_cells);
            self.line_ends_in_cells = self.line_ends_in_cells.saturating_add(line_ends);
            // A quote that is never closed turns the rows behind it into one cell.
            if self.reader.get_ref().ended_in_quotes() {
                return Err(Problem::UnclosedQuote.at_row(number));
            }
            if !self.record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                // Every text was decoded to UTF-8.
                let text = std::str::from_utf8(self.record.as_slice()).unwrap_or_default();
                row.set(
                    text,
                    self.record.iter().scan(0, |end, cell| {
                        *end += cell.len();
                        Some(*end)
                    }),
                );
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<bool, ClassFileError> {
        let read = self.reader.read_byte_record(&mut self.record);
        if let Some(error) = self.reader.get_ref().error() {
            return Err(error);
        }
        read.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error.into(),
            other => std::io::Error::other(format!("{other:?}")).into(),
        })
    }

    /// The line on which the row just read begins, which has so many line ends in its cells. (The
    /// row's own position is where the reader began to look for it: before any blank lines.)
    fn first_line(&self, line_ends: u64) -> u64 {
        let ended = u64::from(!self.reader.get_ref().ended_in_a_row());
        let line = self.reader.position().line().saturating_add(self.lines_before);
        line.saturating_sub(line_ends.saturating_add(ended))
    }
}

fn line_ends_in(row: &ByteRecord) -> u64 {
    let cells = row.as_slice();
    // Few rows have any, and finding none is faster than counting.
    let first = memchr::memchr(b'\n', cells);
    let line_ends = first.map_or(0, |_| memchr::memchr_iter(b'\n', cells).count());
    u64::try_from(line_ends).unwrap_or(u64::MAX)
}
