//! Whether any of many numbers comes twice.

use std::ops::RangeInclusive;

use zeroize::Zeroizing;

/// The upper bits of a number that select its bucket.
const BUCKET_BITS: u32 = 11;
const BUCKETS: usize = 1 << BUCKET_BITS;

/// The bits below these that select its slot.
const SLOT_BITS: u32 = 12;
const SLOTS: usize = 1 << SLOT_BITS;

/// What an empty slot has.
const EMPTY: u64 = 0;

/// The numbers of a bucket that have slots: fewer are sorted faster than slots are emptied, and more would be long in
/// finding slots of their own.
const WITH_SLOTS: RangeInclusive<usize> = 16..=SLOTS / 4;

/// Returns true if a number comes twice. The numbers may be secret.
///
/// Equal numbers share a bucket. Random numbers of a bucket nearly all have slots of their own, in a table that the
/// processor's nearest cache holds. For a million that takes three fifths of the time of sorting.
pub(crate) fn has_duplicates(numbers: &[u64]) -> bool {
    let mut by_bucket = Zeroizing::new(vec![0; numbers.len()]);
    sort_by_bucket(numbers, &mut by_bucket);
    let mut slots = Zeroizing::new([EMPTY; SLOTS]);
    by_bucket.chunk_by_mut(|one, next| bucket(*one) == bucket(*next)).any(|numbers| {
        if WITH_SLOTS.contains(&numbers.len()) && !numbers.contains(&EMPTY) {
            slots.fill(EMPTY);
            return numbers.iter().any(|number| is_in(&mut slots, *number));
        }
        numbers.sort_unstable();
        numbers.windows(2).any(|pair| matches!(pair, [one, next] if one == next))
    })
}

/// Adds a number to the slots, of which one at least is empty. Returns true if it is there already.
fn is_in(slots: &mut [u64; SLOTS], number: u64) -> bool {
    let mut at = place::<SLOTS>(number << BUCKET_BITS);
    while let Some(slot) = slots.get_mut(at) {
        if *slot == number {
            return true;
        }
        if *slot == EMPTY {
            *slot = number;
            return false;
        }
        at = (at + 1) % SLOTS;
    }
    false
}

fn bucket(number: u64) -> usize {
    place::<BUCKETS>(number)
}

/// The upper bits of a number as a place among so many, a power of two.
fn place<const PLACES: usize>(number: u64) -> usize {
    usize::try_from(number >> (u64::BITS - PLACES.trailing_zeros())).unwrap_or_default() % PLACES
}

/// Copies numbers in the order of their buckets (counting sort; Knuth, TAOCP volume 3, section 5.2).
fn sort_by_bucket(from: &[u64], to: &mut [u64]) {
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
            let found = has_duplicates(&numbers);
            prop_assert_eq!(found, expected(&numbers));
            if !numbers.is_empty() {
                numbers.push(*twice.get(&numbers));
                prop_assert!(has_duplicates(&numbers));
            }
        }
    }

    #[test]
    fn many_different_numbers_are_different_whichever_bits_tell_them_apart() {
        for shift in [0, 20, 41, 42, 53] {
            for (least, count) in [(0, 2_000), (0, 20), (1, 20), (1, 1_024), (1, 1_025)] {
                let numbers = (least..least + count).map(|n: u64| n << shift).collect::<Vec<_>>();
                assert!(!has_duplicates(&numbers), "{shift}, {count}");
                for again in [numbers.first(), numbers.last()] {
                    let mut numbers = numbers.clone();
                    numbers.extend(again);
                    assert!(has_duplicates(&numbers), "{shift}, {count}");
                }
            }
        }
    }
}
