//! A sheet: which one, how large it may be, and the texts of its cells.

use super::damage::damaged;
use crate::course::nearest;
use crate::error::ClassFileError;
use crate::problem::{Problem, Shown};

/// The most bytes of all texts of a sheet: a few bytes of a workbook may be the text of many cells.
pub(crate) const TEXT_BYTES_MAX: usize = 256 << 20;

/// The name of the wanted sheet: the named one, or the first.
pub(super) fn choose(wanted: Option<&str>, sheets: &[String]) -> Result<String, ClassFileError> {
    let found = match wanted {
        Some(wanted) => sheets.iter().find(|name| name.as_str() == wanted),
        None => sheets.first(),
    };
    found.cloned().ok_or_else(|| match wanted {
        None => damaged("has no sheet of cells"),
        Some(wanted) => {
            let near = nearest(wanted, sheets.iter().map(String::as_str));
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

/// Returns true if a number format multiplies by a hundred: it has a percent sign that is neither in
/// quotes nor behind a backslash.
pub(super) fn scales_to_percent(format: &str) -> bool {
    let mut chars = format.chars();
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

/// A number that is shown as a percentage.
pub(super) fn percent_text(number: f64) -> String {
    format!("{}%", number_text(number * 100.0))
}

/// A number with at most 15 significant digits.
fn number_text(number: f64) -> String {
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
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn a_percent_sign_scales_unless_it_is_text() {
        for (format, scales) in
            [("0%", true), ("0.00%", true), ("0\"%\"", false), ("0\\%", false), ("General", false)]
        {
            assert_eq!(scales_to_percent(format), scales, "{format}");
        }
    }
}
