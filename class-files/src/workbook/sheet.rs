//! A sheet: which one, how large it may be, and the texts of its cells.

use calamine::{Sheet, SheetType, SheetVisible};

use super::damage::damaged;
use crate::course::nearest;
use crate::error::ClassFileError;
use crate::problem::{Problem, Shown};

/// The most bytes of all texts of a sheet: a few bytes of a workbook may be the text of many cells.
pub(crate) const TEXT_BYTES_MAX: usize = 256 << 20;

/// The name of the wanted sheet: the named one, or the first that is shown.
pub(super) fn choose(wanted: Option<&str>, sheets: &[Sheet]) -> Result<String, ClassFileError> {
    let mut sheets = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let found = match wanted {
        Some(wanted) => sheets.clone().find(|sheet| sheet.name == wanted),
        None => {
            let shown = sheets.clone().find(|sheet| sheet.visible == SheetVisible::Visible);
            shown.or_else(|| sheets.next())
        }
    };
    found.map(|sheet| sheet.name.clone()).ok_or_else(|| match wanted {
        None => damaged("has no sheet of cells"),
        Some(wanted) => {
            let near = nearest(wanted, sheets.map(|sheet| sheet.name.as_str()));
            let hint = near.map(|near| format!("; did you mean {}?", Shown::new(near)));
            let text = format!(
                "sheet in the course file: the workbook has no sheet {}{}",
                Shown::new(wanted),
                hint.unwrap_or_default()
            );
            Problem::Course(text).anywhere()
        }
    })
}

/// The text of a cell. A number has at most 15 digits, as spreadsheets show it.
pub(super) fn text(data: &calamine::Data) -> String {
    use calamine::Data;
    match data {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number_text(*number),
        Data::Bool(true) => "TRUE".to_owned(),
        Data::Bool(false) => "FALSE".to_owned(),
        Data::Error(error) => error.to_string(),
        Data::DateTime(moment) => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
    }
}

/// A number with at most 15 significant digits. One with more digits before its point, of which spreadsheets keep 15,
/// is written as a power of ten.
pub(super) fn number_text(number: f64) -> String {
    const MORE_DIGITS: f64 = 1e15;
    if number.abs() >= MORE_DIGITS {
        return format!("{number:E}").replacen('E', "E+", 1);
    }
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    format!("{rounded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_a_spreadsheet_shows_it() {
        for (number, text) in [
            (7.0, "7"),
            (0.1 + 0.2, "0.3"),
            (8.3, "8.3"),
            (2_100_001.0, "2100001"),
            (400_198_000_123.0, "400198000123"),
            (-0.5, "-0.5"),
            (1e-7, "0.0000001"),
            (9.999_999_999_999_999, "10"),
            (123_456_789_012_345.0, "123456789012345"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e15, "1E+15"),
            (6_009_371_234_567_891.0, "6.009371234567891E+15"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }
}
