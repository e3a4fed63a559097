//! The attacks that docs/PRIVACY.md describes, run on invented classes. Each attacker is the best one: it knows
//! every other mark and the distribution of the noise, and its success is computed exactly. A success beyond the
//! exact one, in 2,000 columns, would show that the noise is too small, or that a mark is counted twice.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

mod class;
mod coverage;
mod large;
mod lengths;
mod once;
mod small;
#[path = "../../src/statistics/testing.rs"]
mod testing;

use testing::Seeded;

/// The columns of an experiment: each is an independent draw.
const COLUMNS: usize = 2000;

/// The full result of each column.
const OUT_OF: u32 = 10;

impl Seeded {
    /// A number from 0 to `most`.
    fn up_to(&mut self, most: u32) -> u32 {
        u32::try_from(self.number() % u64::from(most + 1)).unwrap()
    }
}

/// The most successes that an attack with this exact probability has, in all but one of a thousand experiments.
fn most_successes(probability: f64) -> f64 {
    let columns = COLUMNS as f64;
    columns * probability + 3.09 * (columns * probability * (1.0 - probability)).sqrt()
}

/// The probability of naming one of the 11 marks from 0 to 10 by a sum with noise of this budget.
fn naming(budget: f64) -> f64 {
    let range = f64::from(OUT_OF);
    (range * (1.0 - (-budget / (2.0 * range)).exp()) + 1.0) / (range + 1.0)
}

/// The probability of telling no points from full points by a sum with noise of this budget.
fn telling(budget: f64) -> f64 {
    1.0 - (-budget / 2.0).exp() / 2.0
}

#[test]
fn the_exact_successes_at_the_default_budget_are_those_of_the_document() {
    assert_eq!(format!("{:.3} {:.3}", naming(4.0), telling(4.0)), "0.256 0.932");
}
