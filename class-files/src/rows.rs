//! The rows of a text file, numbered as a spreadsheet numbers them.
//!
//! Most files have no quotes: then a row is a line, and its cells stand between separators. From the first line
//! with a quote on, the `csv` crate defines the rows. A test holds both ways to the same rows.

mod csv_guard;
mod csv_rows;

use csv_rows::CsvRows;

use crate::cells::Cells;
use crate::error::ClassFileError;
use crate::problem::Problem;

/// Reads row after row.
pub(crate) struct Rows<'a> {
    separator: u8,
    text: &'a str,
    /// What was read of it: bytes, and lines.
    read: usize,
    lines: u64,
    /// The rows from the first line on that is not plain.
    quoted: Option<Box<CsvRows<'a>>>,
}

/// The next line of a text.
enum Line<'a> {
    /// A row without quotes, and its bytes with its line end.
    Plain(&'a str, usize),
    /// It has a quote, or a byte that may not stand in a row.
    Other,
    End,
}

/// The content of a cell without blanks around it. A row has all the cells that are asked for, since
/// its length was checked.
pub(crate) fn cell(row: &Cells, at: usize) -> &str {
    row.get(at).unwrap_or_default().trim_ascii()
}

impl<'a> Rows<'a> {
    /// The rows of a text, and the first of them with its number.
    pub(crate) fn open(
        text: &'a str,
        separator: u8,
    ) -> Result<(Self, (u64, Cells)), ClassFileError> {
        let mut rows = Self::new(text, separator);
        let mut first = Cells::default();
        let Some(number) = rows.next(&mut first)? else {
            return Err(Problem::Empty.anywhere());
        };
        Ok((rows, (number, first)))
    }

    fn new(text: &'a str, separator: u8) -> Self {
        let mut rows = Self { separator, text, read: 0, lines: 0, quoted: None };
        // A damaged file is rejected before its rows are looked at.
        if memchr::memchr(0, text.as_bytes()).is_some() {
            rows.read_quoted();
        }
        rows
    }

    /// Lets the csv crate read from this line on.
    fn read_quoted(&mut self) {
        // It begins with the line end before the line: it would skip a byte order mark at its first byte.
        let (start, lines_before) = match self.read.checked_sub(1) {
            Some(start) => (start, self.lines.saturating_sub(1)),
            None => (0, 0),
        };
        let rest = self.text.get(start..).unwrap_or_default();
        self.quoted = Some(CsvRows::new(rest, self.separator, lines_before).into());
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.read..).unwrap_or_default()
    }

    /// How many rows of this length are left, about.
    pub(crate) fn about_left(&self, row_bytes: usize) -> usize {
        self.rest().len() / row_bytes.max(1)
    }

    /// Reads the next row that is not blank. Returns its number, or `None` if there is none.
    pub(crate) fn next(&mut self, row: &mut Cells) -> Result<Option<u64>, ClassFileError> {
        while self.quoted.is_none() {
            match next_line(self.rest()) {
                Line::End => return Ok(None),
                Line::Other => self.read_quoted(),
                Line::Plain(line, used) => {
                    // One byte order mark too many is skipped, as the csv crate skips it.
                    let mark = if self.read == 0 { line.strip_prefix('\u{feff}') } else { None };
                    let line = mark.unwrap_or(line);
                    self.read = self.read.saturating_add(used);
                    self.lines = self.lines.saturating_add(1);
                    if !is_blank(line, self.separator) {
                        row.set_line(line, self.separator);
                        return Ok(Some(self.lines));
                    }
                }
            }
        }
        match &mut self.quoted {
            Some(rows) => rows.next(row),
            None => Ok(None),
        }
    }
}

fn next_line(text: &str) -> Line<'_> {
    if text.is_empty() {
        return Line::End;
    }
    let end = memchr::memchr(b'\n', text.as_bytes());
    let (line, _) = text.split_at(end.unwrap_or(text.len()));
    let used = end.map_or(line.len(), |end| end + 1);
    match memchr::memchr3(b'"', b'\r', 0, line.as_bytes()) {
        None => Line::Plain(line, used),
        // CR LF is one line end.
        Some(at) if end == Some(at + 1) && line.ends_with('\r') => {
            Line::Plain(line.get(..at).unwrap_or_default(), used)
        }
        Some(_) => Line::Other,
    }
}

/// Returns true if no cell of a line has more than blanks.
fn is_blank(line: &str, separator: u8) -> bool {
    line.bytes().all(|byte| byte == separator || byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Numbered = Vec<(u64, Vec<String>)>;

    /// The rows with their numbers, and how they end.
    fn all(
        mut next: impl FnMut(&mut Cells) -> Result<Option<u64>, ClassFileError>,
    ) -> (Numbered, Result<(), String>) {
        let mut rows = Vec::new();
        let mut cells = Cells::default();
        loop {
            match next(&mut cells) {
                Ok(Some(number)) => {
                    rows.push((number, cells.iter().map(str::to_owned).collect()));
                }
                Ok(None) => return (rows, Ok(())),
                Err(error) => return (rows, Err(error.to_string())),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn lines_without_quotes_are_the_rows_that_the_csv_crate_reads(
            plain in "[ab;, \u{e9}\u{feff}\n]{0,24}",
            any in "[ab;, \u{e9}\u{feff}\t\n\r\"\u{0}]{0,24}",
        ) {
            let text = format!("{plain}{any}");
            let mut ours = Rows::new(&text, b';');
            let mut theirs = CsvRows::new(&text, b';', 0);
            let (ours, ours_end) = all(|row| ours.next(row));
            let (theirs, theirs_end) = all(|row| theirs.next(row));
            // The other way may find an error before it hands out the rows before it.
            let read = if ours_end.is_ok() { ours.len() } else { theirs.len() };
            prop_assert_eq!((ours.get(..read), ours_end), (Some(&*theirs), theirs_end), "{:?}", text);
        }
    }

    #[test]
    fn quotes_are_read_from_the_first_line_on_that_has_one() {
        let text = "A;B\r\n1;2\r\n\r\n\"3\n\";4\n5;6";
        let (mut rows, (number, first)) = Rows::open(text, b';').unwrap();
        assert_eq!((number, first.iter().collect::<Vec<_>>()), (1, vec!["A", "B"]));
        let (rows, end) = all(|row| rows.next(row));
        assert_eq!(end, Ok(()));
        let numbers: Vec<_> = rows.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [2, 4, 5], "as a spreadsheet numbers them");
        assert_eq!(rows[1].1, ["3\n", "4"]);
    }
}
