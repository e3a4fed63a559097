//! Whether any of many numbers comes twice.

use zeroize::Zeroizing;

/// The bits that numbers are sorted by, in two steps (LSD radix sort; Knuth, TAOCP volume 3, section 5.2.5).
const STEP_BITS: u32 = 11;

/// Returns true if a number comes twice. The numbers are put in another order; they may be secret.
///
/// Random numbers that are sorted by their upper 22 bits are nearly sorted, in a quarter of the time of sorting.
pub(crate) fn has_duplicates(numbers: &mut Zeroizing<Vec<u64>>) -> bool {
    let mut other = Zeroizing::new(vec![0; numbers.len()]);
    sort_by_bits(numbers, &mut other, u64::BITS - 2 * STEP_BITS);
    sort_by_bits(&other, numbers, u64::BITS - STEP_BITS);
    let upper = |number: &u64| number >> (u64::BITS - 2 * STEP_BITS);
    numbers.chunk_by_mut(|one, next| upper(one) == upper(next)).any(|run| {
        run.sort_unstable();
        run.windows(2).any(|pair| matches!(pair, [one, next] if one == next))
    })
}

/// Copies numbers in the order of some of their bits, those from `shift` on; the order of equal ones stays.
fn sort_by_bits(from: &[u64], to: &mut [u64], shift: u32) {
    const BUCKETS: usize = 1 << STEP_BITS;
    let bucket = |number: u64| usize::try_from(number >> shift).unwrap_or_default() & (BUCKETS - 1);
    let mut ends = [0_usize; BUCKETS];
    for number in from {
        if let Some(count) = ends.get_mut(bucket(*number)) {
            *count += 1;
        }
    }
    let mut start = 0;
    for end in &mut ends {
        start += std::mem::replace(end, start);
    }
    // The ends are starts so far, and move on with each number.
    for number in from {
        if let Some(end) = ends.get_mut(bucket(*number))
            && let Some(place) = to.get_mut(*end)
        {
            *place = *number;
            *end += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expected(numbers: &[u64]) -> bool {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.len() < numbers.len()
    }

    proptest! {
        #[test]
        fn a_number_that_comes_twice_is_found(
            mut numbers in proptest::collection::vec(any::<u64>(), 0..200),
            upper in proptest::collection::vec(0..40_u64, 0..9),
            twice in any::<proptest::sample::Index>(),
        ) {
            // Some share their upper or their lower bits.
            numbers.extend(upper.iter().map(|n| n << 42));
            let found = has_duplicates(&mut Zeroizing::new(numbers.clone()));
            prop_assert_eq!(found, expected(&numbers));
            if !numbers.is_empty() {
                numbers.push(*twice.get(&numbers));
                prop_assert!(has_duplicates(&mut Zeroizing::new(numbers)));
            }
        }
    }

    #[test]
    fn many_different_numbers_are_different_whichever_bits_tell_them_apart() {
        for shift in [0, 20, 42, 53] {
            let mut numbers = Zeroizing::new((0..2_000).map(|n| n << shift).collect::<Vec<_>>());
            assert!(!has_duplicates(&mut numbers), "{shift}");
            let first = *numbers.first().unwrap();
            numbers.push(first);
            assert!(has_duplicates(&mut numbers), "{shift}");
        }
    }
}
