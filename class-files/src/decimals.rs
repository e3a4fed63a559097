//! Numbers with a decimal point or a decimal comma: a file has one of them.

use gradebook::{Decimal, DecimalError};

use crate::error::{ClassFileError, Column};
use crate::problem::{Problem, Shown};

/// The decimal separator of a file, found while its numbers are read.
#[derive(Clone, Default)]
pub(crate) struct Decimals {
    point: Option<u64>,
    comma: Option<Comma>,
    /// Whether any comma cannot separate thousands.
    comma_is_decimal: bool,
}

/// The first number with a comma.
#[derive(Clone)]
struct Comma {
    row: u64,
    column: Column,
    shown: Shown,
}

impl Decimals {
    /// Reads a number of a file. `column` is called for the first number of a kind.
    pub(crate) fn number(
        &mut self,
        text: &str,
        row: u64,
        column: impl FnOnce() -> Column,
    ) -> Result<Decimal, Problem> {
        match split_at_comma(text) {
            Some((whole, fraction)) => {
                let number = parse(text, &format!("{whole}.{fraction}"))?;
                let unsigned = whole.trim_start_matches(['+', '-']);
                // No thousands begin with 0.
                self.comma_is_decimal |= fraction.len() != 3
                    || !(1..=3).contains(&unsigned.len())
                    || unsigned.starts_with('0');
                if let Some(point_row) = self.point
                    && self.comma.is_none()
                {
                    self.comma = Some(Comma { row, column: column(), shown: Shown::new(text) });
                    return Err(mixed(text, ["comma", "point"], point_row));
                }
                if self.comma.is_none() {
                    self.comma = Some(Comma { row, column: column(), shown: Shown::new(text) });
                }
                Ok(number)
            }
            None => {
                let number = parse(text, text)?;
                if text.contains('.') && self.point.is_none() {
                    self.point = Some(row);
                    if let Some(comma) = &self.comma {
                        return Err(mixed(text, ["point", "comma"], comma.row));
                    }
                }
                Ok(number)
            }
        }
    }

    /// What two parts of a file say together; `None` if one has a decimal point and the other a comma.
    pub(crate) fn join(self, other: Self) -> Option<Self> {
        let joined = Self {
            point: self.point.or(other.point),
            comma: self.comma.or(other.comma),
            comma_is_decimal: self.comma_is_decimal || other.comma_is_decimal,
        };
        (joined.point.is_none() || joined.comma.is_none()).then_some(joined)
    }

    /// The separator: `,` or `.`.
    pub(crate) fn separator(&self) -> &'static str {
        if self.comma.is_some() { "," } else { "." }
    }

    /// The error of a file in which each comma may as well separate thousands.
    pub(crate) fn ambiguity(&self) -> Option<ClassFileError> {
        let comma =
            self.comma.as_ref().filter(|_| !self.comma_is_decimal && self.point.is_none())?;
        Some(Problem::AmbiguousComma(comma.shown.clone()).at(comma.row, comma.column.clone()))
    }
}

/// The parts of `9,5`; `None` for a text of another form.
fn split_at_comma(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once(',')?;
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    (is_digits(unsigned) && is_digits(fraction)).then_some((whole, fraction))
}

fn parse(text: &str, number: &str) -> Result<Decimal, Problem> {
    Decimal::parse(number).map_err(|error| match error {
        DecimalError::NotANumber => Problem::NotAMark(Shown::new(text)),
        error @ DecimalError::OutOfRange => Problem::BadNumber(error),
    })
}

fn mixed(text: &str, [here, there]: [&'static str; 2], row: u64) -> Problem {
    Problem::MixedDecimals { shown: Shown::new(text), here, there, row }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a file with these numbers is read; its decimal separator.
    fn decimals(numbers: &[&str]) -> String {
        let mut decimals = Decimals::default();
        for (number, row) in numbers.iter().zip(2..) {
            let column = || Column { number: 4, name: None };
            if let Err(problem) = decimals.number(number, row, column) {
                return format!("row {row}: {problem}");
            }
        }
        match decimals.ambiguity() {
            Some(error) => error.to_string(),
            None => decimals.separator().to_owned(),
        }
    }

    #[test]
    fn a_file_has_one_decimal_separator() {
        assert_eq!(decimals(&["7", "8"]), ".");
        assert_eq!(decimals(&["7.5", "8"]), ".");
        assert_eq!(decimals(&["7,5", "8", "1,234"]), ",");
        assert_eq!(decimals(&["0,125"]), ",");
        assert_eq!(
            decimals(&["7.5", "8,5"]),
            "row 3: \"8,5\" has a decimal comma, but row 2 has a decimal point; write all numbers in one way"
        );
        assert_eq!(
            decimals(&["7,5", "8.5"]),
            "row 3: \"8.5\" has a decimal point, but row 2 has a decimal comma; write all numbers in one way"
        );
        assert_eq!(
            decimals(&["1,234", "5"]),
            "row 2, column 4: \"1,234\" may be a thousand or a fraction; write it without a comma, or with a decimal point"
        );
    }
}
