//! The rows of a text file, numbered as a spreadsheet numbers them.
//!
//! Most files have no quotes: then a row is a line, and its cells stand between separators. From the first line
//! with a quote on, the `csv` crate defines the rows. A test holds both ways to the same rows.

mod csv_guard;
mod csv_rows;
mod cut;

use csv_rows::CsvRows;
use cut::{Cut, cuts};

use crate::cells::Cells;
use crate::error::ClassFileError;
use crate::problem::Problem;
use crate::threads::Threads;

/// Reads row after row.
pub(crate) struct Rows<'a> {
    separator: u8,
    text: &'a str,
    /// What was read of it: bytes, and lines.
    read: usize,
    lines: u64,
    /// All bytes before this place belong to plain rows.
    plain_to: usize,
    /// The rows that were handed out: how many, and the number of the last one.
    rows: usize,
    last_row: u64,
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
        /// The beginning of a text, in which a NUL shows that it is no text.
        const BEGINNING_BYTES: usize = 64 * 1024;
        let mut rows = Self::behind(Cut::START, text, separator);
        let beginning = text.as_bytes().get(..BEGINNING_BYTES).unwrap_or(text.as_bytes());
        // Such a file is rejected before its rows are looked at.
        if memchr::memchr(0, beginning).is_some() {
            rows.read_quoted();
        }
        rows
    }

    /// The rows of a text behind a cut.
    fn behind(cut: Cut, text: &'a str, separator: u8) -> Self {
        Self {
            separator,
            text,
            read: cut.at,
            lines: cut.lines,
            plain_to: 0,
            rows: 0,
            last_row: 0,
            quoted: None,
        }
    }

    /// The last row that was handed out and all rows behind it, in as many parts as threads should read; none if one
    /// should read all. A part numbers its rows as the whole does; if the whole is not valid, one of the parts is not.
    pub(crate) fn parts(&self, threads: Threads) -> Result<Vec<Self>, ClassFileError> {
        let starts = cuts(self.text, threads.parts_of(self.text.len()), self.last_row);
        if starts.len() < 2 {
            return Ok(Vec::new());
        }
        let ends = starts.iter().skip(1).map(|cut| cut.at).chain([self.text.len()]);
        let texts = ends.map(|end| self.text.get(..end).unwrap_or_default());
        let parts = starts.iter().zip(texts);
        let mut parts: Vec<_> =
            parts.map(|(cut, text)| Self::behind(*cut, text, self.separator)).collect();
        let mut row = Cells::default();
        for _ in 1..self.rows {
            if let Some(first) = parts.first_mut() {
                first.next(&mut row)?;
            }
        }
        Ok(parts)
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

    /// The line that is read next.
    fn next_line(&mut self) -> Line<'a> {
        let text = self.rest();
        if text.is_empty() {
            return Line::End;
        }
        let end = memchr::memchr(b'\n', text.as_bytes());
        let (line, _) = text.split_at(end.unwrap_or(text.len()));
        let used = end.map_or(line.len(), |end| end + 1);
        let behind = self.read.saturating_add(used);
        if behind <= self.plain_to {
            return Line::Plain(line, used);
        }
        match next_not_plain(line) {
            None => {
                self.look_ahead(behind);
                Line::Plain(line, used)
            }
            // CR LF is one line end.
            Some(at) if end == Some(at + 1) && line.ends_with('\r') => {
                Line::Plain(line.get(..at).unwrap_or_default(), used)
            }
            Some(_) => Line::Other,
        }
    }

    /// Finds out how much of the text behind a line is plain: faster than line by line.
    fn look_ahead(&mut self, behind: usize) {
        /// The bytes that are looked at: they are still in the processor's cache when they are read.
        const AHEAD_BYTES: usize = 16 * 1024;
        let ahead = behind.saturating_add(AHEAD_BYTES).min(self.text.len());
        let text = self.text.as_bytes().get(behind..ahead).unwrap_or_default();
        self.plain_to = next_not_plain(text).map_or(ahead, |at| behind.saturating_add(at));
    }

    /// How many rows of this length are left, about.
    pub(crate) fn about_left(&self, row_bytes: usize) -> usize {
        self.rest().len() / row_bytes.max(1)
    }

    /// Reads the next row that is not blank. Returns its number, or `None` if there is none.
    pub(crate) fn next(&mut self, row: &mut Cells) -> Result<Option<u64>, ClassFileError> {
        let number = self.read_row(row)?;
        if let Some(number) = number {
            self.rows = self.rows.saturating_add(1);
            self.last_row = number;
        }
        Ok(number)
    }

    /// Reads the next row, if it is known to be plain and is not blank.
    fn read_plain(&mut self, row: &mut Cells) -> Option<u64> {
        let plain = self.text.as_bytes().get(self.read..self.plain_to)?;
        let bytes = row.set_first_line(self.rest(), plain, self.separator)?;
        if is_blank(row.text(), self.separator) {
            return None;
        }
        self.read = self.read.saturating_add(bytes + 1);
        self.lines = self.lines.saturating_add(1);
        Some(self.lines)
    }

    fn read_row(&mut self, row: &mut Cells) -> Result<Option<u64>, ClassFileError> {
        while self.quoted.is_none() {
            if let Some(number) = self.read_plain(row) {
                return Ok(Some(number));
            }
            match self.next_line() {
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

/// The first byte of a text that stands in no plain row.
fn next_not_plain(text: impl AsRef<[u8]>) -> Option<usize> {
    memchr::memchr3(b'"', b'\r', 0, text.as_ref())
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn the_parts_of_a_text_have_its_rows(
            text in "\u{feff}?([ab;\u{e9} ]{0,3}(\n|\r|\r\n|\"a\"\"[\n;\r]?\";|\"[\n\r]*\" ?\r?\n)){0,12}[\"\u{0}]?",
            parts in 2_usize..5,
            read in 1_usize..4,
        ) {
            let mut whole = Rows::new(&text, b';');
            let (rows, end) = all(|row| whole.next(row));
            let mut whole = Rows::new(&text, b';');
            let mut cells = Cells::default();
            for _ in 0..read {
                if !matches!(whole.next(&mut cells), Ok(Some(_))) {
                    return Ok(());
                }
            }
            let parts = whole.parts(Threads { count: parts, part_bytes_min: 0 }).unwrap_or_default();
            if parts.is_empty() {
                return Ok(());
            }
            let parts = parts.into_iter().map(|mut part| all(|row| part.next(row)));
            let (of_parts, ends): (Vec<_>, Vec<_>) = parts.unzip();
            let is_valid = ends.iter().all(Result::is_ok);
            prop_assert_eq!(is_valid, end.is_ok(), "{:?}: {:?}, {:?}", text, end, ends);
            if is_valid {
                prop_assert_eq!(Some(&*of_parts.concat()), rows.get(read - 1..), "{:?}", text);
            }
        }
    }

    #[test]
    fn many_plain_rows_may_be_followed_by_one_that_is_not() {
        let row = format!("{};\u{e9}\n", "a".repeat(90));
        for rest in ["", "a;b", "a\r\nb;c\n", "\"\n\";b\n", "a\rb\n", "a\"b", "a\0b"] {
            for rows in [1, 2, 170, 180, 1_000] {
                let text = format!("{}{rest}", row.repeat(rows));
                let mut ours = Rows::new(&text, b';');
                let mut theirs = CsvRows::new(&text, b';', 0);
                let (ours, ours_end) = all(|row| ours.next(row));
                let (theirs, theirs_end) = all(|row| theirs.next(row));
                assert_eq!(ours_end, theirs_end, "{rows} rows and {rest:?}");
                if ours_end.is_ok() {
                    assert!(ours == theirs, "{rows} rows and {rest:?}");
                }
            }
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
