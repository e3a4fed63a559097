//! How much of a class's statistics students may see.

/// The rule by which statistics are released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivacyPolicy {
    /// The number of marks that a statistic must rest on, and the number of marks that must have
    /// changed before it is released again. 1 stands for no rule: everything is released, to four
    /// decimals, as the lab has it.
    pub population_min: u32,
}

impl PrivacyPolicy {
    /// Everything is released.
    pub const NONE: Self = Self { population_min: 1 };

    /// Returns true if there is a rule.
    pub fn applies(self) -> bool {
        self.population_min > 1
    }

    /// The number of decimals of a figure.
    pub(super) fn decimals(self) -> u32 {
        if self.applies() { 2 } else { 4 }
    }

    /// The number of marks from which on more than the middle is released: extremes, quartiles and
    /// deviation together determine the marks of a small class.
    pub(super) fn spread_min(self) -> u32 {
        if self.applies() { self.population_min.saturating_mul(4) } else { 1 }
    }
}
