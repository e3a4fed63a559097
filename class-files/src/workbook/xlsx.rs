//! xlsx workbooks, cell by cell.

use std::collections::HashSet;
use std::io::{Cursor, Read, Seek};

use calamine::{Data, Reader as _, SheetType, Style, Xlsx, XlsxError};

use super::damage::{encrypted, unreadable};
use super::grid::Grid;
use super::sheet::{choose, percent_text, scales_to_percent, text};
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
    let percentages = percentages(&mut workbook, &sheet).map_err(failed)?;
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(failed)?;
    let mut grid = Grid::default();
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(failed)? {
        let (row, column) = cell.pos;
        let value = Data::from(cell.value);
        let text = match (&value, &cell.formula) {
            (Data::Empty, Some(_)) => FORMULA_WITHOUT_VALUE.to_owned(),
            (Data::Float(number), _) if percentages.contains(&(row, column)) => {
                percent_text(*number)
            }
            _ => text(&value),
        };
        grid.push(row, column, text)?;
    }
    grid.into_rows()
}

/// The cells whose number is shown as a percentage: `0.85` reads as `85%`.
fn percentages<RS: Read + Seek>(
    workbook: &mut Xlsx<RS>,
    sheet: &str,
) -> Result<HashSet<(u32, u32)>, XlsxError> {
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    let is_percentage = |style: &Style| {
        style.number_format.as_ref().is_some_and(|format| scales_to_percent(&format.format_code))
    };
    let styles: Vec<_> = cells.styles().iter().map(is_percentage).collect();
    let mut found = HashSet::new();
    // Most workbooks have no such style.
    if styles.contains(&true) {
        while let Some((row, column, style)) = cells.next_style_id()? {
            if styles.get(style) == Some(&true) {
                found.insert((row, column));
            }
        }
    }
    Ok(found)
}
