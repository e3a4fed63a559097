//! How much of a class's statistics students may see.

use crate::values::Decimal;

/// The rule by which statistics are released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivacyPolicy {
    /// The number of marks that a statistic, or under [`StatisticsMode::Private`] a batch, must rest on.
    pub population_min: u32,
    /// Exact figures, or figures with noise.
    pub mode: StatisticsMode,
}

/// Exact figures, or figures with noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatisticsMode {
    /// Exact figures, as the lab has them.
    Plain,
    /// Figures that are differentially private for each mark, with this budget for each draw.
    Private(Budget),
}

impl PrivacyPolicy {
    /// All figures, exact.
    pub const EXACT: Self = Self { population_min: 1, mode: StatisticsMode::Plain };

    /// Returns true if figures have noise.
    pub fn is_private(self) -> bool {
        matches!(self.mode, StatisticsMode::Private(_))
    }
}

/// How much a draw may tell of each mark: the epsilon of differential privacy, as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub(super) numerator: u128,
    pub(super) denominator: u128,
}

impl Budget {
    /// A budget; `None` if the number is not above zero.
    pub fn new(number: Decimal) -> Option<Self> {
        let numerator = u128::try_from(number.units()).ok().filter(|units| *units > 0)?;
        let denominator = Decimal::UNITS.unsigned_abs();
        let divisor = greatest_common_divisor(numerator, denominator);
        Some(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// Half of it.
    pub(super) fn half(self) -> Self {
        // A denominator divides 10^18.
        Self { numerator: self.numerator, denominator: self.denominator.saturating_mul(2) }
    }

    /// The budget as a decimal number.
    pub fn to_decimal(self) -> Decimal {
        let units = Decimal::UNITS.unsigned_abs() / self.denominator;
        Decimal::from_units(
            i128::try_from(self.numerator.saturating_mul(units)).unwrap_or(i128::MAX),
        )
    }

    /// The budget of that many draws.
    pub fn times(self, draws: u32) -> Decimal {
        self.to_decimal().times(draws)
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest binary fraction is the result")]
    pub(super) fn approximate(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

fn greatest_common_divisor(mut one: u128, mut other: u128) -> u128 {
    while let Some(rest) = one.checked_rem(other) {
        (one, other) = (other, rest);
    }
    one.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_an_exact_fraction_above_zero() {
        let budget = |text: &str| Budget::new(Decimal::parse(text).unwrap());
        for (text, numerator, denominator) in [
            ("4", 4, 1),
            ("0.5", 1, 2),
            ("0.1", 1, 10),
            ("2.75", 11, 4),
            ("1e-18", 1, 10_u128.pow(18)),
        ] {
            assert_eq!(budget(text), Some(Budget { numerator, denominator }), "{text}");
            assert_eq!(budget(text).unwrap().to_decimal(), Decimal::parse(text).unwrap());
        }
        assert_eq!(budget("0"), None);
        assert_eq!(budget("-4"), None);
        assert_eq!(budget("4").unwrap().times(2).to_string(), "8");
        let half = budget("0.1").unwrap().half();
        assert_eq!((half.numerator, half.denominator), (1, 20));
    }
}
