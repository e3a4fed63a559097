//! The marks of the spellings that were read before.

use std::ops::Range;

/// How a class file spells a mark, as one number: up to seven bytes, and how many there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortSpelling(u64);

/// The indices of marks that were added before: a cache in front of the hash table.
///
/// Each spelling has two places that it can stand in, and moves to the other one when its own is needed (Pagh and
/// Rodler, "Cuckoo Hashing", 2004): a cell is found by two comparisons, and common spellings do not drive each other
/// out. It grows with the number of spellings, up to a size that the processor's caches hold.
pub(super) struct Recent {
    /// A power of two.
    entries: Vec<Entry>,
    /// One less: the bits of a hash that are a place.
    place_bits: u64,
}

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
    const PLACES_MIN: usize = 1 << 10;
    /// Three times as many as there are marks from 0.00 to 100.00: half a megabyte.
    const PLACES_MAX: usize = 1 << 15;
    /// How often spellings move before there must be more places, or one of them is forgotten.
    const MOVES_MAX: usize = 32;

    fn with_places(places: usize) -> Self {
        let place_bits = u64::try_from(places).unwrap_or(u64::MAX).wrapping_sub(1);
        Self { entries: vec![Entry::NONE; places], place_bits }
    }

    #[inline]
    pub(super) fn find(&self, spelling: ShortSpelling) -> Option<u32> {
        // Both are compared, without a branch: which of them it is cannot be guessed.
        let mut found = u64::MAX;
        for place in self.places(spelling) {
            let known = self.entries.get(place)?;
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
        let Some(homeless) = self.insert(Entry { spelling, index }) else { return };
        if self.entries.len() < Self::PLACES_MAX {
            let mut larger = Self::with_places(self.entries.len() * 2);
            let known = self.entries.iter().filter(|entry| entry.spelling != ShortSpelling::NONE);
            for entry in known.chain([&homeless]) {
                larger.insert(*entry);
            }
            *self = larger;
        }
    }

    /// Adds an entry. Returns the one that has no place then.
    fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let mut moved = entry;
        let [mut place, _] = self.places(entry.spelling);
        for _ in 0..Self::MOVES_MAX {
            std::mem::swap(self.entries.get_mut(place)?, &mut moved);
            if moved.spelling == ShortSpelling::NONE {
                return None;
            }
            let [one, other] = self.places(moved.spelling);
            place = if place == one { other } else { one };
        }
        Some(moved)
    }

    /// The places of a spelling. The two halves of the product together depend on all of the number.
    #[inline]
    fn places(&self, ShortSpelling(number): ShortSpelling) -> [usize; 2] {
        let (lower, upper) = number.carrying_mul(0x9e37_79b9_7f4a_7c15, 0);
        let hash = lower ^ upper;
        [hash, hash >> 32].map(|hash| usize::try_from(hash & self.place_bits).unwrap_or_default())
    }
}

impl Entry {
    const NONE: Self = Self { spelling: ShortSpelling::NONE, index: u32::MAX };
}

impl Default for Recent {
    fn default() -> Self {
        Self::with_places(Self::PLACES_MIN)
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

    fn remembered(count: u32) -> (Recent, Vec<ShortSpelling>) {
        let mut recent = Recent::default();
        let all: Vec<_> =
            (0..count).map(|n| spelling(&format!("{}.{}", n / 4, n % 4)).unwrap()).collect();
        for (spelling, index) in all.iter().zip(0..) {
            assert_eq!(recent.find(*spelling), None);
            recent.remember(*spelling, index);
            recent.remember(*spelling, 1_000_000);
        }
        (recent, all)
    }

    #[test]
    fn spellings_are_remembered_and_common_ones_need_no_more_memory() {
        for (count, places_max) in [(400, Recent::PLACES_MIN), (10_001, Recent::PLACES_MAX)] {
            let (recent, all) = remembered(count);
            for (spelling, index) in all.iter().zip(0..) {
                assert_eq!(recent.find(*spelling), Some(index), "{count}");
            }
            assert!(recent.entries.len() <= places_max);
        }
    }

    #[test]
    fn of_more_spellings_than_there_are_places_as_many_are_known() {
        let (recent, all) = remembered(100_000);
        let found = all.iter().zip(0..).filter_map(|(spelling, index)| {
            let found = recent.find(*spelling)?;
            assert_eq!(found, index);
            Some(found)
        });
        assert!((30_000..=Recent::PLACES_MAX).contains(&found.count()));
    }
}
