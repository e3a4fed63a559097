//! Discrete Laplace noise with an exact distribution: integers only, and random bits of the system.
//!
//! C. Canonne, G. Kamath, T. Steinke: The Discrete Gaussian for Differential Privacy, 2020
//! (<https://arxiv.org/abs/2004.00010>), algorithms 1 and 2. Floating point would leave traces of the sum in the
//! lowest bits of the noise.

use fernet_batch::{NoRandomness, Randomness};

/// A number from 0 to below `below`, each with the same probability. `below` is at least 1.
fn uniform(random: &mut impl Randomness, below: u128) -> Result<u128, NoRandomness> {
    let bits = u128::BITS - below.saturating_sub(1).leading_zeros();
    let mask = u128::MAX.checked_shr(u128::BITS - bits).unwrap_or_default();
    let bytes = usize::try_from(bits.div_ceil(8)).unwrap_or_default();
    loop {
        let mut number = [0; 16];
        if let Some(low) = number.get_mut(..bytes) {
            random.fill(low)?;
        }
        let number = u128::from_le_bytes(number) & mask;
        if number < below {
            return Ok(number);
        }
    }
}

/// True with the probability `numerator / denominator`, which is at most 1.
fn bernoulli(
    random: &mut impl Randomness,
    numerator: u128,
    denominator: u128,
) -> Result<bool, NoRandomness> {
    Ok(uniform(random, denominator)? < numerator)
}

/// True with the probability exp(-numerator / denominator), where the fraction is at most 1 (algorithm 1).
fn bernoulli_exp(
    random: &mut impl Randomness,
    numerator: u128,
    denominator: u128,
) -> Result<bool, NoRandomness> {
    let mut k: u128 = 1;
    while bernoulli(random, numerator, denominator.saturating_mul(k))? {
        k = k.saturating_add(1);
    }
    Ok(k % 2 == 1)
}

/// An integer x with a probability proportional to exp(-|x| * `s` / `t`): discrete Laplace noise of the scale
/// `t / s` (algorithm 2). Both are at least 1, and `t` is at most 10^36.
pub(super) fn discrete_laplace(
    random: &mut impl Randomness,
    t: u128,
    s: u128,
) -> Result<i128, NoRandomness> {
    loop {
        let low = uniform(random, t)?;
        if !bernoulli_exp(random, low, t)? {
            continue;
        }
        let mut high: u128 = 0;
        while bernoulli_exp(random, 1, 1)? {
            high = high.saturating_add(1);
        }
        let magnitude = low.saturating_add(t.saturating_mul(high)) / s;
        let is_negative = bernoulli(random, 1, 2)?;
        // Zero must not be twice as likely.
        if is_negative && magnitude == 0 {
            continue;
        }
        let magnitude = i128::try_from(magnitude).unwrap_or(i128::MAX);
        return Ok(if is_negative { -magnitude } else { magnitude });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::testing::Seeded;

    /// The number of samples: with the bounds below, a correct sampler fails a test once in a million seeds.
    const SAMPLES: u32 = 40_000;
    /// A deviation of that many standard deviations.
    const DEVIATIONS: f64 = 5.2;

    #[track_caller]
    fn is_likely(hits: u32, probability: f64, what: &str) {
        let samples = f64::from(SAMPLES);
        let deviation = (samples * probability * (1.0 - probability)).sqrt();
        let off = (f64::from(hits) - samples * probability).abs();
        assert!(
            off <= DEVIATIONS * deviation + 1e-9,
            "{what}: {hits} hits, {off} off, {deviation}"
        );
    }

    #[test]
    fn numbers_are_uniform_below_their_bound() {
        let mut random = Seeded::new(1);
        for below in [1_u128, 2, 3, 7, 256, 257] {
            let mut counts = vec![0; usize::try_from(below).unwrap()];
            for _ in 0..SAMPLES {
                counts[usize::try_from(uniform(&mut random, below).unwrap()).unwrap()] += 1;
            }
            for count in counts {
                is_likely(count, 1.0 / f64::from(u32::try_from(below).unwrap()), "uniform");
            }
        }
        let large = 10_u128.pow(36) + 1;
        assert!((0..1000).all(|_| uniform(&mut random, large).unwrap() < large));
    }

    #[test]
    fn an_exponential_probability_is_exact() {
        let mut random = Seeded::new(2);
        for (numerator, denominator) in [(0, 5), (1, 10), (1, 2), (9, 10), (1, 1)] {
            let mut hits = 0;
            for _ in 0..SAMPLES {
                hits += u32::from(bernoulli_exp(&mut random, numerator, denominator).unwrap());
            }
            let exponent = f64::from(u32::try_from(numerator).unwrap())
                / f64::from(u32::try_from(denominator).unwrap());
            is_likely(hits, (-exponent).exp(), "exponential");
        }
    }

    /// The probability of x under discrete Laplace noise of a scale.
    fn exact(x: i128, scale: f64) -> f64 {
        let ratio = (-1.0 / scale).exp();
        let x = f64::from(u32::try_from(x.unsigned_abs()).unwrap());
        (1.0 - ratio) / (1.0 + ratio) * ratio.powf(x)
    }

    #[test]
    fn the_noise_has_its_exact_distribution() {
        let mut random = Seeded::new(3);
        for (t, s) in [(1, 4), (1, 1), (2, 1), (3, 2), (7, 1), (25, 10)] {
            let scale = f64::from(u32::try_from(t).unwrap()) / f64::from(u32::try_from(s).unwrap());
            let mut counts = std::collections::BTreeMap::new();
            for _ in 0..SAMPLES {
                *counts.entry(discrete_laplace(&mut random, t, s).unwrap()).or_insert(0) += 1;
            }
            let mut beyond = SAMPLES;
            for x in -12..=12 {
                let count = counts.get(&x).copied().unwrap_or_default();
                is_likely(count, exact(x, scale), &format!("{x} of scale {scale}"));
                beyond -= count;
            }
            let within: f64 = (-12..=12).map(|x| exact(x, scale)).sum();
            is_likely(beyond, (1.0 - within).max(0.0), &format!("beyond, of scale {scale}"));
        }
    }

    #[test]
    fn noise_of_a_large_scale_is_as_wide_as_it_should_be() {
        let mut random = Seeded::new(4);
        let t = 3 * 10_u128.pow(20);
        let scale = 3e20;
        let mut within = 0;
        for _ in 0..SAMPLES {
            let noise = discrete_laplace(&mut random, t, 1).unwrap();
            #[expect(clippy::cast_precision_loss, reason = "the test compares with a wide margin")]
            let is_within = (noise as f64).abs() <= scale * std::f64::consts::LN_2;
            within += u32::from(is_within);
        }
        is_likely(within, 0.5, "half of the noise");
    }

    #[test]
    fn wrong_noise_would_be_noticed() {
        // Noise halved, times 0.8, and twice: the test above distinguishes each from the right scale.
        for wrong in [0.5, 0.8, 1.25] {
            let off = (exact(0, 2.0) - exact(0, 2.0 * wrong)).abs();
            let deviation = (exact(0, 2.0) / f64::from(SAMPLES)).sqrt();
            assert!(off > 2.0 * DEVIATIONS * deviation, "{wrong}");
        }
    }
}
