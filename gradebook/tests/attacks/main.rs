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

use fernet_batch::{NoRandomness, Randomness};

/// The columns of an experiment: each is an independent draw.
const COLUMNS: usize = 2000;

/// The full result of each column.
const OUT_OF: u32 = 10;

/// Random bytes that are the same in every run: splitmix64 (S. Vigna, <https://prng.di.unimi.it>).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `most`.
    fn up_to(&mut self, most: u32) -> u32 {
        u32::try_from(self.next() % u64::from(most + 1)).unwrap()
    }
}

impl Randomness for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        Ok(())
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
