//! The marks of the spellings that were read before.

use std::ops::Range;

/// How a class file spells a mark, as one number: up to seven bytes, and how many there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortSpelling(u64);

/// The indices of marks that were added before: a cache in front of the hash table.
pub(super) struct Recent(Box<[Spellings]>);

/// The spellings that stand in the same place. With one of them, two common spellings of the same place would
/// drive each other out all the time.
#[derive(Clone, Copy)]
struct Spellings {
    known: [ShortSpelling; Self::COUNT],
    indices: [u32; Self::COUNT],
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
    const PLACES: usize = 256;

    #[inline]
    pub(super) fn find(&self, spelling: ShortSpelling) -> Option<u32> {
        self.0.get(Self::place(spelling))?.find(spelling)
    }

    pub(super) fn remember(&mut self, spelling: ShortSpelling, index: u32) {
        if let Some(spellings) = self.0.get_mut(Self::place(spelling)) {
            spellings.push(spelling, index);
            spellings.push(spelling, index);
        }
    }

    /// The place of a spelling: Fibonacci hashing, whose upper bits depend on all of the number.
    fn place(ShortSpelling(number): ShortSpelling) -> usize {
        let upper =
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::PLACES.trailing_zeros());
        usize::try_from(upper).unwrap_or_default()
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self(vec![Spellings::NONE; Self::PLACES].into())
    }
}

impl Spellings {
    const COUNT: usize = 4;
    const NO_INDEX: u32 = u32::MAX;
    const NONE: Self =
        Self { known: [ShortSpelling::NONE; Self::COUNT], indices: [Self::NO_INDEX; Self::COUNT] };

    fn find(&self, spelling: ShortSpelling) -> Option<u32> {
        // All are compared, without a branch: which of them it is cannot be guessed.
        let mut found = u64::MAX;
        for (known, index) in self.known.iter().zip(&self.indices) {
            let differs = known.0 ^ spelling.0;
            let is_other = (differs | differs.wrapping_neg()) >> 63;
            found &= u64::from(*index) | is_other.wrapping_neg();
        }
        u32::try_from(found).ok().filter(|index| *index != Self::NO_INDEX)
    }

    /// Adds a spelling in place of the one that was added first, if it is not here.
    fn push(&mut self, spelling: ShortSpelling, index: u32) {
        if self.find(spelling).is_some() {
            return;
        }
        self.known.rotate_right(1);
        self.indices.rotate_right(1);
        if let (Some(known), Some(known_index)) = (self.known.first_mut(), self.indices.first_mut())
        {
            (*known, *known_index) = (spelling, index);
        }
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
    fn of_five_spellings_in_one_place_the_first_is_forgotten() {
        let mut spellings = Spellings::NONE;
        let all = ["1", "2", "3", "4", "5"].map(|text| spelling(text).unwrap());
        for (spelling, index) in all.into_iter().zip(1..) {
            assert_eq!(spellings.find(spelling), None);
            spellings.push(spelling, index);
        }
        assert_eq!(
            all.map(|spelling| spellings.find(spelling)),
            [None, Some(2), Some(3), Some(4), Some(5)]
        );
    }
}
