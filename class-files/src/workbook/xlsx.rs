//! xlsx workbooks, cell by cell.

use std::io::{Cursor, Read, Seek};

use calamine::{Data, Reader as _, Style, Xlsx, XlsxError};

use super::damage::{encrypted, unreadable};
use super::grid::Grid;
use super::number_format::{CellFormats, NumberFormat, shown};
use super::sheet::choose;
use super::xlsx_columns::hidden_columns;
use crate::error::ClassFileError;
use crate::marks::FORMULA_WITHOUT_VALUE;
use crate::table::SheetContent;

pub(super) fn read(bytes: &[u8], sheet: Option<&str>) -> Result<SheetContent, ClassFileError> {
    let failed = |error: XlsxError| match error {
        XlsxError::Password => encrypted(),
        error => unreadable(&error),
    };
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(failed)?;
    let sheet = choose(sheet, workbook.sheets_metadata())?;
    let formats = formats(&mut workbook, &sheet).map_err(failed)?;
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(failed)?;
    let mut grid = Grid::default();
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(failed)? {
        let (row, column) = cell.pos;
        let value = Data::from(cell.value);
        let text = match (&value, &cell.formula) {
            (Data::Empty, Some(_)) => FORMULA_WITHOUT_VALUE.to_owned(),
            _ => shown(&value, formats.get(&(row, column))),
        };
        grid.push(row, column, text)?;
    }
    Ok(SheetContent { rows: grid.into_rows()?, hidden_columns: hidden_columns(bytes, &sheet)? })
}

/// The formats of the cells whose number is shown in another way.
fn formats<RS: Read + Seek>(
    workbook: &mut Xlsx<RS>,
    sheet: &str,
) -> Result<CellFormats, XlsxError> {
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    let format = |style: &Style| {
        let code = style.number_format.as_ref().map(|format| format.format_code.as_str());
        code.and_then(NumberFormat::of_code)
    };
    let styles: Vec<_> = cells.styles().iter().map(format).collect();
    let mut found = CellFormats::new();
    // Most workbooks have no such style.
    if styles.iter().any(Option::is_some) {
        while let Some((row, column, style)) = cells.next_style_id()? {
            if let Some(Some(format)) = styles.get(style) {
                found.insert((row, column), *format);
            }
        }
    }
    Ok(found)
}
