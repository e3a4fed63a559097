//! Exact decimal numbers, as a spreadsheet writes them.
//!
//! Averages are exact to four decimals. Binary fractions cannot be: 0.1 has no exact binary form. A
//! [`Decimal`] counts units of 10^-18 in an `i128`, so the sum of ten million marks is exact, and a
//! mean is rounded once.

use std::fmt;

use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

/// A decimal number with up to 12 digits before the point and up to 18 behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(i128);

/// Why a text is not a number. The error never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with an optional sign, point and exponent.
    #[error("is not a finite number; write digits with a point, like 7.5, or leave it blank")]
    NotANumber,
    /// 10^12 or more.
    #[error("is out of range; a mark has at most 12 digits before the point")]
    OutOfRange,
}

impl Decimal {
    /// The number of units in 1.
    pub(crate) const UNITS: i128 = 10_i128.pow(18);
    /// The powers of ten that a digit may stand for.
    const POWERS: std::ops::RangeInclusive<i32> = -18..=11;

    /// Reads `[+-]digits[.digits][e[+-]digits]`. Digits beyond the 18th decimal are dropped.
    ///
    /// # Errors
    /// Returns an error if the text is anything else, `nan` and `inf` included, or 10^12 or more.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(DecimalError::NotANumber);
        }
        let places = i32::try_from(whole.len()).map_err(|_| DecimalError::OutOfRange)?;
        let mut power = places.saturating_add(exponent);
        let mut units: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            power = power.saturating_sub(1);
            units =
                units.checked_add(digit_units(digit, power)?).ok_or(DecimalError::OutOfRange)?;
        }
        Ok(Self(if text.starts_with('-') { -units } else { units }))
    }

    /// The number of so many units of 10^-18.
    pub(crate) const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// The number in units of 10^-18.
    pub(crate) const fn units(self) -> i128 {
        self.0
    }

    /// The number of hundredths, rounded, ties to the even one.
    pub(crate) fn hundredths(self) -> i128 {
        self.mean(1, 2).map_or(0, |rounded| rounded.0 / (Self::UNITS / 100))
    }

    /// So many hundredths.
    pub(crate) fn from_hundredths(hundredths: i128) -> Self {
        Self(hundredths.saturating_mul(Self::UNITS / 100))
    }

    /// So many thousandths.
    pub(crate) fn from_thousandths(thousandths: i128) -> Self {
        Self(thousandths.saturating_mul(Self::UNITS / 1000))
    }

    /// The sum, exact as long as fewer than 10^8 numbers are added.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The nearest binary fraction, for results that are rounded anyway.
    #[expect(clippy::cast_precision_loss, reason = "the nearest binary fraction is the result")]
    pub(crate) fn approximate(self) -> f64 {
        self.0 as f64 / Self::UNITS as f64
    }

    /// Returns true if the number is below zero.
    pub const fn is_negative(self) -> bool {
        self.0.is_negative()
    }

    /// This number multiplied by `count`.
    pub fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(i128::from(count)))
    }

    /// This number divided by `count`, rounded to at most 18 decimals, ties to the even digit
    /// (IEEE 754 roundTiesToEven, as Python's `round` does). Returns `None` if `count` is zero.
    pub fn mean(self, count: u32, decimals: u32) -> Option<Self> {
        let unit =
            Self::UNITS.checked_div(10_i128.checked_pow(decimals)?).filter(|unit| *unit > 0)?;
        let divisor = i128::from(count).checked_mul(unit)?;
        let quotient = self.0.checked_div_euclid(divisor)?;
        let rest = self.0.checked_rem_euclid(divisor)?;
        let up = match (rest.saturating_mul(2)).cmp(&divisor) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => quotient.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        quotient.checked_add(up)?.checked_mul(unit).map(Self)
    }
}

fn parse_exponent(text: &str) -> Result<i32, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    // More digits than an i32 holds are as far out of range as a million.
    let size = digits.parse().unwrap_or(1_000_000);
    Ok(if text.starts_with('-') { -size } else { size })
}

/// The value of `digit` at this power of ten, in units of 10^-18.
fn digit_units(digit: u8, power: i32) -> Result<i128, DecimalError> {
    let value = match digit {
        b'0'..=b'9' => i128::from(digit - b'0'),
        _ => return Err(DecimalError::NotANumber),
    };
    if power > *Decimal::POWERS.end() && value > 0 {
        return Err(DecimalError::OutOfRange);
    }
    let units = u32::try_from(power.saturating_sub(*Decimal::POWERS.start()));
    Ok(units.ok().and_then(|units| 10_i128.checked_pow(units)).map_or(0, |unit| value * unit))
}

impl From<u32> for Decimal {
    fn from(number: u32) -> Self {
        Self(i128::from(number) * Self::UNITS)
    }
}

/// Plain digits without trailing zeros, which is also a JSON number: `5.25`, `-3`, `0`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.abs() / Self::UNITS;
        let fraction = self.0.abs() % Self::UNITS;
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}")?;
        if fraction == 0 {
            return Ok(());
        }
        let fraction = format!("{fraction:018}");
        write!(f, ".{}", fraction.trim_end_matches('0'))
    }
}

/// A JSON number with exactly the digits of its `Display`.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        Decimal::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    #[test]
    fn a_mark_may_be_written_as_spreadsheets_write_numbers() {
        for (text, value) in [
            ("7", "7"),
            ("007", "7"),
            ("7.50", "7.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+3", "3"),
            ("-0.25", "-0.25"),
            ("-0", "0"),
            ("1E+02", "100"),
            ("12.5e-1", "1.25"),
            ("8.333333333333334", "8.333333333333334"),
            ("0.1234567890123456789", "0.123456789012345678"),
            ("1e-400", "0"),
            ("0e400", "0"),
            ("999999999999.999999999999999999", "999999999999.999999999999999999"),
        ] {
            assert_eq!(read(text), value, "{text}");
        }
    }

    #[test]
    fn every_other_text_is_rejected() {
        for text in
            ["", "+", ".", "-.", "nan", "inf", "-Infinity", "1,5", "0x1F", "7 ", "85%", "1e", "1e+"]
        {
            assert_eq!(Decimal::parse(text), Err(DecimalError::NotANumber), "{text:?}");
        }
        for text in ["1e400", "1e12", "1000000000000", "-1e99999999999999999999", "1e2147483647"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::OutOfRange), "{text:?}");
        }
    }

    #[test]
    fn a_mean_is_exact_to_four_decimals_with_ties_to_even() {
        let mean =
            |sum: &str, count| Decimal::parse(sum).unwrap().mean(count, 4).map(|m| m.to_string());
        assert_eq!(mean("105", 20).unwrap(), "5.25");
        assert_eq!(mean("471", 80).unwrap(), "5.8875");
        assert_eq!(mean("10", 3).unwrap(), "3.3333");
        assert_eq!(mean("20", 3).unwrap(), "6.6667");
        assert_eq!(mean("-20", 3).unwrap(), "-6.6667");
        assert_eq!(mean("1", 32).unwrap(), "0.0312", "0.03125 is a tie");
        assert_eq!(mean("3", 32).unwrap(), "0.0938", "0.09375 is a tie");
        assert_eq!(mean("0.3", 3).unwrap(), "0.1");
        assert_eq!(mean("7", 0), None);
        assert_eq!(Decimal::parse("10").unwrap().mean(3, 2).unwrap().to_string(), "3.33");
    }

    #[test]
    fn tenths_add_up_exactly() {
        let tenth = Decimal::parse("0.1").unwrap();
        let sum = (0..10).fold(Decimal::default(), |sum, _| sum.plus(tenth));
        assert_eq!(sum.to_string(), "1");
        assert_eq!(tenth.times(1_000_000), Decimal::from(100_000));
    }
}
