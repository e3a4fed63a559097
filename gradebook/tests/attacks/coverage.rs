//! Figures are as near to the marks that were counted as they say, in 95 of 100 cases.

use super::class::{Marks, Term, class, figures};
use super::{COLUMNS, OUT_OF, Seeded};
use serde_json::Value;

/// Marks that lie near the lower end, the upper end, or anywhere.
fn marks(students: usize, seed: u64) -> Marks {
    let mut random = Seeded::new(seed);
    let mut mark = |column: usize| match column % 3 {
        0 => random.up_to(OUT_OF),
        1 => random.up_to(2),
        _ => OUT_OF - random.up_to(1),
    };
    (0..students).map(|_| (0..COLUMNS).map(|column| Some(mark(column))).collect()).collect()
}

/// The marks of a column in rising order.
fn sorted(marks: &Marks, column: usize) -> Vec<f64> {
    let mut sorted: Vec<_> = marks.iter().filter_map(|row| row[column]).map(f64::from).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The most failures of a figure that fails in 5 % of the cases, in all but one of a thousand experiments.
fn failures_max() -> f64 {
    let columns = COLUMNS as f64;
    columns * 0.05 + 3.09 * (columns * 0.05 * 0.95).sqrt()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn a_mean_is_as_near_as_it_says() {
    for (students, batches) in [(20, 1), (80, 1), (24, 2)] {
        let marks = marks(students, 41);
        let mut term = Term::new("4", 42);
        let mut some = marks.clone();
        if batches == 2 {
            some[..12].iter_mut().for_each(|row| row.fill(None));
            term.publish(class(&some));
        }
        let shown = figures(&term.publish(class(&marks)), 0);
        let failures = shown.iter().enumerate().filter(|(column, figures)| {
            let truth = sorted(&marks, *column).iter().sum::<f64>() / students as f64;
            (number(&figures["mean"]) - truth).abs() > number(&figures["uncertainty"])
        });
        let failures = failures.count() as f64;
        assert!(failures <= failures_max(), "{failures} of {students}");
        assert!(
            failures > 10.0,
            "{failures} of {students}: the uncertainty is not needlessly large"
        );
    }
}

#[test]
fn median_and_quartiles_lie_in_their_intervals_and_the_histogram_has_every_mark() {
    let marks = marks(80, 43);
    let shown = figures(&Term::new("4", 44).publish(class(&marks)), 0);
    let mut failures = [0.0; 3];
    for (column, figures) in shown.iter().enumerate() {
        let sorted = sorted(&marks, column);
        let truths = [f64::midpoint(sorted[39], sorted[40]), sorted[19], sorted[59]];
        let estimates = [&figures["median"], &figures["quartiles"][0], &figures["quartiles"][1]];
        for ((failures, truth), estimate) in failures.iter_mut().zip(truths).zip(estimates) {
            let (from, to) = (number(&estimate["from"]), number(&estimate["to"]));
            assert!((from..=to).contains(&number(&estimate["value"])), "{estimate}");
            *failures += f64::from(u8::from(!(from..=to).contains(&truth)));
        }
        let bins = figures["histogram"].as_array().unwrap();
        assert_eq!(bins.iter().map(|bin| bin["count"].as_u64().unwrap()).sum::<u64>(), 80);
        let lowest: f64 = bins.iter().map(|bin| number(&bin["from"]) * number(&bin["count"])).sum();
        let mean = number(&figures["mean"]) * 80.0;
        assert!(
            (lowest - 1e-6..=lowest + 80.0 + 1e-6).contains(&mean),
            "the mean fits the histogram"
        );
    }
    assert!(failures.iter().all(|failures| *failures <= failures_max()), "{failures:?}");
}
