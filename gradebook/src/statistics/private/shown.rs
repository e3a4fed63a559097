//! What students see of what was drawn: figures with their uncertainty.

use serde::Serialize;

use super::draw::{BINS, Drawn, Hundredths};
use super::projection::{fit_to_mean, project};
use super::quantiles::{Position, position};
use crate::values::{Decimal, EditionStamp};

/// The quantile of Laplace noise that 95 of 100 draws do not exceed: ln(20).
const QUANTILE: f64 = 2.996;

/// Half a hundredth, by which a counted mark differs from the mark at most, and half a hundredth, to which the mean
/// is rounded.
const ROUNDING: f64 = 0.01;

/// A figure whose uncertainty exceeds this part of the range is withheld.
const UNCERTAINTY_PARTS: u64 = 8;

/// The figures of an assessment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct PrivateFigures {
    policy: &'static str,
    /// The number of marks that were counted.
    pub(crate) count: u32,
    pub(crate) mean: Decimal,
    /// In 95 of 100 cases, the mean of the marks that were counted is nearer than this.
    pub(crate) uncertainty: Decimal,
    /// When the last of them were counted, RFC 3339 in UTC.
    as_of: String,
    #[serde(flatten)]
    pub(crate) spread: Option<PrivateSpread>,
    /// The full result with which they were drawn, if the assessment has another one now.
    #[serde(rename = "out_of", skip_serializing_if = "Option::is_none")]
    other_out_of: Option<Decimal>,
    /// The full result with which they were drawn.
    #[serde(skip)]
    pub(crate) out_of: Decimal,
}

impl PrivateFigures {
    /// The figures of an assessment with this full result.
    pub(crate) fn beside(self, out_of: Option<Decimal>) -> Self {
        let other_out_of = (out_of != Some(self.out_of)).then_some(self.out_of);
        Self { other_out_of, ..self }
    }
}

/// How far the marks are apart, in a large class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct PrivateSpread {
    pub(crate) median: Estimate,
    /// The lower and the upper one.
    pub(crate) quartiles: [Estimate; 2],
    pub(crate) deviation: Decimal,
    pub(crate) histogram: Vec<Bin>,
}

/// A figure and the interval in which it lies in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Estimate {
    pub(crate) value: Decimal,
    pub(crate) from: Decimal,
    pub(crate) to: Decimal,
}

/// A bin of the histogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Bin {
    pub(crate) from: Decimal,
    pub(crate) to: Decimal,
    pub(crate) count: u32,
}

/// The figures are so uncertain that they say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooUncertain;

/// A mean and its uncertainty, in hundredths.
#[derive(Clone, Copy)]
struct NoisyMean {
    mean: Hundredths,
    uncertainty: Hundredths,
}

impl NoisyMean {
    /// The mean of `count` marks with this noisy sum; `None` if there are none. `squared_scales` are those of
    /// all noises in the sum.
    fn new(sum: i128, squared_scales: f64, count: u32, range: Hundredths) -> Option<Self> {
        let mean = Decimal::from_hundredths(sum).mean(count, 2)?.hundredths();
        let mean = u64::try_from(mean.max(0)).unwrap_or(u64::MAX).min(range);
        let in_points = squared_scales.sqrt() / 100.0;
        let uncertainty = 100.0 * (QUANTILE * in_points / f64::from(count) + ROUNDING);
        Some(Self { mean, uncertainty: ceiling(uncertainty) })
    }
}

/// Returns true if a figure with this uncertainty is withheld.
pub(crate) fn is_too_uncertain(uncertainty: Hundredths, range: Hundredths) -> bool {
    uncertainty.saturating_mul(UNCERTAINTY_PARTS) > range
}

/// The least whole number that is not below this one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
fn ceiling(number: f64) -> u64 {
    number.ceil() as u64
}

fn decimal(hundredths: Hundredths) -> Decimal {
    Decimal::from_hundredths(i128::from(hundredths))
}

impl Drawn {
    /// The squared scales of the noises in the sum, added up.
    fn squared_scales(&self) -> f64 {
        let batches = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        f64::from(batches) * self.terms.sum_scale().powi(2)
    }

    /// What the uncertainty of the mean will be once `count` marks more are drawn in a batch of their own.
    pub(crate) fn uncertainty_with(&self, count: u32) -> Option<Hundredths> {
        let squared = self.squared_scales() + self.terms.sum_scale().powi(2);
        let count = self.count().saturating_add(count);
        let mean = NoisyMean::new(0, squared, count, self.terms.range)?;
        Some(mean.uncertainty)
    }

    /// The uncertainty of the mean.
    pub(crate) fn uncertainty(&self) -> Option<Hundredths> {
        let mean = NoisyMean::new(0, self.squared_scales(), self.count(), self.terms.range)?;
        Some(mean.uncertainty)
    }

    /// What students see.
    pub(crate) fn figures(&self) -> Result<PrivateFigures, TooUncertain> {
        let range = self.terms.range;
        let mean = NoisyMean::new(self.sum(), self.squared_scales(), self.count(), range);
        let mean =
            mean.filter(|mean| !is_too_uncertain(mean.uncertainty, range)).ok_or(TooUncertain)?;
        let as_of = self.stamp().ok_or(TooUncertain)?.published.to_string();
        Ok(PrivateFigures {
            policy: "private",
            count: self.count(),
            mean: decimal(mean.mean),
            uncertainty: decimal(mean.uncertainty),
            as_of,
            spread: self.bins().map(|noisy| self.spread(noisy, mean.mean)),
            other_out_of: None,
            out_of: decimal(range),
        })
    }

    /// Figures whose texts are at least as long as those of any figures with these terms and so many marks.
    pub(crate) fn longest_figures(
        &self,
        count: u32,
        stamp: EditionStamp,
    ) -> Option<PrivateFigures> {
        let uncertainty = self.uncertainty_with(count)?;
        let range = self.terms.range;
        let longest = |numbers: &mut dyn Iterator<Item = Decimal>| {
            numbers.max_by_key(|number| number.to_string().len()).unwrap_or_default()
        };
        let number = longest(&mut [decimal(range), decimal(range.saturating_sub(1))].into_iter());
        let edge = longest(&mut (0..=BINS).map(|bin| self.edge(bin)));
        let widest = longest(&mut [number, edge].into_iter());
        let estimate = Estimate { value: widest, from: edge, to: edge };
        let count = self.count().saturating_add(count);
        let spread = self.terms.has_bins.then(|| PrivateSpread {
            median: estimate,
            quartiles: [estimate; 2],
            deviation: number,
            histogram: vec![Bin { from: edge, to: edge, count }; BINS],
        });
        Some(PrivateFigures {
            policy: "private",
            count,
            mean: number,
            uncertainty: decimal(uncertainty),
            as_of: stamp.published.to_string(),
            spread,
            other_out_of: Some(decimal(range)),
            out_of: decimal(range),
        })
    }

    fn spread(&self, noisy: [i128; BINS], mean: Hundredths) -> PrivateSpread {
        let count = self.count();
        let mut shown = project(noisy, count);
        fit_to_mean(&mut shown, mean, self.terms.range);
        let estimate = |ranks| self.estimate(position(self, noisy, shown, ranks));
        let lower = count.div_ceil(4).max(1);
        let upper = count.saturating_sub(count / 4).max(1);
        let bins = shown.into_iter().enumerate();
        PrivateSpread {
            median: estimate((count.div_ceil(2), count / 2 + 1)),
            quartiles: [estimate((lower, lower)), estimate((upper, upper))],
            deviation: self.deviation(shown),
            histogram: bins
                .map(|(bin, count)| Bin { from: self.edge(bin), to: self.edge(bin + 1), count })
                .collect(),
        }
    }

    /// The lower edge of a bin.
    fn edge(&self, bin: usize) -> Decimal {
        let tenths = i128::from(self.terms.range) * i128::try_from(bin).unwrap_or_default();
        Decimal::from_thousandths(tenths)
    }

    fn estimate(&self, Position { value, from, to }: Position) -> Estimate {
        let (from, to) = (self.edge(from), self.edge(to));
        // Edges have three decimals, and values two.
        Estimate { value: self.on_scale(value).clamp(from, to), from, to }
    }

    /// A place on the scale of the bins as points, to two decimals.
    fn on_scale(&self, place: f64) -> Decimal {
        #[expect(clippy::cast_precision_loss, reason = "the result is rounded")]
        let points = place * self.terms.range as f64 / 1000.0;
        Decimal::parse(&format!("{points:.2}")).unwrap_or_default()
    }

    /// The standard deviation of marks in the middle of their bins.
    fn deviation(&self, counts: [u32; BINS]) -> Decimal {
        let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        let marks = || {
            counts.iter().zip(0_u32..).map(|(count, bin)| (f64::from(*count), f64::from(bin) + 0.5))
        };
        let mean = marks().map(|(count, place)| count * place).sum::<f64>() / total;
        let squares: f64 = marks().map(|(count, place)| count * (place - mean).powi(2)).sum();
        self.on_scale((squares / total).sqrt())
    }
}

/// The mean of several assessments together, its uncertainty and their common range: the sum of all noisy sums over
/// the number of marks. `None` if there is no mark, the ranges differ, or the mean is too uncertain.
pub(crate) fn exams_together(exams: &[&Drawn]) -> Option<(Decimal, Decimal, Decimal)> {
    let range = exams.first()?.terms.range;
    if exams.iter().any(|exam| exam.terms.range != range) {
        return None;
    }
    let sum = exams.iter().fold(0_i128, |sum, exam| sum.saturating_add(exam.sum()));
    let count = exams.iter().fold(0_u32, |count, exam| count.saturating_add(exam.count()));
    let squared = exams.iter().map(|exam| exam.squared_scales()).sum();
    let mean = NoisyMean::new(sum, squared, count, range)?;
    let is_shown = !is_too_uncertain(mean.uncertainty, range);
    is_shown.then(|| (decimal(mean.mean), decimal(mean.uncertainty), decimal(range)))
}

#[cfg(test)]
mod tests {
    use super::super::draw::{Batch, DrawTerms};
    use super::*;
    use crate::statistics::policy::Budget;
    use crate::values::EditionNumber;
    use fernet_batch::Timestamp;

    /// What was drawn of so many marks, in batches of one size, with sums of 0.
    fn drawn(marks: u32, budget: u32, batches: u32) -> Drawn {
        let budget = Budget::new(Decimal::from(budget)).unwrap();
        let students = usize::try_from(marks).unwrap();
        let terms = DrawTerms::new(Decimal::from(10), budget, students).unwrap();
        let bins = terms.has_bins.then_some([0; BINS]);
        let stamp = EditionNumber(1).published_at(Timestamp(0));
        let batch = |n| Batch {
            stamp,
            count: marks / batches + u32::from(n < marks % batches),
            sum: 0,
            bins,
        };
        Drawn { terms, batches: (0..batches).map(batch).collect() }
    }

    fn uncertainty(marks: u32, budget: u32, batches: u32) -> String {
        match drawn(marks, budget, batches).figures() {
            Ok(figures) => format!("{:.2}", figures.uncertainty.approximate()),
            Err(TooUncertain) => "withheld".to_owned(),
        }
    }

    #[test]
    fn the_document_s_table_of_uncertainties_is_computed() {
        let document = include_str!("../../../../docs/PRIVACY.md");
        let (_, table) = document.split_once("| marks | budget 1 |").unwrap();
        let rows: Vec<_> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 12);
        for row in rows {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let marks = cells[0].parse().unwrap();
            let settings = [(1, 1), (2, 1), (4, 1), (4, 2), (4, 4), (8, 1)];
            for ((budget, batches), cell) in settings.into_iter().zip(&cells[1..]) {
                assert_eq!(uncertainty(marks, budget, batches), *cell, "{marks} marks, {budget}");
            }
        }
    }

    #[test]
    fn a_mean_outside_the_range_is_shown_as_its_end() {
        let mut below = drawn(20, 4, 1);
        below.batches[0].sum = -300;
        assert_eq!(below.figures().unwrap().mean, Decimal::from(0));
        let mut above = drawn(20, 4, 1);
        above.batches[0].sum = 25_000;
        assert_eq!(above.figures().unwrap().mean, Decimal::from(10));
        let mut between = drawn(20, 4, 1);
        between.batches[0].sum = 12_850;
        assert_eq!(between.figures().unwrap().mean.to_string(), "6.42", "ties to even");
    }

    #[test]
    fn a_figure_is_withheld_from_an_eighth_of_the_range_on() {
        assert!(!is_too_uncertain(125, 1000));
        assert!(is_too_uncertain(126, 1000));
    }
}
