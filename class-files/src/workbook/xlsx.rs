//! xlsx workbooks, cell by cell.

use std::io::Cursor;

use calamine::{Data, Reader as _, SheetType, Xlsx, XlsxError};

use super::damage::{encrypted, unreadable};
use super::grid::Grid;
use super::sheet::{choose, text};
use crate::error::ClassFileError;
use crate::marks::FORMULA_WITHOUT_VALUE;
use crate::table::StoredRow;

pub(super) fn read(bytes: &[u8], sheet: Option<&str>) -> Result<Vec<StoredRow>, ClassFileError> {
    let failed = |error: XlsxError| match error {
        XlsxError::Password => encrypted(),
        error => unreadable(&error),
    };
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(failed)?;
    let sheets = workbook.sheets_metadata().iter();
    let sheets: Vec<_> = sheets
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect();
    let sheet = choose(sheet, &sheets)?;
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(failed)?;
    let mut grid = Grid::default();
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(failed)? {
        let (row, column) = cell.pos;
        let value = Data::from(cell.value);
        let text = match (&value, &cell.formula) {
            (Data::Empty, Some(_)) => FORMULA_WITHOUT_VALUE.to_owned(),
            _ => text(&value),
        };
        grid.push(row, column, text)?;
    }
    grid.into_rows()
}
