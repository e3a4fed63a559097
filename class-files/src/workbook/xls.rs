//! xls workbooks: compound files with a stream of records (BIFF; [MS-XLS] of Microsoft's Open
//! Specifications).

use std::io::{Cursor, Read};

use calamine::{Data, Reader as _, Xls, XlsError};

use super::damage::{damaged, encrypted, unreadable};
use super::grid::Grid;
use super::sheet::{choose, text};
use crate::error::ClassFileError;
use crate::problem::Problem;
use crate::table::{CELLS_MAX, StoredRow};

pub(super) fn read(bytes: &[u8], sheet: Option<&str>) -> Result<Vec<StoredRow>, ClassFileError> {
    check_size(bytes)?;
    let failed = |error: XlsError| match error {
        XlsError::Password => encrypted(),
        error => unreadable(&error),
    };
    let mut workbook: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(failed)?;
    let sheet = choose(sheet, &workbook.sheet_names())?;
    let range = workbook.worksheet_range(&sheet).map_err(failed)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let mut grid = Grid::default();
    for (row, column, value) in range.used_cells() {
        let (Ok(row), Ok(column)) = (u32::try_from(row), u32::try_from(column)) else { continue };
        if *value != Data::Empty {
            let (row, column) =
                (first_row.saturating_add(row), first_column.saturating_add(column));
            grid.push(row, column, text(value))?;
        }
    }
    grid.into_rows()
}

/// The records that begin with the row and the column of a cell.
const CELLS: [u16; 13] = [
    0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x0207, 0x00bd, 0x00be, 0x00d6, 0x00fd, 0x027e, 0x0002,
    0x0003,
];
const BEGIN_OF_SHEET: u16 = 0x0809;
const FILE_PASSWORD: u16 = 0x002f;

/// Checks how many cells the sheets have: the reader makes room for all cells up to the last one.
fn check_size(bytes: &[u8]) -> Result<(), ClassFileError> {
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
    let (mut rows, mut columns, mut total) = (0_usize, 0_usize, 0_usize);
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let [kind_low, kind_high, length_low, length_high] = *head;
        let kind = u16::from_le_bytes([kind_low, kind_high]);
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let Some(body) = behind.get(..length) else { break };
        rest = behind.get(length..).unwrap_or_default();
        match (kind, body.first_chunk::<4>()) {
            (FILE_PASSWORD, _) => return Err(encrypted()),
            (BEGIN_OF_SHEET, _) => {
                total = total.saturating_add(rows.saturating_mul(columns));
                (rows, columns) = (0, 0);
            }
            (kind, Some([row_low, row_high, column_low, column_high])) if CELLS.contains(&kind) => {
                let row = u16::from_le_bytes([*row_low, *row_high]);
                let column = u16::from_le_bytes([*column_low, *column_high]);
                // A record of several cells is not longer than its bytes.
                let last =
                    usize::from(column).saturating_add(if length > 64 { length / 2 } else { 1 });
                rows = rows.max(usize::from(row).saturating_add(1));
                columns = columns.max(last.min(usize::from(u16::MAX)));
            }
            _ => {}
        }
        if total.saturating_add(rows.saturating_mul(columns.min(256))) > CELLS_MAX {
            return Err(Problem::TooManyCells(CELLS_MAX).anywhere());
        }
    }
    Ok(())
}
