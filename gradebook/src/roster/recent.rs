//! The marks of the spellings that were read before.

use std::ops::Range;

/// How a class file spells a mark, as one number: up to seven bytes, and how many there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortSpelling(u64);

/// The indices of marks that were added before: a cache in front of the hash table.
///
/// Each spelling has two places that it can stand in, and moves to the other one when its own is needed (Pagh and
/// Rodler, "Cuckoo Hashing", 2004): a cell is found by two comparisons, and common spellings do not drive each other
/// out.
pub(super) struct Recent(Box<[Entry; Recent::PLACES]>);

#[derive(Clone, Copy)]
struct Entry {
    spelling: ShortSpelling,
    index: u32,
}

impl ShortSpelling {
    /// The bytes of the longest short spelling.
    pub const BYTES_MAX: usize = 7;

    /// No spelling has as many bytes as the upper byte of this number.
    const NONE: Self = Self(u64::MAX);

    /// The spelling that stands at this place of a text; `None` if it is longer, or the text ends before it.
    #[inline]
    pub fn at(text: &[u8], place: Range<usize>) -> Option<Self> {
        let bytes = place.end.checked_sub(place.start)?;
        if bytes > Self::BYTES_MAX {
            return None;
        }
        // Eight bytes are read and some cut off, since lengths change from cell to cell: branches would be guessed
        // wrong by the processor.
        let word = match text.get(place.start..).and_then(<[u8]>::first_chunk) {
            Some(word) => u64::from_le_bytes(*word),
            None => {
                let last = text.get(place)?.iter().rev();
                last.fold(0, |word, byte| word << 8 | u64::from(*byte))
            }
        };
        let bits = 8 * u32::try_from(bytes).ok()?;
        let length = u64::from(bits) << (8 * Self::BYTES_MAX - 3);
        Some(Self(word & !(u64::MAX << bits) | length))
    }
}

impl Recent {
    /// Twice as many as most classes have different marks.
    const PLACES: usize = 1024;
    /// How often spellings move before one of them is forgotten.
    const MOVES_MAX: usize = 32;

    #[inline]
    pub(super) fn find(&self, spelling: ShortSpelling) -> Option<u32> {
        // Both are compared, without a branch: which of them it is cannot be guessed.
        let mut found = u64::MAX;
        for place in Self::places(spelling) {
            let known = self.0.get(place)?;
            let differs = known.spelling.0 ^ spelling.0;
            let is_other = (differs | differs.wrapping_neg()) >> 63;
            found &= u64::from(known.index) | is_other.wrapping_neg();
        }
        u32::try_from(found).ok()
    }

    pub(super) fn remember(&mut self, spelling: ShortSpelling, index: u32) {
        if self.find(spelling).is_some() {
            return;
        }
        let mut moved = Entry { spelling, index };
        let [mut place, _] = Self::places(spelling);
        for _ in 0..Self::MOVES_MAX {
            let Some(entry) = self.0.get_mut(place) else { return };
            std::mem::swap(entry, &mut moved);
            if moved.spelling == ShortSpelling::NONE {
                return;
            }
            let [one, other] = Self::places(moved.spelling);
            place = if place == one { other } else { one };
        }
    }

    /// The places of a spelling. The two halves of the product together depend on all of the number.
    fn places(ShortSpelling(number): ShortSpelling) -> [usize; 2] {
        let (lower, upper) = number.carrying_mul(0x9e37_79b9_7f4a_7c15, 0);
        let hash = lower ^ upper;
        let others = u64::BITS - Self::PLACES.trailing_zeros();
        [hash >> others, hash << others >> others]
            .map(|place| usize::try_from(place).unwrap_or_default())
    }
}

impl Entry {
    const NONE: Self = Self { spelling: ShortSpelling::NONE, index: u32::MAX };
}

impl Default for Recent {
    fn default() -> Self {
        Self(Box::new([Entry::NONE; Self::PLACES]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(text: &str) -> Option<ShortSpelling> {
        ShortSpelling::at(text.as_bytes(), 0..text.len())
    }

    #[test]
    fn a_spelling_is_the_same_wherever_it_stands_and_differs_from_all_others() {
        let spellings =
            ["", "\0", "7", "7\0", "70", "10.5", "100.00", "100.00%", "\u{fffd}\u{fffd}"];
        for (n, text) in spellings.iter().enumerate() {
            let alone = spelling(text).unwrap();
            for (before, behind) in
                [("", ",12345678"), ("8,", ""), ("9.25,", ",7"), ("a,,", ",,,,,,,,")]
            {
                let row = format!("{before}{text}{behind}");
                let start = before.len();
                let there = ShortSpelling::at(row.as_bytes(), start..start + text.len());
                assert!(there == Some(alone), "{text:?} in {row:?}");
            }
            for other in spellings.iter().skip(n + 1) {
                assert!(spelling(other) != Some(alone), "{text:?} and {other:?}");
            }
        }
        assert!(spelling("12345678").is_none(), "longer");
        assert!(ShortSpelling::at(b"1,2", 2..4).is_none(), "behind the end");
        assert!(ShortSpelling::at(b"1,2", Range { start: 3, end: 2 }).is_none(), "no place");
    }

    #[test]
    fn the_marks_of_most_classes_are_all_remembered() {
        let mut recent = Recent::default();
        let all: Vec<_> =
            (0..400).map(|n| spelling(&format!("{}.{}", n / 4, n % 4)).unwrap()).collect();
        for (spelling, index) in all.iter().zip(0..) {
            assert_eq!(recent.find(*spelling), None);
            recent.remember(*spelling, index);
            recent.remember(*spelling, 1_000);
        }
        for (spelling, index) in all.iter().zip(0..) {
            assert_eq!(recent.find(*spelling), Some(index));
        }
    }

    #[test]
    fn of_more_spellings_than_there_are_places_some_are_forgotten_and_the_last_is_known() {
        let mut recent = Recent::default();
        let all: Vec<_> = (0..9_999).map(|n| spelling(&n.to_string()).unwrap()).collect();
        for (spelling, index) in all.iter().zip(0..) {
            recent.remember(*spelling, index);
        }
        let found = all.iter().zip(0..).filter_map(|(spelling, index)| {
            let found = recent.find(*spelling)?;
            assert_eq!(found, index);
            Some(found)
        });
        assert!((900..=1024).contains(&found.count()));
    }
}
