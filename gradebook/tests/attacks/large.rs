//! A class of 60, which spends half of the budget on a histogram. The attacker decides whether the first student has no
//! points or full points, by the sum and by the bins, and knows all other marks.

use super::class::{Marks, Term, class};
use super::{COLUMNS, OUT_OF, Seeded, most_successes};

const STUDENTS: usize = 60;

/// The scale of the noise in a sum (10 points, half of 4) and in a bin (2, half of 4).
const SUM_SCALE: f64 = 5.0;
const BIN_SCALE: f64 = 1.0;

/// How much more likely full points are, as a logarithm, by the rest of the sum and of the lowest and highest bin.
fn log_ratio(sum: f64, lowest: f64, highest: f64) -> f64 {
    let by_sum = (sum.abs() - (sum - f64::from(OUT_OF)).abs()) / SUM_SCALE;
    let full = lowest.abs() + (highest - 1.0).abs();
    let none = (lowest - 1.0).abs() + highest.abs();
    by_sum + (none - full) / BIN_SCALE
}

/// The exact success: half of one plus the total variation distance, by summation over the noise.
fn exact_success() -> f64 {
    const STEPS: i32 = 4000;
    let ratio = (-1.0 / BIN_SCALE).exp();
    let bin = |x: i32| (1.0 - ratio) / (1.0 + ratio) * ratio.powi(x.abs());
    let width = 200.0 / f64::from(STEPS);
    let mut success = 0.0;
    for lowest in -25..=25 {
        for highest in -25..=25 {
            for step in 0..STEPS {
                let sum = -95.0 + width * (f64::from(step) + 0.5);
                let density =
                    |mark: f64| (-(sum - mark).abs() / SUM_SCALE).exp() / (2.0 * SUM_SCALE) * width;
                let none = density(0.0) * bin(lowest - 1) * bin(highest);
                let full = density(f64::from(OUT_OF)) * bin(lowest) * bin(highest - 1);
                success += none.max(full) / 2.0;
            }
        }
    }
    success
}

/// How often the attacker is right.
fn right(budget: &str, seed: u64) -> f64 {
    let mut random = Seeded::new(seed);
    let marks: Marks = (0..STUDENTS)
        .map(|n| {
            let mark = |random: &mut Seeded| {
                if n == 0 { OUT_OF * random.up_to(1) } else { random.up_to(OUT_OF) }
            };
            (0..COLUMNS).map(|_| Some(mark(&mut random))).collect()
        })
        .collect();
    let mut term = Term::new(budget, seed + 1);
    term.publish(class(&marks));
    let (sums, bins) = (term.sums(), term.bins());
    let right = (0..COLUMNS).filter(|column| {
        let others = || marks[1..].iter().filter_map(|row| row[*column]);
        let count =
            |found: &dyn Fn(u32) -> bool| others().filter(|mark| found(*mark)).count() as f64;
        let sum = sums[*column][0] - f64::from(others().sum::<u32>());
        let lowest = bins[*column][0] - count(&|mark| mark == 0);
        let highest = bins[*column][9] - count(&|mark| mark >= 9);
        (log_ratio(sum, lowest, highest) > 0.0) == (marks[0][*column] == Some(OUT_OF))
    });
    right.count() as f64
}

#[test]
fn telling_no_points_from_full_points_by_sum_and_histogram_succeeds_no_more_often_than_it_must() {
    let exact = exact_success();
    assert!((0.85..0.95).contains(&exact), "{exact}");
    let found = right("4", 21);
    assert!(found <= most_successes(exact), "{found} of {}", most_successes(exact));
    assert!(found > COLUMNS as f64 * exact * 0.97, "{found}: the attack works");
    assert!(right("8", 22) > most_successes(exact), "noise halved would be noticed");
    assert!(right("5", 23) > most_successes(exact), "noise times 0.8 would be noticed");
}
