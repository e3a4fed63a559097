//! ods workbooks.

use std::io::Cursor;

use calamine::{Ods, OdsError, Reader as _};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::archive::Archive;
use super::damage::{encrypted, unreadable};
use super::grid::Grid;
use super::sheet::{CELLS_MAX, choose, text};
use crate::error::{ClassFileError, Problem};
use crate::marks::FORMULA_WITHOUT_VALUE;
use crate::table::StoredRow;

pub(super) fn read(
    bytes: &[u8],
    archive: &Archive,
    sheet: Option<&str>,
) -> Result<Vec<StoredRow>, ClassFileError> {
    check_size(archive.content())?;
    let failed = |error: OdsError| match error {
        OdsError::Password => encrypted(),
        error => unreadable(&error),
    };
    let mut workbook: Ods<_> = Ods::new(Cursor::new(bytes)).map_err(failed)?;
    let sheet = choose(sheet, &workbook.sheet_names())?;
    let range = workbook.worksheet_range(&sheet).map_err(failed)?;
    let formulas = workbook.worksheet_formula(&sheet).map_err(failed)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut grid = Grid::default();
    for (row, column, value) in range.used_cells() {
        let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) else { continue };
        grid.push(first_row.saturating_add(row), first_column.saturating_add(column), text(value))?;
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

/// Checks how many cells the sheets have: an ods workbook writes a blank area as one cell with a number
/// of repetitions, and the reader makes room for all cells before the last one with content.
fn check_size(content: &[u8]) -> Result<(), ClassFileError> {
    let mut reader = Reader::from_reader(content);
    let mut table = TableSize::default();
    let mut total = 0_usize;
    loop {
        match reader.read_event().map_err(|error| unreadable(&error))? {
            Event::Start(element) => table.start(&element)?,
            Event::Empty(element) => {
                table.start(&element)?;
                table.end(element.name().as_ref());
            }
            Event::Text(_) | Event::CData(_) => table.has_content = true,
            Event::End(element) => {
                table.end(element.name().as_ref());
                if element.name().as_ref() == "table:table" {
                    total = total.saturating_add(std::mem::take(&mut table).cells());
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
        if total.max(table.cells()) > CELLS_MAX {
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
}

impl TableSize {
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
                let attributes = element.attributes().flatten();
                let mut names = attributes.map(|attribute| attribute.key.as_ref().to_owned());
                self.has_content =
                    names.any(|name| name.starts_with("office:") || name == "table:formula");
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, element: &str) {
        match element {
            "table:table-cell" | "table:covered-table-cell" => {
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
