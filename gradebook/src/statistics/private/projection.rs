//! Noisy counts as counts: not negative, with the right sum, and not contradicting the mean.

use super::draw::{BINS, Hundredths};

/// The counts nearest to the noisy ones (by Euclidean distance) that are not negative and have the sum `total`,
/// rounded by largest remainder.
///
/// J. Duchi et al.: Efficient Projections onto the l1-Ball, 2008, algorithm 1.
pub(super) fn project(noisy: [i128; BINS], total: u32) -> [u32; BINS] {
    let total = i128::from(total);
    let mut sorted = noisy;
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    // The counts above the threshold (sum - total) / kept stay positive.
    let (mut sum, mut kept) = (0_i128, 0_i128);
    let mut excess = (0, 1);
    for count in sorted {
        sum = sum.saturating_add(count);
        kept += 1;
        if count.saturating_mul(kept) > sum.saturating_sub(total) {
            excess = (sum.saturating_sub(total), kept);
        }
    }
    let (excess, kept) = excess;
    // Each count is a fraction with the denominator `kept`.
    let exact = noisy.map(|count| count.saturating_mul(kept).saturating_sub(excess).max(0));
    let mut counts = exact.map(|count| count / kept);
    let mut by_remainder: Vec<usize> = (0..BINS).collect();
    by_remainder.sort_by_key(|bin| -exact.get(*bin).map_or(0, |count| count % kept));
    let missing = total.saturating_sub(counts.iter().sum());
    for bin in by_remainder.into_iter().take(usize::try_from(missing).unwrap_or_default()) {
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    counts.map(|count| u32::try_from(count).unwrap_or_default())
}

/// Moves marks inwards, one bin at a time and the outermost first, until the mean lies where the histogram allows
/// it. The mean is in hundredths, between 0 and the range.
pub(super) fn fit_to_mean(counts: &mut [u32; BINS], mean: Hundredths, range: Hundredths) {
    loop {
        let (mut total, mut lowest) = (0_u128, 0_u128);
        for (count, bin) in counts.iter().zip(0_u128..) {
            total += u128::from(*count);
            lowest += u128::from(*count) * bin;
        }
        let mean = u128::from(mean) * total * BINS as u128;
        let range = u128::from(range);
        let occupied = |counts: &[u32; BINS]| counts.iter().position(|count| *count > 0);
        let last_occupied = |counts: &[u32; BINS]| counts.iter().rposition(|count| *count > 0);
        let moved = if mean < lowest * range {
            last_occupied(counts).and_then(|bin| Some((bin, bin.checked_sub(1)?)))
        } else if mean > (lowest + total) * range {
            occupied(counts).map(|bin| (bin, bin + 1))
        } else {
            None
        };
        let Some((from, to)) = moved.filter(|(_, to)| *to < BINS) else { return };
        if let Some(count) = counts.get_mut(from) {
            *count -= 1;
        }
        if let Some(count) = counts.get_mut(to) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn distance(counts: [u32; BINS], noisy: [i128; BINS]) -> i128 {
        let each =
            counts.iter().zip(noisy).map(|(count, noisy)| (i128::from(*count) - noisy).pow(2));
        each.sum()
    }

    proptest! {
        #[test]
        fn counts_have_their_sum_and_no_move_of_one_mark_is_nearer(
            noisy in prop::array::uniform10(-30_i128..60),
            total in 1_u32..200,
        ) {
            let counts = project(noisy, total);
            prop_assert_eq!(counts.iter().sum::<u32>(), total);
            let here = distance(counts, noisy);
            for from in 0..BINS {
                for to in 0..BINS {
                    let mut moved = counts;
                    if moved[from] > 0 {
                        moved[from] -= 1;
                        moved[to] += 1;
                        prop_assert!(distance(moved, noisy) >= here, "{:?} of {:?}", counts, noisy);
                    }
                }
            }
        }

        #[test]
        fn the_mean_wins(
            counts in prop::array::uniform10(0_u32..9),
            mean in 0_u64..=1000,
        ) {
            let total: u32 = counts.iter().sum();
            prop_assume!(total > 0);
            let mut fitted = counts;
            fit_to_mean(&mut fitted, mean, 1000);
            prop_assert_eq!(fitted.iter().sum::<u32>(), total);
            let lowest: u64 = fitted.iter().zip(0..).map(|(count, bin)| u64::from(*count) * bin * 100).sum();
            let highest = lowest + u64::from(total) * 100;
            prop_assert!((lowest..=highest).contains(&(mean * u64::from(total))));
        }
    }

    #[test]
    fn counts_that_are_counts_already_stay() {
        let counts = [0, 1, 2, 3, 4, 5, 0, 0, 7, 8];
        assert_eq!(project(counts.map(i128::from), 30), counts);
        let mut same = counts;
        fit_to_mean(&mut same, 650, 1000);
        assert_eq!(same, counts);
    }

    #[test]
    fn the_outermost_mark_moves_one_bin_inwards() {
        let mut counts = [5, 0, 0, 0, 0, 0, 0, 0, 0, 5];
        // Allowed: 4.5 to 5.5 of 10.
        fit_to_mean(&mut counts, 440, 1000);
        assert_eq!(counts, [5, 0, 0, 0, 0, 0, 0, 0, 1, 4]);
        let mut counts = [10, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fit_to_mean(&mut counts, 105, 1000);
        assert_eq!(counts, [9, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
