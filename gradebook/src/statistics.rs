//! What a class's marks in one assessment come to, and how much of it may be told.
//!
//! Blank marks are left out of everything: a statistic is of the marks that exist.

use serde::Serialize;

use crate::decimal::Decimal;

/// The rule by which statistics are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivacyPolicy {
    /// How many marks a statistic must rest on, and how many must have changed before a new one is
    /// told. With 1 there is no rule: everything is told, to four decimals, as the lab has it.
    pub population_min: u32,
}

impl PrivacyPolicy {
    /// Everything is told.
    pub const NONE: Self = Self { population_min: 1 };

    /// Whether there is a rule at all.
    pub fn applies(self) -> bool {
        self.population_min > 1
    }

    /// How many decimals are told.
    fn decimals(self) -> u32 {
        if self.applies() { 2 } else { 4 }
    }

    /// How many marks it takes to tell more than their middle: the least and the greatest mark, the
    /// quartiles and the deviation together give a small class's marks away.
    fn spread_min(self) -> u32 {
        if self.applies() { self.population_min.saturating_mul(4) } else { 1 }
    }
}

/// The statistics of one assessment, or of several together, as they may be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Figures {
    /// How many marks there are.
    pub(crate) count: u32,
    pub(crate) mean: Decimal,
    /// The middle mark, or the mean of the two in the middle.
    median: Decimal,
    #[serde(flatten)]
    spread: Option<Spread>,
    /// The sum of the marks, exact.
    #[serde(skip)]
    sum: Decimal,
}

/// How far the marks are from each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Spread {
    min: Decimal,
    /// The least mark with at least a quarter of the marks not above it.
    lower_quartile: Decimal,
    /// The least mark with at least three quarters of the marks not above it.
    upper_quartile: Decimal,
    max: Decimal,
    /// The standard deviation of the population.
    deviation: Decimal,
    /// Neighbouring marks, so that there are at least `population_min` in each group.
    histogram: Vec<Group>,
}

/// A group of the histogram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Group {
    /// The least mark in it.
    from: Decimal,
    /// The greatest.
    to: Decimal,
    count: u32,
}

impl Figures {
    /// The figures of marks given as pairs of a mark and how often it occurs; none if there are too
    /// few marks.
    pub(crate) fn of(
        marks: impl IntoIterator<Item = (Decimal, u32)>,
        policy: PrivacyPolicy,
    ) -> Option<Self> {
        let mut marks: Vec<_> = marks.into_iter().filter(|(_, times)| *times > 0).collect();
        marks.sort_unstable_by_key(|(mark, _)| *mark);
        // 7 and 7.0 are the same mark.
        marks.dedup_by(|(mark, times), (kept, kept_times)| {
            let same = mark == kept;
            *kept_times = kept_times.saturating_add(if same { *times } else { 0 });
            same
        });
        let count = marks.iter().fold(0_u32, |count, (_, times)| count.saturating_add(*times));
        if count < policy.population_min {
            return None;
        }
        let decimals = policy.decimals();
        let add = |sum: Decimal, (mark, times): &(Decimal, u32)| sum.plus(mark.times(*times));
        let sum = marks.iter().fold(Decimal::default(), add);
        // The two in the middle are one and the same when the count is odd.
        let middle = nth(&marks, count.saturating_sub(1) / 2).plus(nth(&marks, count / 2));
        let spread = (count >= policy.spread_min()).then(|| Spread::of(&marks, count, policy));
        let (mean, median) = (sum.mean(count, decimals)?, middle.mean(2, decimals)?);
        Some(Self { count, mean, median, spread, sum })
    }

    /// The mean of the marks of several assessments together.
    pub(crate) fn mean_of_all<'a>(
        all: impl Iterator<Item = &'a Self> + Clone,
        policy: PrivacyPolicy,
    ) -> Option<Decimal> {
        let sum = all.clone().fold(Decimal::default(), |sum, figures| sum.plus(figures.sum));
        let count = all.fold(0_u32, |count, figures| count.saturating_add(figures.count));
        sum.mean(count, policy.decimals())
    }
}

impl Spread {
    fn of(marks: &[(Decimal, u32)], count: u32, policy: PrivacyPolicy) -> Self {
        // Three quarters of the count, rounded up, are what a quarter, rounded down, leaves.
        let upper_rank = count.saturating_sub(count / 4);
        Self {
            min: nth(marks, 0),
            lower_quartile: nth(marks, count.div_ceil(4).saturating_sub(1)),
            upper_quartile: nth(marks, upper_rank.saturating_sub(1)),
            max: nth(marks, count.saturating_sub(1)),
            deviation: deviation(marks, count),
            histogram: histogram(marks, count, policy.population_min),
        }
    }
}

/// The standard deviation to two decimals, computed in binary fractions.
fn deviation(marks: &[(Decimal, u32)], count: u32) -> Decimal {
    let total = |value: &dyn Fn(f64) -> f64| -> f64 {
        marks.iter().map(|(mark, times)| value(mark.approximate()) * f64::from(*times)).sum()
    };
    let mean = total(&|mark| mark) / f64::from(count);
    let variance = total(&|mark| (mark - mean).powi(2)) / f64::from(count);
    Decimal::parse(&format!("{:.2}", variance.sqrt())).unwrap_or_default()
}

/// Groups of neighbouring marks, about ten, none smaller than `group_min`.
fn histogram(marks: &[(Decimal, u32)], count: u32, group_min: u32) -> Vec<Group> {
    const GROUPS: u32 = 10;
    let enough = group_min.max(count.div_ceil(GROUPS));
    let mut groups: Vec<Group> = Vec::new();
    for (mark, times) in marks {
        match groups.last_mut().filter(|group| group.count < enough) {
            Some(group) => {
                group.to = *mark;
                group.count = group.count.saturating_add(*times);
            }
            None => groups.push(Group { from: *mark, to: *mark, count: *times }),
        }
    }
    // What is left at the upper end belongs to its neighbour.
    if let Some(rest) = groups.pop_if(|group| group.count < group_min)
        && let Some(last) = groups.last_mut()
    {
        last.to = rest.to;
        last.count = last.count.saturating_add(rest.count);
    }
    groups
}

/// `20 marks, mean 5.25, median 5, ...`
impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { count, mean, median, spread, .. } = self;
        write!(f, "{count} marks, mean {mean}, median {median}")?;
        let Some(Spread { min, lower_quartile, upper_quartile, max, deviation, histogram }) =
            spread
        else {
            return Ok(());
        };
        write!(f, ", min {min}, quartiles {lower_quartile} and {upper_quartile}, max {max}")?;
        write!(f, ", deviation {deviation}")?;
        for (at, Group { from, to, count }) in histogram.iter().enumerate() {
            let lead = if at == 0 { "; " } else { ", " };
            write!(f, "{lead}{from} to {to}: {count}")?;
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

    fn of(marks: &[(&str, u32)], population_min: u32) -> Option<Figures> {
        let read = |(mark, times): &(&str, u32)| (Decimal::parse(mark).unwrap(), *times);
        Figures::of(marks.iter().map(read), PrivacyPolicy { population_min })
    }

    fn summary(marks: &[(&str, u32)]) -> String {
        of(marks, 1).unwrap().to_string()
    }

    #[test]
    fn marks_are_counted_as_often_as_they_occur() {
        assert_eq!(
            summary(&[("9", 1), ("3", 2), ("10", 1)]),
            "4 marks, mean 6.25, median 6, min 3, quartiles 3 and 9, max 10, deviation 3.27; \
             3 to 3: 2, 9 to 9: 1, 10 to 10: 1"
        );
        assert!(summary(&[("7.5", 1)]).starts_with("1 marks, mean 7.5, median 7.5, min 7.5"));
        assert!(summary(&[("2", 0), ("4", 3)]).starts_with("3 marks, mean 4, median 4, min 4"));
        assert!(summary(&[("0", 1), ("1", 1), ("5", 1)]).contains("mean 2, median 1,"));
    }

    #[test]
    fn few_marks_have_no_figures_and_some_have_no_spread() {
        assert_eq!(of(&[("3", 4)], 5), None);
        assert_eq!(
            of(&[("3", 4), ("4.001", 1)], 5).unwrap().to_string(),
            "5 marks, mean 3.2, median 3"
        );
        assert_eq!(of(&[("3", 19)], 5).unwrap().to_string(), "19 marks, mean 3, median 3");
        assert!(of(&[("3", 20)], 5).unwrap().to_string().contains("deviation 0"));
    }

    #[test]
    fn every_group_of_a_histogram_is_large_enough_and_nothing_is_lost() {
        for population_min in [2, 5, 7] {
            for students in 28..200_u32 {
                let marks: Vec<_> = (0..students)
                    .map(|n| {
                        (
                            Decimal::default()
                                .plus(Decimal::parse(&(n * n % 37).to_string()).unwrap()),
                            1,
                        )
                    })
                    .collect();
                let figures = Figures::of(marks, PrivacyPolicy { population_min }).unwrap();
                let groups = figures.spread.unwrap().histogram;
                assert!(groups.iter().all(|group| group.count >= population_min));
                assert!(groups.len() <= 10);
                assert_eq!(groups.iter().map(|group| group.count).sum::<u32>(), students);
                assert!(groups.windows(2).all(|pair| pair[0].to < pair[1].from));
            }
        }
    }

    #[test]
    fn quartiles_leave_a_quarter_on_either_side() {
        let marks: Vec<_> =
            (1..=100).map(|n| (Decimal::parse(&n.to_string()).unwrap(), 1)).collect();
        let spread =
            Figures::of(marks, PrivacyPolicy { population_min: 5 }).unwrap().spread.unwrap();
        assert_eq!(
            (spread.lower_quartile.to_string(), spread.upper_quartile.to_string()),
            ("25".into(), "75".into())
        );
    }
}
