//! What a class's marks in one assessment come to.
//!
//! Blank marks are left out of everything: a statistic is of the marks that exist.

use serde::Serialize;

use crate::decimal::Decimal;

/// The statistics of one or more assessments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    /// How many marks there are.
    pub(crate) count: u32,
    /// Their sum, exact.
    pub(crate) sum: Decimal,
    /// The middle mark, or the mean of the two in the middle.
    pub(crate) median: Decimal,
    /// The lowest mark.
    pub(crate) min: Decimal,
    /// The highest mark.
    pub(crate) max: Decimal,
}

impl Statistics {
    /// The statistics of marks given as pairs of a mark and how often it occurs.
    pub(crate) fn of(marks: impl IntoIterator<Item = (Decimal, u32)>) -> Self {
        let mut marks: Vec<_> = marks.into_iter().filter(|(_, times)| *times > 0).collect();
        marks.sort_unstable_by_key(|(mark, _)| *mark);
        let count = marks.iter().fold(0_u32, |count, (_, times)| count.saturating_add(*times));
        let sum = |sum: Decimal, (mark, times): &(Decimal, u32)| sum.plus(mark.times(*times));
        // The two in the middle are one and the same when the count is odd.
        let lower = nth(&marks, count.saturating_sub(1) / 2);
        let upper = nth(&marks, count / 2);
        Self {
            count,
            sum: marks.iter().fold(Decimal::default(), sum),
            median: lower.plus(upper).mean(2).unwrap_or_default(),
            min: marks.first().map(|(mark, _)| *mark).unwrap_or_default(),
            max: marks.last().map(|(mark, _)| *mark).unwrap_or_default(),
        }
    }

    /// The mean of the marks to four decimals, if there are any.
    pub(crate) fn mean(&self) -> Option<Decimal> {
        self.sum.mean(self.count)
    }

    /// What may be told of these statistics where they must rest on `population_min` marks.
    pub(crate) fn told(&self, population_min: u32) -> Told {
        match self.mean() {
            None => Told::NoMarks,
            Some(_) if self.count < population_min => Told::Withheld { population_min },
            Some(mean) => Told::Mean(mean),
        }
    }
}

/// What may be told of an average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The mean.
    Mean(Decimal),
    /// Nothing, since nobody has a mark yet.
    NoMarks,
    /// Nothing, since so few marks would give single ones away.
    Withheld {
        /// How many there must be.
        population_min: u32,
    },
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mean(mean) => mean.fmt(f),
            Self::NoMarks => f.write_str("no marks yet"),
            Self::Withheld { population_min } => {
                write!(f, "withheld (fewer than {population_min} marks)")
            }
        }
    }
}

/// Statistics as a report shows them.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ClassFigures {
    /// All of them.
    Known { count: u32, mean: Decimal, median: Decimal, min: Decimal, max: Decimal },
    /// The reason why there are none.
    Withheld { withheld: String },
}

impl ClassFigures {
    pub(crate) fn of(statistics: &Statistics, population_min: u32) -> Self {
        let Statistics { count, median, min, max, .. } = *statistics;
        match statistics.told(population_min) {
            Told::Mean(mean) => Self::Known { count, mean, median, min, max },
            Told::NoMarks => Self::Withheld { withheld: "no marks yet".into() },
            Told::Withheld { .. } => {
                Self::Withheld { withheld: format!("fewer than {population_min} marks") }
            }
        }
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

    fn of(marks: &[(&str, u32)]) -> Statistics {
        let read = |(mark, times): &(&str, u32)| (Decimal::parse(mark).unwrap(), *times);
        Statistics::of(marks.iter().map(read))
    }

    fn summary(marks: &[(&str, u32)]) -> String {
        let Statistics { count, sum, median, min, max } = of(marks);
        format!("{count} {sum} {median} {min} {max}")
    }

    #[test]
    fn marks_are_counted_as_often_as_they_occur() {
        assert_eq!(summary(&[("9", 1), ("3", 2), ("10", 1)]), "4 25 6 3 10");
        assert_eq!(summary(&[("7.5", 1)]), "1 7.5 7.5 7.5 7.5");
        assert_eq!(summary(&[("2", 0), ("4", 3)]), "3 12 4 4 4");
        assert_eq!(summary(&[("0", 1), ("1", 1), ("5", 1)]), "3 6 1 0 5");
    }

    #[test]
    fn an_average_of_few_marks_is_withheld() {
        let two = of(&[("3", 1), ("4", 1)]);
        assert_eq!(two.told(1).to_string(), "3.5");
        assert_eq!(two.told(2).to_string(), "3.5");
        assert_eq!(two.told(3).to_string(), "withheld (fewer than 3 marks)");
        assert_eq!(of(&[]).told(1).to_string(), "no marks yet");
    }
}
