//! How a workbook shows numbers: `0.85` as `85%`, and `12345` as `0012345`.

use std::collections::{BTreeSet, HashMap};

use calamine::Data;

use super::sheet;

/// What a number format changes, as far as marks and IDs depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberFormat {
    /// Shows a percentage.
    Percent,
    /// Shows a whole number with at least so many digits: IDs with leading zeros are kept so.
    Digits(usize),
}

/// The formats of cells, by row and column.
pub(super) type CellFormats = HashMap<(u32, u32), NumberFormat>;

/// How a sheet shows its cells.
#[derive(Default)]
pub(super) struct SheetFormats {
    pub(super) cells: CellFormats,
    /// The columns that are not shown, counted from 0.
    pub(super) hidden_columns: BTreeSet<u32>,
}

impl NumberFormat {
    /// The most digits that a format may ask for. A number has no more.
    const DIGITS_MAX: usize = 15;

    /// The format with this code, such as `0.0%` or `0000000`; `None` if it changes nothing.
    pub(super) fn of_code(code: &str) -> Option<Self> {
        if scales_to_percent(code) {
            return Some(Self::Percent);
        }
        let is_zeros = code.bytes().all(|byte| byte == b'0');
        Self::of_digits(code.len()).filter(|_| is_zeros)
    }

    /// The format that shows at least so many digits; `None` if it changes nothing.
    pub(super) fn of_digits(digits: usize) -> Option<Self> {
        (2..=Self::DIGITS_MAX).contains(&digits).then_some(Self::Digits(digits))
    }

    /// The number in a cell as the cell shows it; `None` if the cell has no number.
    fn text(self, cell: &Data) -> Option<String> {
        match (self, cell) {
            (Self::Percent, Data::Float(number)) => {
                Some(format!("{}%", sheet::number_text(number * 100.0)))
            }
            (Self::Percent, Data::Int(number)) => Some(format!("{}%", number.saturating_mul(100))),
            (Self::Digits(digits), Data::Float(_) | Data::Int(_)) => {
                let text = sheet::text(cell);
                let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
                is_whole.then(|| format!("{text:0>digits$}"))
            }
            _ => None,
        }
    }
}

/// The text of a cell as its format shows it.
pub(super) fn shown(cell: &Data, format: Option<&NumberFormat>) -> String {
    format.and_then(|format| format.text(cell)).unwrap_or_else(|| sheet::text(cell))
}

/// Returns true if a number format multiplies by a hundred: it has a percent sign that is neither in
/// quotes nor behind a backslash.
fn scales_to_percent(code: &str) -> bool {
    let mut chars = code.chars();
    let mut in_quotes = false;
    while let Some(char) = chars.next() {
        match char {
            '"' => in_quotes = !in_quotes,
            '\\' | '_' | '*' if !in_quotes => drop(chars.next()),
            '%' if !in_quotes => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_scales_unless_it_is_text() {
        for (code, scales) in
            [("0%", true), ("0.00%", true), ("0\"%\"", false), ("0\\%", false), ("General", false)]
        {
            assert_eq!(
                NumberFormat::of_code(code) == Some(NumberFormat::Percent),
                scales,
                "{code}"
            );
        }
    }

    #[test]
    fn a_format_of_zeros_shows_leading_zeros() {
        let shown = |code: &str, cell: Data| shown(&cell, NumberFormat::of_code(code).as_ref());
        assert_eq!(shown("0000000", Data::Float(12_345.0)), "0012345");
        assert_eq!(shown("0000000", Data::Int(12_345)), "0012345");
        assert_eq!(shown("00", Data::Float(2_100_001.0)), "2100001");
        assert_eq!(shown("0000000", Data::Float(1.5)), "1.5");
        assert_eq!(shown("0000000", Data::Float(-7.0)), "-7");
        assert_eq!(shown("0000000", Data::String("7".into())), "7");
        for code in ["0", "General", "000-0000", "0000000000000000"] {
            assert_eq!(shown(code, Data::Float(7.0)), "7", "{code}");
        }
    }

    #[test]
    fn a_percentage_is_a_hundred_times_the_number() {
        let shown = |cell: Data| shown(&cell, Some(&NumberFormat::Percent));
        assert_eq!(shown(Data::Float(0.85)), "85%");
        assert_eq!(shown(Data::Int(1)), "100%");
        assert_eq!(shown(Data::String("EX".into())), "EX");
    }
}
