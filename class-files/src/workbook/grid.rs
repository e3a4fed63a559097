//! The cells of a sheet as rows of equal length.

use super::sheet::TEXT_BYTES_MAX;
use crate::cells::Cells;
use crate::error::{ClassFileError, Column};
use crate::problem::Problem;
use crate::table::{CELLS_MAX, StoredRow};

/// The most blank rows between two rows, and the most blank columns between two names of the header: a
/// cell behind more was typed by mistake.
const BLANK_ROWS_MAX: u32 = 1000;
const BLANK_COLUMNS_MAX: u32 = 100;

/// The cells of a sheet that are not blank.
#[derive(Default)]
pub(super) struct Grid {
    cells: Vec<Cell>,
    text_bytes: usize,
}

struct Cell {
    row: u32,
    column: u32,
    text: String,
}

impl Grid {
    /// Adds a cell. Rows and columns are counted from 0.
    pub(super) fn push(
        &mut self,
        row: u32,
        column: u32,
        text: String,
    ) -> Result<(), ClassFileError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        if self.cells.len() >= CELLS_MAX || self.text_bytes > TEXT_BYTES_MAX {
            return Err(Problem::TooManyCells(CELLS_MAX).anywhere());
        }
        self.cells.push(Cell { row, column, text });
        Ok(())
    }

    /// The rows of the sheet, the header first.
    pub(super) fn into_rows(mut self) -> Result<Vec<StoredRow>, ClassFileError> {
        self.cells.sort_by_key(|cell| (cell.row, cell.column));
        let Some(first) = self.cells.first().map(|cell| cell.row) else { return Ok(Vec::new()) };
        let mut width = 0;
        for cell in self.cells.iter().take_while(|cell| cell.row == first) {
            if cell.column.saturating_sub(width) > BLANK_COLUMNS_MAX {
                return Err(far(cell));
            }
            width = cell.column.saturating_add(1);
        }
        let mut rows: Vec<StoredRow> = Vec::new();
        let mut last = first;
        let mut cells = self.cells.into_iter().peekable();
        while let Some(row) = cells.peek().map(|cell| cell.row) {
            if row.saturating_sub(last) > BLANK_ROWS_MAX {
                return Err(cells.peek().map_or_else(|| Problem::Empty.anywhere(), far));
            }
            last = row;
            let mut record = Cells::default();
            while let Some(cell) = cells.next_if(|cell| cell.row == row) {
                if cell.column >= width {
                    return Err(far(&cell));
                }
                if record.len() > usize::try_from(cell.column).unwrap_or(usize::MAX) {
                    return Err(twice(&cell));
                }
                while record.len() < usize::try_from(cell.column).unwrap_or(usize::MAX) {
                    record.push("");
                }
                record.push(&cell.text);
            }
            while record.len() < usize::try_from(width).unwrap_or(usize::MAX) {
                record.push("");
            }
            rows.push(StoredRow {
                number: u64::from(row).saturating_add(1),
                cells: record,
                cell_rows: None,
            });
            if rows.len().saturating_mul(usize::try_from(width).unwrap_or(usize::MAX)) > CELLS_MAX {
                return Err(Problem::TooManyCells(CELLS_MAX).anywhere());
            }
        }
        Ok(rows)
    }
}

/// The error of a cell outside of the table.
fn far(cell: &Cell) -> ClassFileError {
    wrong(
        cell,
        "lies outside of the table; delete its content, or a title above the names of the columns",
    )
}

/// The error of a cell that the workbook has twice.
fn twice(cell: &Cell) -> ClassFileError {
    wrong(cell, "has two contents; open the file in a spreadsheet and save it again")
}

fn wrong(cell: &Cell, what: &str) -> ClassFileError {
    let name = format!("{}{}", column_letters(cell.column), u64::from(cell.row).saturating_add(1));
    let text = format!("cell {name} {what}");
    let number = usize::try_from(cell.column).unwrap_or(usize::MAX).saturating_add(1);
    Problem::Damaged(text).at(u64::from(cell.row).saturating_add(1), Column { number, name: None })
}

/// The letters that a spreadsheet shows above a column, which is counted from 0.
fn column_letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column).saturating_add(1);
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[(u32, u32, &str)]) -> String {
        let mut grid = Grid::default();
        for (row, column, text) in cells {
            grid.push(*row, *column, (*text).to_owned()).unwrap();
        }
        match grid.into_rows() {
            Ok(rows) => {
                let rows = rows.iter().map(|row| {
                    let cells: Vec<_> = row.cells.iter().collect();
                    format!("{}:{}", row.number, cells.join("|"))
                });
                rows.collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn rows_are_as_long_as_the_header() {
        assert_eq!(rows(&[(2, 1, "d"), (0, 0, "a"), (0, 1, "b"), (2, 0, " ")]), "1:a|b 3:|d");
        assert_eq!(rows(&[]), "");
        assert_eq!(rows(&[(4, 2, "a"), (5, 2, "b")]), "5:||a 6:||b");
    }

    #[test]
    fn a_cell_far_from_the_table_is_named() {
        let at = |row, column| rows(&[(0, 0, "a"), (1, 0, "b"), (row, column, "x")]);
        let far = "lies outside of the table; delete its content, or a title above the names of the columns";
        assert_eq!(
            at(1_048_575, 16_383),
            format!("row 1048576, column 16384: cell XFD1048576 {far}")
        );
        assert_eq!(at(5, 1), format!("row 6, column 2: cell B6 {far}"));
        assert_eq!(at(1002, 0), format!("row 1003, column 1: cell A1003 {far}"));
        assert_eq!(at(1001, 0), "1:a 2:b 1002:x");
        assert_eq!(at(0, 102), format!("row 1, column 103: cell CY1 {far}"));
    }

    #[test]
    fn a_cell_with_two_contents_is_refused() {
        assert_eq!(
            rows(&[(0, 0, "a"), (0, 1, "b"), (1, 0, "c"), (1, 0, "d")]),
            "row 2, column 1: cell A2 has two contents; open the file in a spreadsheet and save it again"
        );
    }

    #[test]
    fn columns_have_the_letters_of_a_spreadsheet() {
        let letters: Vec<_> = [0, 25, 26, 701, 702, 16_383].map(column_letters).into();
        assert_eq!(letters, ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }
}
