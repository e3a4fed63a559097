//! Exact statistics of the marks in one assessment.
//!
//! Blank marks are left out of every figure.

use std::fmt;

use serde::Serialize;

use crate::values::Decimal;

/// Means are exact to so many decimals.
const DECIMALS: u32 = 4;

/// The statistics of one assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Figures {
    /// The number of marks.
    pub(crate) count: u32,
    pub(crate) mean: Decimal,
    /// The middle mark, or the mean of the two in the middle.
    median: Decimal,
    #[serde(flatten)]
    spread: Spread,
    /// The sum of the marks, exact.
    #[serde(skip)]
    sum: Decimal,
}

/// How far the marks are apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Spread {
    min: Decimal,
    /// The lowest mark with at least a quarter of the marks not above it.
    lower_quartile: Decimal,
    /// The lowest mark with at least three quarters of the marks not above it.
    upper_quartile: Decimal,
    max: Decimal,
    /// The standard deviation of the population, to two decimals.
    deviation: Decimal,
    /// Neighbouring marks in about ten bins.
    histogram: Vec<Bin>,
}

/// A bin of the histogram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Bin {
    /// The lowest mark in it.
    from: Decimal,
    /// The highest mark in it.
    to: Decimal,
    count: u32,
}

impl Figures {
    /// The figures of [sorted] marks. Returns `None` if there are none.
    pub(super) fn of(marks: &[(Decimal, u32)]) -> Option<Self> {
        let mut count = 0_u32;
        let mut sum = Decimal::default();
        for (mark, times) in marks {
            count = count.saturating_add(*times);
            sum = sum.plus(mark.times(*times));
        }
        // The two in the middle are the same mark when the count is odd.
        let middle = nth(marks, count.saturating_sub(1) / 2).plus(nth(marks, count / 2));
        Some(Self {
            count,
            mean: sum.mean(count, DECIMALS)?,
            median: middle.mean(2, DECIMALS)?,
            spread: Spread::of(marks, count),
            sum,
        })
    }

    /// The mean of the marks of several assessments together; `None` if there are no marks.
    pub(crate) fn mean_of_all<'a>(all: impl Iterator<Item = &'a Self>) -> Option<Decimal> {
        let mut sum = Decimal::default();
        let mut count = 0_u32;
        for figures in all {
            sum = sum.plus(figures.sum);
            count = count.saturating_add(figures.count);
        }
        sum.mean(count, DECIMALS)
    }
}

/// Marks from the lowest to the highest, each with how often it occurs; equal ones are counted together.
pub(super) fn sorted(marks: impl IntoIterator<Item = (Decimal, u32)>) -> Vec<(Decimal, u32)> {
    let mut marks: Vec<_> = marks.into_iter().filter(|(_, times)| *times > 0).collect();
    marks.sort_unstable_by_key(|(mark, _)| *mark);
    marks.dedup_by(|(mark, times), (kept, kept_times)| {
        let same = mark == kept;
        if same {
            *kept_times = kept_times.saturating_add(*times);
        }
        same
    });
    marks
}

impl Spread {
    fn of(marks: &[(Decimal, u32)], count: u32) -> Self {
        // Three quarters of the count, rounded up.
        let upper_rank = count.saturating_sub(count / 4);
        Self {
            min: nth(marks, 0),
            lower_quartile: nth(marks, count.div_ceil(4).saturating_sub(1)),
            upper_quartile: nth(marks, upper_rank.saturating_sub(1)),
            max: nth(marks, count.saturating_sub(1)),
            deviation: deviation(marks, count),
            histogram: histogram(marks, count),
        }
    }
}

/// The standard deviation, computed in binary fractions and rounded to two decimals.
fn deviation(marks: &[(Decimal, u32)], count: u32) -> Decimal {
    let mut sum = 0.0;
    for (mark, times) in marks {
        sum += mark.approximate() * f64::from(*times);
    }
    let mean = sum / f64::from(count);
    let mut squares = 0.0;
    for (mark, times) in marks {
        squares += (mark.approximate() - mean).powi(2) * f64::from(*times);
    }
    let deviation = (squares / f64::from(count)).sqrt();
    Decimal::parse(&format!("{deviation:.2}")).unwrap_or_default()
}

/// About ten bins of neighbouring marks.
fn histogram(marks: &[(Decimal, u32)], count: u32) -> Vec<Bin> {
    const BINS: u32 = 10;
    let full = count.div_ceil(BINS);
    let mut bins: Vec<Bin> = Vec::new();
    for (mark, times) in marks {
        match bins.last_mut().filter(|bin| bin.count < full) {
            Some(bin) => {
                bin.to = *mark;
                bin.count = bin.count.saturating_add(*times);
            }
            None => bins.push(Bin { from: *mark, to: *mark, count: *times }),
        }
    }
    bins
}

/// `20 marks, mean 5.25, median 5, ...`
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, mean, median, spread, .. } = self;
        let unit = if *count == 1 { "mark" } else { "marks" };
        write!(f, "{count} {unit}, mean {mean}, median {median}")?;
        let Spread { min, lower_quartile, upper_quartile, max, deviation, histogram } = spread;
        write!(f, ", min {min}, quartiles {lower_quartile} and {upper_quartile}, max {max}")?;
        write!(f, ", deviation {deviation}")?;
        for (n, Bin { from, to, count }) in histogram.iter().enumerate() {
            let separator = if n == 0 { "; " } else { ", " };
            write!(f, "{separator}{from} to {to}: {count}")?;
        }
        Ok(())
    }
}

/// The `n`-th mark from below, counted from 0.
fn nth(marks: &[(Decimal, u32)], mut n: u32) -> Decimal {
    for (mark, times) in marks {
        match n.checked_sub(*times) {
            Some(rest) => n = rest,
            None => return *mark,
        }
    }
    Decimal::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(marks: &[(&str, u32)]) -> Option<Figures> {
        let read = |(mark, times): &(&str, u32)| (Decimal::parse(mark).unwrap(), *times);
        Figures::of(&sorted(marks.iter().map(read)))
    }

    fn summary(marks: &[(&str, u32)]) -> String {
        of(marks).unwrap().to_string()
    }

    #[test]
    fn marks_are_counted_as_often_as_they_occur() {
        assert_eq!(
            summary(&[("9", 1), ("3", 2), ("10", 1)]),
            "4 marks, mean 6.25, median 6, min 3, quartiles 3 and 9, max 10, deviation 3.27; \
             3 to 3: 2, 9 to 9: 1, 10 to 10: 1"
        );
        assert!(summary(&[("7.5", 1)]).starts_with("1 mark, mean 7.5, median 7.5, min 7.5"));
        assert!(summary(&[("2", 0), ("4", 3)]).starts_with("3 marks, mean 4, median 4, min 4"));
        let with_absent_marks = summary(&[("2", 0), ("4", 3), ("9", 0)]);
        assert_eq!(with_absent_marks, summary(&[("4", 3)]), "a mark that nobody has");
        assert!(summary(&[("0", 1), ("1", 1), ("5", 1)]).contains("mean 2, median 1,"));
        assert_eq!(
            summary(&[("7", 2), ("7.0", 1)]),
            summary(&[("7", 3)]),
            "one mark, two spellings"
        );
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn no_mark_is_lost_in_a_histogram_of_about_ten_bins() {
        for students in 1..200_u32 {
            let mark = |n: u32| Decimal::parse(&(n * n % 37).to_string()).unwrap();
            let marks: Vec<_> = (0..students).map(|n| (mark(n), 1)).collect();
            let bins = Figures::of(&sorted(marks)).unwrap().spread.histogram;
            assert!(bins.len() <= 10);
            assert_eq!(bins.iter().map(|bin| bin.count).sum::<u32>(), students);
            assert!(bins.windows(2).all(|pair| pair[0].to < pair[1].from));
        }
    }

    #[test]
    fn quartiles_leave_a_quarter_on_either_side() {
        let marks: Vec<_> =
            (1..=100).map(|n| (Decimal::parse(&n.to_string()).unwrap(), 1)).collect();
        let spread = Figures::of(&sorted(marks)).unwrap().spread;
        assert_eq!(
            (spread.lower_quartile.to_string(), spread.upper_quartile.to_string()),
            ("25".into(), "75".into())
        );
    }
}
