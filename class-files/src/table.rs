//! A table as it comes from any kind of file: a header, and rows of cells.

use std::collections::BTreeSet;

use crate::cells::Cells;
use crate::columns::Header;
use crate::error::ClassFileError;
use crate::layout::Layout;
use crate::problem::Problem;
use crate::rows::Rows;
use crate::threads::Threads;

/// The most cells of a table in memory, blank ones included.
pub(crate) const CELLS_MAX: usize = 5_000_000;

/// The most columns of a class file: those of a sheet of a workbook.
pub(crate) const COLUMNS_MAX: usize = 16_384;

/// The bytes of the shortest row with an ID and a key.
const ROW_BYTES_MIN: usize = 16;

/// A table, row by row.
pub(crate) struct Table<'a> {
    pub(crate) header: Header,
    rows: RowSource<'a>,
    /// The row that was looked at before its turn.
    first: Option<StoredRow>,
    /// The columns that the file does not show, counted from 0.
    pub(crate) hidden_columns: BTreeSet<usize>,
}

enum RowSource<'a> {
    /// Read as they are asked for: a class may have a million students.
    Csv(Rows<'a>),
    Stored(std::vec::IntoIter<StoredRow>),
}

/// A row in memory.
#[derive(Clone, Default)]
pub(crate) struct StoredRow {
    /// The number of the row in its file.
    pub(crate) number: u64,
    pub(crate) cells: Cells,
    /// The rows that the cells stood in, if they come from several.
    pub(crate) cell_rows: Option<Box<[u64]>>,
}

/// The content of a sheet of a workbook.
pub(crate) struct SheetContent {
    /// The header and the rows below it.
    pub(crate) rows: Vec<StoredRow>,
    /// The columns that are not shown, counted from 0.
    pub(crate) hidden_columns: BTreeSet<u32>,
}

/// A table with a row for each student, made of one with a row for each mark.
pub(crate) struct Wide {
    pub(crate) header: Header,
    pub(crate) layout: Layout,
    pub(crate) rows: Vec<StoredRow>,
}

impl StoredRow {
    /// The number of the row that a cell stood in.
    pub(crate) fn row_of(&self, at: usize) -> u64 {
        let rows = self.cell_rows.as_ref();
        rows.and_then(|rows| rows.get(at)).copied().unwrap_or(self.number)
    }
}

impl<'a> Table<'a> {
    /// The table of a text with this separator.
    pub(crate) fn of_text(text: &'a str, separator: u8) -> Result<Self, ClassFileError> {
        let (rows, (number, header)) = Rows::open(text, separator)?;
        let texts = header.iter().map(str::to_owned);
        let header = Header::new(number, texts);
        Ok(Self::new(header, RowSource::Csv(rows)))
    }

    /// The table in a sheet of a workbook. The first row is the header.
    pub(crate) fn of_sheet(sheet: SheetContent) -> Result<Self, ClassFileError> {
        let mut rows = sheet.rows.into_iter();
        let header = rows.next().ok_or_else(|| Problem::Empty.anywhere())?;
        let texts = header.cells.iter().map(str::to_owned);
        let header = Header::new(header.number, texts);
        let hidden = sheet.hidden_columns.into_iter();
        let hidden_columns = hidden.filter_map(|column| usize::try_from(column).ok()).collect();
        Ok(Self { hidden_columns, ..Self::new(header, RowSource::Stored(rows)) })
    }

    /// The table of these rows below a header.
    pub(crate) fn below(header: Header, rows: Vec<StoredRow>) -> Self {
        Self::new(header, RowSource::Stored(rows.into_iter()))
    }

    fn new(header: Header, rows: RowSource<'a>) -> Self {
        Self { header, rows, first: None, hidden_columns: BTreeSet::new() }
    }

    /// The first row, which stays the next one; an empty row if there is none.
    pub(crate) fn first_row(&mut self) -> Result<Cells, ClassFileError> {
        if self.first.is_none() {
            let mut row = StoredRow::default();
            if self.next(&mut row)? {
                self.first = Some(row);
            }
        }
        Ok(self.first.as_ref().map(|row| row.cells.clone()).unwrap_or_default())
    }

    /// Reads the next row that is not blank. Returns false if there is none.
    pub(crate) fn next(&mut self, row: &mut StoredRow) -> Result<bool, ClassFileError> {
        if let Some(first) = self.first.take() {
            *row = first;
            return Ok(true);
        }
        match &mut self.rows {
            RowSource::Csv(rows) => {
                let Some(number) = rows.next(&mut row.cells)? else { return Ok(false) };
                row.number = number;
                Ok(true)
            }
            RowSource::Stored(rows) => {
                let found = rows.next();
                let any = found.is_some();
                *row = found.unwrap_or_default();
                Ok(any)
            }
        }
    }

    /// The last row that was handed out and all rows behind it, in as many parts as threads should read; none if one
    /// thread should read all.
    pub(crate) fn parts(&self, threads: Threads) -> Vec<Self> {
        let RowSource::Csv(rows) = &self.rows else { return Vec::new() };
        if self.first.is_some() {
            return Vec::new();
        }
        let parts = rows.parts(threads).unwrap_or_default().into_iter();
        let header = || self.header.clone();
        parts.map(|rows| Self::new(header(), RowSource::Csv(rows))).collect()
    }

    /// How many rows are left, about, and at most `rows_max`: as many as there would be if all were as long as the
    /// next one.
    pub(crate) fn about_left(&self, rows_max: usize) -> usize {
        let row_bytes = self.first.as_ref().map_or(0, |row| row.cells.text().len() + 1);
        let rows = match &self.rows {
            // A shorter row has no student, or not all cells.
            RowSource::Csv(rows) => {
                rows.about_left(row_bytes.max(ROW_BYTES_MIN).max(self.header.len()))
            }
            RowSource::Stored(rows) => rows.len(),
        };
        rows.saturating_add(1).min(rows_max)
    }

    /// All rows that are left.
    pub(crate) fn rest(&mut self, rows_max: usize) -> Result<Vec<StoredRow>, ClassFileError> {
        let mut rows = Vec::new();
        let mut row = StoredRow::default();
        while self.next(&mut row)? {
            if rows.len() >= rows_max {
                return Err(Problem::TooManyRows(rows_max).anywhere());
            }
            rows.push(std::mem::take(&mut row));
        }
        Ok(rows)
    }
}
