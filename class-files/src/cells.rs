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
    /// The text of a line is filled up with zeros to whole [blocks](BLOCK_BYTES), with one at least behind it.
    text: String,
    /// The bytes of the text without the zeros.
    text_bytes: usize,
    ends: Vec<usize>,
    /// The bytes between two cells.
    gap: usize,
}

impl Cells {
    /// The number of cells.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
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
        let end = *self.ends.get(at)?;
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before)?.saturating_add(self.gap),
        };
        Some(start..end)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The texts of all cells, one behind the other, perhaps with separators between them.
    pub(crate) fn text(&self) -> &str {
        self.text.get(..self.text_bytes).unwrap_or_default()
    }

    /// Adds a cell. The row was made of [cells](Self::from), not of a line.
    pub(crate) fn push(&mut self, cell: &str) {
        self.text.truncate(self.text_bytes);
        self.text.push_str(cell);
        self.text_bytes = self.text.len();
        self.ends.push(self.text_bytes);
    }

    /// Replaces the cells by those that end at `ends` in `text`.
    pub(crate) fn set(&mut self, text: &str, ends: &[usize]) {
        self.gap = 0;
        self.text.clear();
        self.text.push_str(text);
        self.text_bytes = text.len();
        self.ends.clear();
        self.ends.extend_from_slice(ends);
    }

    /// Replaces the cells by those of a line without quotes.
    pub(crate) fn set_line(&mut self, line: &str, separator: u8) {
        self.gap = 1;
        self.text.clear();
        self.text.push_str(line);
        self.text.push_str(zeros_behind(line.len()));
        self.text_bytes = line.len();
        self.ends.clear();
        if line.len() < CELLS_MAX {
            find_all(self.text.as_bytes(), separator, &mut self.ends);
        } else {
            let separators = memchr::memchr_iter(separator, line.as_bytes());
            self.ends.extend(separators.take(CELLS_MAX - 1));
        }
        self.ends.push(line.len());
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        std::mem::take(&mut self.text).into_bytes().as_mut_slice().zeroize();
    }
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

/// Appends the place of each `wanted` byte in whole blocks.
fn find_all(blocks: &[u8], wanted: u8, places: &mut Vec<usize>) {
    let (blocks, _) = blocks.as_chunks::<BLOCK_BYTES>();
    for (block, start) in blocks.iter().zip((0..).step_by(BLOCK_BYTES)) {
        // The places of a block are taken one after another, not those of each word: fewer loops end unforeseen.
        let mut found = found_in(block, wanted);
        while found != 0 {
            let place = usize::try_from(found.trailing_zeros()).unwrap_or_default();
            places.push(start + place);
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
        cells.set("xyz", &[1, 1, 3]);
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
