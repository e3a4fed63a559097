//! The settings of class statistics.

use grade_actors::Profile;
use gradebook::{Budget, Decimal, PrivacyPolicy, StatisticsMode};

use super::layers::SettingsError;
use super::raw::{RawGradebook, RawNumber};
use super::validate::Validator;

impl Validator<'_> {
    pub(super) fn policy(
        &self,
        gradebook: &RawGradebook,
        profile: &Profile,
    ) -> Result<PrivacyPolicy, SettingsError> {
        let population_min = match gradebook.population_min {
            0 if profile.is_sealed() => 5,
            0 => 1,
            given => {
                self.layers.number("gradebook.population_min", given, 1, u64::from(u32::MAX))?
            }
        };
        let is_private = match gradebook.statistics.as_str() {
            "" => profile.is_sealed(),
            given => {
                let choices = [("plain", false), ("private", true)];
                self.layers.choice("gradebook.statistics", given, &choices)?
            }
        };
        let budget = self.privacy_budget(&gradebook.privacy_budget)?;
        let mode = match is_private {
            true => StatisticsMode::Private(budget),
            false => StatisticsMode::Plain,
        };
        Ok(PrivacyPolicy { population_min, mode })
    }

    fn privacy_budget(&self, budget: &RawNumber) -> Result<Budget, SettingsError> {
        /// The decimals that a number keeps.
        const DECIMALS_MAX: usize = 18;
        let text = budget.to_string();
        let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        // An exponent could move digits beyond the last decimal.
        let is_exact = decimals <= DECIMALS_MAX && !text.contains(['e', 'E']);
        let number = Decimal::parse(&text).ok().filter(|_| is_exact);
        number.and_then(Budget::new).ok_or_else(|| {
            let what = "must be a number above 0 and below 10^12 with up to 18 decimals, such as 4 or \"0.5\"";
            self.layers.invalid("gradebook.privacy_budget", what)
        })
    }
}
