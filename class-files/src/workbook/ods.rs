//! ods workbooks.

use std::collections::HashSet;
use std::io::Cursor;

use calamine::{Data, Ods, OdsError, Reader as _};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::archive::Archive;
use super::damage::{encrypted, unreadable};
use super::grid::Grid;
use super::sheet::{TEXT_BYTES_MAX, choose, percent_text, text};
use crate::error::ClassFileError;
use crate::marks::FORMULA_WITHOUT_VALUE;
use crate::problem::Problem;
use crate::table::{CELLS_MAX, StoredRow};

pub(super) fn read(
    bytes: &[u8],
    archive: &Archive,
    sheet: Option<&str>,
) -> Result<Vec<StoredRow>, ClassFileError> {
    let percentages = scan(archive.content())?;
    let failed = |error: OdsError| match error {
        OdsError::Password => encrypted(),
        error => unreadable(&error),
    };
    let mut workbook: Ods<_> = Ods::new(Cursor::new(bytes)).map_err(failed)?;
    let sheets = workbook.sheet_names();
    let sheet = choose(sheet, &sheets)?;
    let sheet_at = sheets.iter().position(|name| *name == sheet).unwrap_or_default();
    let range = workbook.worksheet_range(&sheet).map_err(failed)?;
    let formulas = workbook.worksheet_formula(&sheet).map_err(failed)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut grid = Grid::default();
    for (row, column, value) in range.used_cells() {
        let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) else { continue };
        let (row, column) = (first_row.saturating_add(row), first_column.saturating_add(column));
        let text = match value {
            Data::Float(number) if percentages.contains(&(sheet_at, row, column)) => {
                percent_text(*number)
            }
            value => text(value),
        };
        grid.push(row, column, text)?;
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
    grid.into_rows()
}

/// A cell: its sheet, its row and its column, counted from 0.
type CellAt = (usize, u32, u32);

/// Checks how many cells the sheets have: an ods workbook writes a blank area as one cell with a number
/// of repetitions, and the reader makes room for all cells before the last one with content. Returns the
/// cells whose number is shown as a percentage.
fn scan(content: &[u8]) -> Result<HashSet<CellAt>, ClassFileError> {
    let mut reader = Reader::from_reader(content);
    let mut table = TableSize::default();
    let mut percentages = HashSet::new();
    let mut sheet = 0_usize;
    let mut total = 0_usize;
    loop {
        match reader.read_event().map_err(|error| unreadable(&error))? {
            Event::Start(element) => table.start(&element)?,
            Event::Empty(element) => {
                table.start(&element)?;
                table.end(element.name().as_ref());
            }
            Event::Text(text) => table.add_text(text.len()),
            Event::CData(text) => table.add_text(text.len()),
            Event::End(element) => {
                table.end(element.name().as_ref());
                if element.name().as_ref() == "table:table" {
                    let table = std::mem::take(&mut table);
                    total = total.saturating_add(table.cells());
                    percentages.extend(
                        table.percentages.iter().map(|(row, column)| (sheet, *row, *column)),
                    );
                    sheet = sheet.saturating_add(1);
                }
            }
            Event::Eof => return Ok(percentages),
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
    /// The cells with a percentage.
    percentages: Vec<(u32, u32)>,
    /// The bytes of the text of the cell that is being read, and of all cells with their repetitions.
    cell_text_bytes: usize,
    text_bytes: usize,
    is_too_large: bool,
}

impl TableSize {
    fn add_text(&mut self, bytes: usize) {
        self.has_content = true;
        self.cell_text_bytes = self.cell_text_bytes.saturating_add(bytes);
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
                for attribute in element.attributes().flatten() {
                    let name = attribute.key.as_ref();
                    self.has_content |= name.starts_with("office:") || name == "table:formula";
                    if name == "office:value-type" && attribute.value.as_ref() == "percentage" {
                        self.add_percentages();
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds the cell that is being read, as often as it is repeated.
    fn add_percentages(&mut self) {
        let cells = self.row_repeats.saturating_mul(self.cell_repeats);
        if self.percentages.len().saturating_add(cells) > CELLS_MAX {
            self.is_too_large = true;
            return;
        }
        for row in self.row..self.row.saturating_add(self.row_repeats) {
            for column in self.column..self.column.saturating_add(self.cell_repeats) {
                if let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) {
                    self.percentages.push((row, column));
                }
            }
        }
    }

    fn end(&mut self, element: &str) {
        match element {
            "table:table-cell" | "table:covered-table-cell" => {
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
