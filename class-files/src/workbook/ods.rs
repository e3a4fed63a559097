//! ods workbooks.

use std::collections::HashMap;
use std::io::Cursor;

use calamine::{Ods, OdsError, Reader as _};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::archive::Archive;
use super::damage::{encrypted, unreadable};
use super::grid::Grid;
use super::number_format::{NumberFormat, SheetFormats, shown};
use super::sheet::{TEXT_BYTES_MAX, choose, text};
use crate::error::ClassFileError;
use crate::marks::FORMULA_WITHOUT_VALUE;
use crate::problem::Problem;
use crate::table::{CELLS_MAX, COLUMNS_MAX, SheetContent};

pub(super) fn read(
    bytes: &[u8],
    archive: &Archive,
    sheet: Option<&str>,
) -> Result<SheetContent, ClassFileError> {
    let mut scanned = scan(archive.content())?;
    let failed = |error: OdsError| match error {
        OdsError::Password => encrypted(),
        error => unreadable(&error),
    };
    let mut workbook: Ods<_> = Ods::new(Cursor::new(bytes)).map_err(failed)?;
    let sheets = workbook.sheets_metadata();
    let sheet = choose(sheet, sheets)?;
    let sheet_at = sheets.iter().position(|found| found.name == sheet).unwrap_or_default();
    let SheetFormats { cells: formats, hidden_columns } =
        scanned.remove(&sheet_at).unwrap_or_default();
    let range = workbook.worksheet_range(&sheet).map_err(failed)?;
    let formulas = workbook.worksheet_formula(&sheet).map_err(failed)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut grid = Grid::default();
    for (row, column, value) in range.used_cells() {
        let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) else { continue };
        let (row, column) = (first_row.saturating_add(row), first_column.saturating_add(column));
        grid.push(row, column, shown(value, formats.get(&(row, column))))?;
    }
    let (first_row, first_column) = formulas.start().unwrap_or_default();
    for (row, column, formula) in formulas.used_cells() {
        let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) else { continue };
        let (row, column) = (first_row.saturating_add(row), first_column.saturating_add(column));
        let has_value = range.get_value((row, column)).is_some_and(|value| !text(value).is_empty());
        if !formula.is_empty() && !has_value {
            grid.push(row, column, FORMULA_WITHOUT_VALUE.to_owned())?;
        }
    }
    Ok(SheetContent { rows: grid.into_rows()?, hidden_columns })
}

/// Checks how many cells the sheets have: an ods workbook writes a blank area as one cell with a number
/// of repetitions, and the reader makes room for all cells before the last one with content. Returns how
/// each sheet, counted from 0, shows its cells.
fn scan(content: &[u8]) -> Result<HashMap<usize, SheetFormats>, ClassFileError> {
    let mut reader = Reader::from_reader(content);
    let mut table = TableSize::default();
    let mut sheets = HashMap::new();
    let mut sheet = 0_usize;
    let mut total = 0_usize;
    loop {
        match reader.read_event().map_err(|error| unreadable(&error))? {
            Event::Start(element) => table.start(&element)?,
            Event::Empty(element) => {
                table.start(&element)?;
                table.end(element.name().as_ref());
            }
            Event::Text(text) => table.add_text(&text),
            Event::CData(text) => table.add_text(&text),
            Event::End(element) => {
                table.end(element.name().as_ref());
                if element.name().as_ref() == "table:table" {
                    let table = std::mem::take(&mut table);
                    total = total.saturating_add(table.cells());
                    sheets.insert(sheet, table.formats);
                    sheet = sheet.saturating_add(1);
                }
            }
            Event::Eof => return Ok(sheets),
            _ => {}
        }
        if table.is_too_large || total.max(table.cells()) > CELLS_MAX {
            return Err(Problem::TooManyCells(CELLS_MAX).anywhere());
        }
    }
}

/// The size of a sheet as far as it was read.
#[derive(Default)]
struct TableSize {
    /// The rows and columns up to the last one with content.
    rows: usize,
    columns: usize,
    /// The rows before the one that is being read, the columns before the cell, and their repetitions.
    row: usize,
    row_repeats: usize,
    column: usize,
    cell_repeats: usize,
    row_has_content: bool,
    has_content: bool,
    /// What was found of how the cells are shown, and the number of columns that were described.
    formats: SheetFormats,
    described_columns: usize,
    /// Whether the cell that is being read has a number, and the text that shows it.
    has_number: bool,
    shown_number: String,
    /// The bytes of the text of the cell that is being read, and of all cells with their repetitions.
    cell_text_bytes: usize,
    text_bytes: usize,
    is_too_large: bool,
}

impl TableSize {
    fn add_text(&mut self, text: &str) {
        self.has_content = true;
        self.cell_text_bytes = self.cell_text_bytes.saturating_add(text.len());
        if self.has_number {
            self.shown_number.push_str(text);
        }
    }

    fn cells(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), ClassFileError> {
        match element.name().as_ref() {
            "table:table-row" => {
                self.row_repeats = repeats(element, "table:number-rows-repeated")?;
                self.column = 0;
                self.row_has_content = false;
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.cell_repeats = repeats(element, "table:number-columns-repeated")?;
                self.has_content = false;
                self.has_number = false;
                self.shown_number.clear();
                for attribute in element.attributes().flatten() {
                    let name = attribute.key.as_ref();
                    self.has_content |= name.starts_with("office:") || name == "table:formula";
                    match (name, attribute.value.as_ref()) {
                        ("office:value-type", "percentage") => {
                            self.add_format(NumberFormat::Percent);
                        }
                        ("office:value-type", "float") => self.has_number = true,
                        _ => {}
                    }
                }
            }
            "table:table-column" => {
                let columns = repeats(element, "table:number-columns-repeated")?;
                let first = self.described_columns;
                self.described_columns = first.saturating_add(columns);
                let visibility = element.try_get_attribute("table:visibility");
                let visibility = visibility.map_err(|error| unreadable(&error))?;
                let hidden = ["collapse", "filter"];
                if visibility.is_some_and(|value| hidden.contains(&value.value.as_ref())) {
                    let last = self.described_columns.min(COLUMNS_MAX);
                    let columns = (first..last).filter_map(|column| u32::try_from(column).ok());
                    self.formats.hidden_columns.extend(columns);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds the format of the cell that is being read, as often as it is repeated.
    fn add_format(&mut self, format: NumberFormat) {
        let cells = self.row_repeats.saturating_mul(self.cell_repeats);
        if self.formats.cells.len().saturating_add(cells) > CELLS_MAX {
            self.is_too_large = true;
            return;
        }
        for row in self.row..self.row.saturating_add(self.row_repeats) {
            for column in self.column..self.column.saturating_add(self.cell_repeats) {
                if let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) {
                    self.formats.cells.insert((row, column), format);
                }
            }
        }
    }

    fn end(&mut self, element: &str) {
        match element {
            "table:table-cell" | "table:covered-table-cell" => {
                let digits = self.shown_number.as_str();
                if digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    NumberFormat::of_digits(digits.len())
                        .into_iter()
                        .for_each(|format| self.add_format(format));
                }
                let repeats = self.cell_repeats.saturating_mul(self.row_repeats);
                let text_bytes = std::mem::take(&mut self.cell_text_bytes).saturating_mul(repeats);
                self.text_bytes = self.text_bytes.saturating_add(text_bytes);
                self.is_too_large |= self.has_content && self.text_bytes > TEXT_BYTES_MAX;
                self.column = self.column.saturating_add(self.cell_repeats);
                if self.has_content {
                    self.columns = self.columns.max(self.column);
                    self.row_has_content = true;
                }
                self.has_content = false;
            }
            "table:table-row" => {
                self.row = self.row.saturating_add(self.row_repeats);
                if self.row_has_content {
                    self.rows = self.row;
                }
            }
            _ => {}
        }
    }
}

fn repeats(element: &BytesStart<'_>, name: &str) -> Result<usize, ClassFileError> {
    let attribute = element.try_get_attribute(name).map_err(|error| unreadable(&error))?;
    let Some(attribute) = attribute else { return Ok(1) };
    let number = attribute.value.parse();
    number.map_err(|error: std::num::ParseIntError| unreadable(&error))
}
