//! The cells of a row.

use std::ops::Range;

use gradebook::ShortSpelling;
use zeroize::Zeroize;

/// The most cells that a line is divided into; the last one has what is left. No table has so many columns.
const CELLS_MAX: usize = 1 << 20;

/// The cells of a row as texts: one text with all of them, and where each ends.
///
/// The text of some is a key: it has no `Debug`, and is wiped when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Cells {
    /// The text of a line is filled up with zeros to whole [blocks](BLOCK_BYTES), by one zero at least.
    text: String,
    /// The bytes of the text without the zeros.
    text_bytes: usize,
    /// Where each cell stands in the text.
    places: Vec<Place>,
}

/// Where a cell begins and ends.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
}

impl Cells {
    /// The number of cells.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The text of a cell as the file has it.
    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        self.text.get(self.range(at)?)
    }

    /// The text of a cell as the file has it, if it is short.
    pub(crate) fn spelling(&self, at: usize) -> Option<ShortSpelling> {
        ShortSpelling::at(self.text.as_bytes(), self.range(at)?)
    }

    fn range(&self, at: usize) -> Option<Range<usize>> {
        self.places.get(at).map(|Place { start, end }| *start..*end)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The texts of all cells, one behind the other, perhaps with separators between them.
    pub(crate) fn text(&self) -> &str {
        self.text.get(..self.text_bytes).unwrap_or_default()
    }

    /// Adds a cell.
    pub(crate) fn push(&mut self, cell: &str) {
        self.text.truncate(self.text_bytes);
        self.reserve_wiped(cell.len());
        self.text.push_str(cell);
        let start = self.text_bytes;
        self.text_bytes = self.text.len();
        self.places.push(Place { start, end: self.text_bytes });
    }

    /// Replaces the cells by those that end at `ends` in `text`.
    pub(crate) fn set(&mut self, text: &str, ends: impl Iterator<Item = usize>) {
        self.text.clear();
        self.reserve_wiped(text.len());
        self.text.push_str(text);
        self.text_bytes = text.len();
        self.places.clear();
        let mut start = 0;
        self.places
            .extend(ends.map(|end| Place { start: std::mem::replace(&mut start, end), end }));
    }

    /// Replaces the cells by those of a line without quotes.
    pub(crate) fn set_line(&mut self, line: &str, separator: u8) {
        self.text.clear();
        self.reserve_wiped(line.len() + BLOCK_BYTES);
        self.text.push_str(line);
        self.text.push_str(zeros_behind(line.len()));
        self.text_bytes = line.len();
        self.places.clear();
        let mut start = 0;
        let mut end_cell = |end: usize| {
            self.places.push(Place { start, end });
            start = end + 1;
        };
        if line.len() < CELLS_MAX {
            find_all(self.text.as_bytes(), separator, &mut end_cell);
        } else {
            let separators = memchr::memchr_iter(separator, line.as_bytes());
            separators.take(CELLS_MAX - 1).for_each(&mut end_cell);
        }
        end_cell(line.len());
    }

    /// Makes room for more text. A text that grows by itself leaves a copy behind, perhaps with a key.
    fn reserve_wiped(&mut self, more: usize) {
        if self.text.capacity().saturating_sub(self.text.len()) < more {
            let mut larger = String::with_capacity(self.text.len().saturating_add(more) * 2);
            larger.push_str(&self.text);
            wipe(&mut self.text);
            self.text = larger;
        }
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        wipe(&mut self.text);
    }
}

/// Wipes all memory of a text, with what stood there before it.
fn wipe(text: &mut String) {
    let mut bytes = std::mem::take(text).into_bytes();
    bytes.resize(bytes.capacity(), 0);
    // Slices are wiped in one step, vectors byte by byte.
    bytes.as_mut_slice().zeroize();
}

impl<Text: AsRef<str>> From<&[Text]> for Cells {
    fn from(texts: &[Text]) -> Self {
        let mut cells = Self::default();
        for text in texts {
            cells.push(text.as_ref());
        }
        cells
    }
}

/// The bytes that are searched at once, one for each bit of a word.
const BLOCK_BYTES: usize = 64;

/// The zeros that fill up the last block of a text, or a block of zeros behind it.
fn zeros_behind(text_bytes: usize) -> &'static str {
    const ZEROS: &str = match std::str::from_utf8(&[0; BLOCK_BYTES]) {
        Ok(zeros) => zeros,
        Err(_) => "",
    };
    ZEROS.get(text_bytes % BLOCK_BYTES..).unwrap_or_default()
}

/// Yields the place of each `wanted` byte in whole blocks.
fn find_all(blocks: &[u8], wanted: u8, mut place: impl FnMut(usize)) {
    let (blocks, _) = blocks.as_chunks::<BLOCK_BYTES>();
    for (block, start) in blocks.iter().zip((0..).step_by(BLOCK_BYTES)) {
        // One loop for each block, not for each word: the processor mispredicts fewer loop ends.
        let mut found = found_in(block, wanted);
        while found != 0 {
            place(start + usize::try_from(found.trailing_zeros()).unwrap_or_default());
            found &= found - 1;
        }
    }
}

/// A bit for each `wanted` byte of a block.
fn found_in(block: &[u8; BLOCK_BYTES], wanted: u8) -> u64 {
    const WORD_BYTES: usize = 8;
    const LOWER_BITS: u64 = u64::from_ne_bytes([0x7f; WORD_BYTES]);
    /// Moves the lowest bit of each byte to the upper byte, where each has a place of its own.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let pattern = u64::from_ne_bytes([wanted; WORD_BYTES]);
    let (words, _) = block.as_chunks::<WORD_BYTES>();
    words.iter().rev().fold(0, |found, word| {
        let differs = u64::from_le_bytes(*word) ^ pattern;
        // The upper bit of each byte that is zero (Warren, "Hacker's Delight", section 6-1): no carry leaves a byte.
        let equal = !(((differs & LOWER_BITS) + LOWER_BITS) | differs | LOWER_BITS);
        found << WORD_BYTES | (equal >> 7).wrapping_mul(GATHER) >> (64 - WORD_BYTES)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_those_that_were_pushed() {
        let mut cells = Cells::from(&["a", "", "b,"][..]);
        cells.push("\u{e9}");
        assert_eq!(cells.iter().collect::<Vec<_>>(), ["a", "", "b,", "\u{e9}"]);
        assert_eq!((cells.len(), cells.get(2), cells.get(4)), (4, Some("b,"), None));
        cells.set("xyz", [1, 1, 3].into_iter());
        assert_eq!(cells.iter().collect::<Vec<_>>(), ["x", "", "yz"]);
        assert_eq!(cells.text(), "xyz");
    }

    #[test]
    fn a_line_is_divided_into_a_million_cells_and_not_more() {
        for separators in [CELLS_MAX - 2, CELLS_MAX - 1, CELLS_MAX, CELLS_MAX + 1] {
            let mut cells = Cells::default();
            cells.set_line(&";".repeat(separators), b';');
            assert_eq!(cells.len(), (separators + 1).min(CELLS_MAX));
            let rest = separators + 1 - cells.len();
            assert_eq!(cells.get(CELLS_MAX - 1).unwrap_or_default(), ";".repeat(rest));
        }
    }

    #[test]
    fn a_block_has_a_bit_for_each_byte_that_is_wanted() {
        for wanted in [0, b',', 0x7f, 0x80, 0xff] {
            for other in [1, b'-', 0x7e, 0x81, 0xfe] {
                for n in 0..u64::BITS {
                    let found = 1_u64 << n | 0x8421_0000_0000_1248;
                    let mut block = [other; BLOCK_BYTES];
                    for (bit, byte) in block.iter_mut().enumerate() {
                        if found >> bit & 1 == 1 {
                            *byte = wanted;
                        }
                    }
                    assert_eq!(found_in(&block, wanted), found);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_line_has_the_cells_between_its_separators(line in "[a;\u{e9}\u{bb}:<]{0,150}") {
            let mut cells = Cells::from(&["of the row before"][..]);
            cells.set_line(&line, b';');
            prop_assert_eq!(
                cells.iter().collect::<Vec<_>>(),
                line.split(';').collect::<Vec<_>>()
            );
            prop_assert_eq!(cells.text(), line);
        }
    }
}
