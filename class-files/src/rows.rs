//! The rows of a text file, numbered as a spreadsheet numbers them.

use csv::ByteRecord;

use crate::csv_guard::CsvGuard;
use crate::error::ClassFileError;
use crate::problem::Problem;

/// Reads row after row.
pub(crate) struct Rows<'a> {
    reader: csv::Reader<CsvGuard<&'a [u8]>>,
    /// The line ends inside cells so far: a row with them takes several lines.
    line_ends_in_cells: u64,
}

/// The content of a cell without blanks around it. A row has all the cells that are asked for, since
/// its length was checked.
pub(crate) fn cell(row: &ByteRecord, at: usize) -> &[u8] {
    row.get(at).unwrap_or_default().trim_ascii()
}

impl<'a> Rows<'a> {
    /// The rows of a text, and the first of them with its number.
    pub(crate) fn open(
        bytes: &'a [u8],
        separator: u8,
    ) -> Result<(Self, (u64, ByteRecord)), ClassFileError> {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .buffer_capacity(64 * 1024)
            .from_reader(CsvGuard::new(bytes, separator));
        let mut rows = Self { reader, line_ends_in_cells: 0 };
        let mut first = ByteRecord::new();
        let Some(number) = rows.next(&mut first)? else {
            return Err(Problem::Empty.anywhere());
        };
        Ok((rows, (number, first)))
    }

    /// Reads the next row that is not blank. Returns its number, or `None` if there is none.
    pub(crate) fn next(&mut self, row: &mut ByteRecord) -> Result<Option<u64>, ClassFileError> {
        while self.read(row)? {
            let line_ends = line_ends_in(row);
            let number = self.first_line(line_ends).saturating_sub(self.line_ends_in_cells);
            self.line_ends_in_cells = self.line_ends_in_cells.saturating_add(line_ends);
            // A quote that is never closed turns the rows behind it into one cell.
            if self.reader.get_ref().ended_in_quotes() {
                return Err(Problem::UnclosedQuote.at_row(number));
            }
            if !row.iter().all(|cell| cell.trim_ascii().is_empty()) {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn read(&mut self, row: &mut ByteRecord) -> Result<bool, ClassFileError> {
        let read = self.reader.read_byte_record(row);
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
