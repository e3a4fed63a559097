//! xls workbooks: compound files with a stream of records (BIFF; [MS-XLS] of Microsoft's Open
//! Specifications).

use std::collections::HashMap;
use std::io::{Cursor, Read};

use calamine::{Data, Reader as _, Xls, XlsError};

use super::damage::{damaged, encrypted, unreadable};
use super::grid::Grid;
use super::number_format::{NumberFormat, SheetFormats, shown};
use super::sheet::choose;
use crate::error::ClassFileError;
use crate::problem::Problem;
use crate::table::{CELLS_MAX, SheetContent};

pub(super) fn read(bytes: &[u8], sheet: Option<&str>) -> Result<SheetContent, ClassFileError> {
    let mut scanned = scan(bytes)?;
    let failed = |error: XlsError| match error {
        XlsError::Password => encrypted(),
        error => unreadable(&error),
    };
    let mut workbook: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(failed)?;
    let sheets = workbook.sheets_metadata();
    let sheet = choose(sheet, sheets)?;
    let sheet_at = sheets.iter().position(|found| found.name == sheet).unwrap_or_default();
    let SheetFormats { cells: formats, hidden_columns } =
        scanned.remove(&sheet_at).unwrap_or_default();
    let range = workbook.worksheet_range(&sheet).map_err(failed)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut grid = Grid::default();
    for (row, column, value) in range.used_cells() {
        let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) else { continue };
        if *value != Data::Empty {
            let (row, column) =
                (first_row.saturating_add(row), first_column.saturating_add(column));
            grid.push(row, column, shown(value, formats.get(&(row, column))))?;
        }
    }
    Ok(SheetContent { rows: grid.into_rows()?, hidden_columns })
}

/// The records that begin with the row and the column of a cell.
const CELLS: [u16; 13] = [
    0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x0207, 0x00bd, 0x00be, 0x00d6, 0x00fd, 0x027e, 0x0002,
    0x0003,
];
const SEVERAL_NUMBERS: u16 = 0x00bd;
const BEGIN: u16 = 0x0809;
const FILE_PASSWORD: u16 = 0x002f;
const NUMBER_FORMAT: u16 = 0x041e;
const CELL_FORMAT: u16 = 0x00e0;
const COLUMNS: u16 = 0x007d;
/// The number formats that every workbook has and that show percentages.
const PERCENT_FORMATS: [u16; 2] = [9, 10];

/// Checks how many cells the sheets have: the reader makes room for all cells up to the last one. Returns
/// how each sheet, counted from 0, shows its cells.
fn scan(bytes: &[u8]) -> Result<HashMap<usize, SheetFormats>, ClassFileError> {
    let mut file =
        cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    if file.exists("/EncryptedPackage") {
        return Err(encrypted());
    }
    let name = ["/Workbook", "/Book"].into_iter().find(|name| file.is_stream(name));
    let name = name.ok_or_else(|| damaged("is a compound file, but no xls workbook"))?;
    let mut stream = file.open_stream(name).map_err(|error| unreadable(&error))?;
    let mut records = Vec::new();
    stream.read_to_end(&mut records).map_err(|error| unreadable(&error))?;
    let mut rest = records.as_slice();
    let mut scan = Scan::default();
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let [kind_low, kind_high, length_low, length_high] = *head;
        let kind = u16::from_le_bytes([kind_low, kind_high]);
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let Some(body) = behind.get(..length) else { break };
        rest = behind.get(length..).unwrap_or_default();
        match kind {
            FILE_PASSWORD => return Err(encrypted()),
            BEGIN => scan.begin_part(),
            NUMBER_FORMAT => scan.add_number_format(body),
            CELL_FORMAT => scan.add_cell_format(body),
            COLUMNS => scan.add_columns(body),
            kind if CELLS.contains(&kind) => scan.add_cell(kind, body),
            _ => {}
        }
        if scan.cells() > CELLS_MAX {
            return Err(Problem::TooManyCells(CELLS_MAX).anywhere());
        }
    }
    Ok(scan.sheets)
}

/// What was found so far.
#[derive(Default)]
struct Scan {
    /// The parts that began: that of the whole workbook, then the sheets.
    parts: usize,
    /// The size of the sheet that is being read, and the cells of those before it.
    rows: usize,
    columns: usize,
    cells_before: usize,
    /// The number formats that change what is shown, and that of each cell format.
    number_formats: HashMap<u16, NumberFormat>,
    cell_formats: Vec<Option<NumberFormat>>,
    sheets: HashMap<usize, SheetFormats>,
}

impl Scan {
    fn cells(&self) -> usize {
        self.cells_before.saturating_add(self.rows.saturating_mul(self.columns))
    }

    fn begin_part(&mut self) {
        self.cells_before = self.cells();
        (self.rows, self.columns) = (0, 0);
        self.parts = self.parts.saturating_add(1);
    }

    /// Adds a number format: its number, and its text with a length and a width of characters.
    fn add_number_format(&mut self, body: &[u8]) {
        const TEXT_AT: usize = 5;
        let Some(number) = word(body, 0) else { return };
        let text = body.get(TEXT_AT..).unwrap_or_default();
        // In wide characters, every other byte of ASCII is NUL.
        let text: String =
            text.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
        if let Some(format) = NumberFormat::of_code(&text) {
            self.number_formats.insert(number, format);
        }
    }

    fn add_cell_format(&mut self, body: &[u8]) {
        let format = word(body, 2).and_then(|number| {
            let is_percent = PERCENT_FORMATS.contains(&number);
            let other = || self.number_formats.get(&number).copied();
            is_percent.then_some(NumberFormat::Percent).or_else(other)
        });
        self.cell_formats.push(format);
    }

    /// Adds columns that are shown alike: the first, the last, and behind three words whether they are hidden.
    fn add_columns(&mut self, body: &[u8]) {
        const OPTIONS_AT: usize = 8;
        const IS_HIDDEN: u16 = 1;
        let is_hidden = word(body, OPTIONS_AT).is_some_and(|options| options & IS_HIDDEN != 0);
        if let (true, Some(first), Some(last)) = (is_hidden, word(body, 0), word(body, 2)) {
            let columns = u32::from(first)..=u32::from(last);
            self.sheet().hidden_columns.extend(columns);
        }
    }

    /// How the sheet that is being read shows its cells.
    fn sheet(&mut self) -> &mut SheetFormats {
        // The first part is the workbook itself.
        self.sheets.entry(self.parts.saturating_sub(2)).or_default()
    }

    fn add_cell(&mut self, kind: u16, body: &[u8]) {
        let (Some(row), Some(first)) = (word(body, 0), word(body, 2)) else { return };
        // A record of several numbers has a format and a value of six bytes for each.
        let several = if kind == SEVERAL_NUMBERS { body.len().saturating_sub(6) / 6 } else { 1 };
        self.rows = self.rows.max(usize::from(row).saturating_add(1));
        self.columns = self.columns.max(usize::from(first).saturating_add(several));
        for n in 0..several {
            let format = word(body, n.saturating_mul(6).saturating_add(4));
            let format = format.and_then(|format| self.cell_formats.get(usize::from(format)));
            let column = u32::from(first).checked_add(u32::try_from(n).unwrap_or(u32::MAX));
            if let (Some(Some(format)), Some(column)) = (format.copied(), column) {
                self.sheet().cells.insert((u32::from(row), column), format);
            }
        }
    }
}

/// The 16-bit number at a place.
fn word(body: &[u8], at: usize) -> Option<u16> {
    body.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}
