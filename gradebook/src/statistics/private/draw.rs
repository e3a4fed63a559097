//! Drawing a batch of marks: the numbers that are drawn once, and from which every figure is computed.

use fernet_batch::{NoRandomness, Randomness};

use super::sampler::discrete_laplace;
use crate::statistics::policy::Budget;
use crate::values::{Decimal, EditionStamp};

/// The number of bins of a histogram.
pub(crate) const BINS: usize = 10;

/// The number of students from which on a class is large: then half of the budget is spent on a histogram.
pub(crate) const LARGE_CLASS_MIN: usize = 60;

/// How far the counts of all bins together change at most if one mark changes: it leaves a bin and enters one.
const BIN_SENSITIVITY: u32 = 2;

/// A mark, a range or a sum in hundredths of a point.
pub(crate) type Hundredths = u64;

/// What is fixed at the first draw of an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DrawTerms {
    /// The full result, at least 1 hundredth.
    pub(crate) range: Hundredths,
    /// What each draw spends on each mark.
    pub(crate) budget: Budget,
    /// Whether the class was large: then there are bins.
    pub(crate) has_bins: bool,
}

/// What was drawn of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The edition with which it was drawn.
    pub(crate) stamp: EditionStamp,
    /// The number of marks. Which marks are numbers is not secret.
    pub(crate) count: u32,
    /// The noisy sum of the marks, in hundredths.
    pub(crate) sum: i128,
    /// The noisy number of marks in each bin.
    pub(crate) bins: Option<[i128; BINS]>,
}

/// Everything that was drawn of an assessment, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) terms: DrawTerms,
    /// The batches in the order of their editions.
    pub(crate) batches: Vec<Batch>,
}

impl DrawTerms {
    /// The terms of an assessment that is drawn for the first time; `None` if its full result is not a
    /// hundredth.
    pub(crate) fn new(out_of: Decimal, budget: Budget, students: usize) -> Option<Self> {
        let range = u64::try_from(out_of.hundredths()).ok().filter(|range| *range > 0)?;
        Some(Self { range, budget, has_bins: students >= LARGE_CLASS_MIN })
    }

    /// A mark as it is counted: between 0 and the full result, in hundredths.
    pub(crate) fn counted(&self, mark: Decimal) -> Hundredths {
        u64::try_from(mark.hundredths().max(0)).unwrap_or(u64::MAX).min(self.range)
    }

    fn mean_budget(&self) -> Budget {
        if self.has_bins { self.budget.half() } else { self.budget }
    }

    fn bin_budget(&self) -> Budget {
        self.budget.half()
    }

    /// The scale of the noise in a sum, in hundredths.
    #[expect(clippy::cast_precision_loss, reason = "the nearest binary fraction is the result")]
    pub(super) fn sum_scale(&self) -> f64 {
        self.range as f64 / self.mean_budget().approximate()
    }

    /// The scale of the noise in the count of a bin.
    pub(super) fn bin_scale(&self) -> f64 {
        f64::from(BIN_SENSITIVITY) / self.bin_budget().approximate()
    }

    /// The bin of a mark: a bin includes its lower edge, and the last one also its upper edge.
    fn bin(&self, mark: Hundredths) -> usize {
        let bin = u128::from(mark) * BINS as u128 / u128::from(self.range);
        usize::try_from(bin).unwrap_or(BINS).min(BINS - 1)
    }

    /// Draws a batch. One mark changes the sum by the range at most, so the sum costs its part of the budget; it
    /// changes the bins by two at most, so they cost theirs.
    pub(crate) fn draw(
        &self,
        marks: &[Hundredths],
        stamp: EditionStamp,
        random: &mut impl Randomness,
    ) -> Result<Batch, NoRandomness> {
        let Budget { numerator, denominator } = self.mean_budget();
        let t = u128::from(self.range).saturating_mul(denominator);
        let noise = discrete_laplace(random, t, numerator)?;
        let sum: i128 = marks.iter().map(|mark| i128::from(*mark)).sum();
        let bins = if self.has_bins { Some(self.draw_bins(marks, random)?) } else { None };
        let count = u32::try_from(marks.len()).unwrap_or(u32::MAX);
        Ok(Batch { stamp, count, sum: sum.saturating_add(noise), bins })
    }

    fn draw_bins(
        &self,
        marks: &[Hundredths],
        random: &mut impl Randomness,
    ) -> Result<[i128; BINS], NoRandomness> {
        let mut bins = [0_i128; BINS];
        for mark in marks {
            if let Some(count) = bins.get_mut(self.bin(*mark)) {
                *count += 1;
            }
        }
        let Budget { numerator, denominator } = self.bin_budget();
        let t = u128::from(BIN_SENSITIVITY).saturating_mul(denominator);
        for count in &mut bins {
            *count = count.saturating_add(discrete_laplace(random, t, numerator)?);
        }
        Ok(bins)
    }
}

impl Drawn {
    /// The number of marks that were counted.
    pub(crate) fn count(&self) -> u32 {
        self.batches.iter().fold(0, |count, batch| count.saturating_add(batch.count))
    }

    /// The noisy sum of all marks that were counted, in hundredths.
    pub(super) fn sum(&self) -> i128 {
        self.batches.iter().fold(0, |sum, batch| sum.saturating_add(batch.sum))
    }

    /// The noisy number of marks in each bin.
    pub(super) fn bins(&self) -> Option<[i128; BINS]> {
        let mut total = [0_i128; BINS];
        for batch in &self.batches {
            for (count, more) in total.iter_mut().zip(batch.bins?) {
                *count = count.saturating_add(more);
            }
        }
        Some(total)
    }

    /// The edition of the last batch.
    pub(crate) fn stamp(&self) -> Option<EditionStamp> {
        self.batches.last().map(|batch| batch.stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::testing::Seeded;
    use crate::values::EditionNumber;
    use fernet_batch::Timestamp;

    fn terms(out_of: &str, budget: &str, students: usize) -> DrawTerms {
        let number = |text: &str| Decimal::parse(text).unwrap();
        DrawTerms::new(number(out_of), Budget::new(number(budget)).unwrap(), students).unwrap()
    }

    #[test]
    fn marks_are_counted_within_the_range_in_hundredths() {
        let terms = terms("10", "4", 20);
        for (mark, counted) in [
            ("7.5", 750),
            ("-3", 0),
            ("10", 1000),
            ("11", 1000),
            ("0.005", 0),
            ("0.015", 2),
            ("999999999999", 1000),
        ] {
            assert_eq!(terms.counted(Decimal::parse(mark).unwrap()), counted, "{mark}");
        }
    }

    #[test]
    fn a_bin_includes_its_lower_edge_and_the_last_one_also_its_upper_edge() {
        let terms = terms("7.5", "4", 60);
        for (mark, bin) in [(0, 0), (74, 0), (75, 1), (374, 4), (375, 5), (749, 9), (750, 9)] {
            assert_eq!(terms.bin(mark), bin, "{mark}");
        }
    }

    #[test]
    fn a_range_of_less_than_a_hundredth_has_no_terms() {
        let budget = Budget::new(Decimal::from(4)).unwrap();
        for out_of in ["0", "0.004", "-1"] {
            assert!(DrawTerms::new(Decimal::parse(out_of).unwrap(), budget, 20).is_none());
        }
    }

    /// The scale of the noise in 4,000 draws, estimated by its mean distance from the truth.
    fn estimated_scales(terms: DrawTerms) -> (f64, Option<f64>) {
        const DRAWS: u32 = 4000;
        let marks: Vec<_> = (0..60).map(|n| terms.range * n / 60).collect();
        let truth: i128 = marks.iter().map(|mark| i128::from(*mark)).sum();
        let stamp = EditionNumber(1).published_at(Timestamp(0));
        let mut random = Seeded::new(11);
        let mut distances = (0.0, 0.0);
        #[expect(clippy::cast_precision_loss, reason = "the test compares with a margin")]
        for _ in 0..DRAWS {
            let batch = terms.draw(&marks, stamp, &mut random).unwrap();
            distances.0 += (batch.sum - truth).unsigned_abs() as f64;
            let bins = batch.bins.unwrap_or_default();
            distances.1 += bins.iter().map(|count| (count - 6).unsigned_abs() as f64).sum::<f64>();
        }
        let draws = f64::from(DRAWS);
        (distances.0 / draws, terms.has_bins.then_some(distances.1 / draws / 10.0))
    }

    #[test]
    fn a_small_class_spends_all_on_the_mean_and_a_large_one_half_on_the_bins() {
        // The mean distance of Laplace noise is its scale, and that of discrete noise nearly so.
        let is_about =
            |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.06, "{found}");
        let (sum, bins) = estimated_scales(terms("10", "4", 59));
        is_about(sum, 250.0);
        assert_eq!(bins, None);
        let (sum, bins) = estimated_scales(terms("10", "4", 60));
        is_about(sum, 500.0);
        // The mean distance of discrete noise of scale 1: 1 / sinh(1).
        is_about(bins.unwrap(), 1.0 / 1.0_f64.sinh());
    }
}
