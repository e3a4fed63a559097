//! The cells of a row.

use std::ops::{ControlFlow, Range};

use gradebook::ShortSpelling;
use zeroize::{Zeroize, Zeroizing};

use crate::byte_bits::{BLOCK_BYTES, bits_of};

/// The most cells that a line is divided into; the last one has what is left. No table has so many columns.
const CELLS_MAX: usize = 1 << 20;

/// What stands behind a line, so that the last cell can be read as a [`ShortSpelling`] in one step.
const ZEROS: &str = "\0\0\0\0\0\0\0\0";

/// The cells of a row as texts: one text with all of them, and where each ends.
///
/// The text of some is a key: it has no `Debug`, and is wiped when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Cells {
    /// Behind the text of a line are [zeros](ZEROS).
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
        self.places.clear();
        let mut cells = LineCells { start: 0, places: &mut self.places };
        if line.len() < CELLS_MAX {
            for_each_block(line.as_bytes(), |start, block| {
                cells.end_at(start, bits_of(block, separator));
                ControlFlow::<()>::Continue(())
            });
        } else {
            let separators = memchr::memchr_iter(separator, line.as_bytes());
            separators.take(CELLS_MAX - 1).for_each(|end| cells.end(end));
        }
        cells.end(line.len());
        self.set_text(line);
    }

    /// Replaces the cells by those of the first line of a text. No byte of `plain`, with which the text begins, belongs
    /// to a row with quotes. Returns the bytes of the line; `None` if it does not end in `plain`, and then these are no
    /// cells of a row.
    pub(crate) fn set_first_line(
        &mut self,
        text: &str,
        plain: &[u8],
        separator: u8,
    ) -> Option<usize> {
        self.places.clear();
        let mut cells = LineCells { start: 0, places: &mut self.places };
        let bytes = for_each_block(plain, |start, block| {
            let line_ends = bits_of(block, b'\n');
            // The bits below the first line end; all if there is none.
            let in_line = line_ends.wrapping_sub(1) & !line_ends;
            cells.end_at(start, bits_of(block, separator) & in_line);
            if line_ends == 0 {
                return ControlFlow::Continue(());
            }
            ControlFlow::Break(start + place_of(line_ends))
        })?;
        cells.end(bytes);
        self.set_text(text.get(..bytes)?);
        Some(bytes)
    }

    /// Replaces the text.
    fn set_text(&mut self, text: &str) {
        self.text.clear();
        self.reserve_wiped(text.len() + ZEROS.len());
        self.text.push_str(text);
        self.text.push_str(ZEROS);
        self.text_bytes = text.len();
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

/// The cells of a line, as they are found.
struct LineCells<'a> {
    /// Where the next cell begins.
    start: usize,
    places: &'a mut Vec<Place>,
}

impl LineCells<'_> {
    /// Ends a cell.
    fn end(&mut self, end: usize) {
        self.places.push(Place { start: self.start, end });
        self.start = end + 1;
    }

    /// Ends a cell at each separator of the block that begins at `block`.
    fn end_at(&mut self, block: usize, mut separators: u64) {
        while separators != 0 {
            self.end(block + place_of(separators));
            separators &= separators - 1;
        }
    }
}

/// The place of the lowest bit.
fn place_of(bits: u64) -> usize {
    usize::try_from(bits.trailing_zeros()).unwrap_or_default()
}

/// Looks at the blocks of a text, each with the place at which it begins, until `look` breaks. Zeros stand behind the
/// end of the text.
fn for_each_block<Found>(
    text: &[u8],
    mut look: impl FnMut(usize, &[u8; BLOCK_BYTES]) -> ControlFlow<Found>,
) -> Option<Found> {
    let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
    let starts = (0..).step_by(BLOCK_BYTES);
    for (block, start) in blocks.iter().zip(starts) {
        if let ControlFlow::Break(found) = look(start, block) {
            return Some(found);
        }
    }
    // Part of a key may stand at the end.
    let mut last = Zeroizing::new([0; BLOCK_BYTES]);
    for (byte, rest) in last.iter_mut().zip(rest) {
        *byte = *rest;
    }
    look(text.len() - rest.len(), &last).break_value()
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
    fn the_first_line_of_a_text_ends_in_any_place_of_a_block() {
        for length in (0..70).chain(120..135) {
            let line: String = "ab;;c\u{e9};d".chars().cycle().take(length).collect();
            let text = format!("{line}\n;x;\n\n;y\n{}", ";".repeat(70));
            let mut cells = Cells::default();
            assert_eq!(cells.set_first_line(&text, text.as_bytes(), b';'), Some(line.len()));
            let expected: Vec<_> = line.split(';').collect();
            assert_eq!((cells.text(), cells.iter().collect()), (line.as_str(), expected));
            let before_end = text.as_bytes().get(..line.len()).unwrap();
            assert_eq!(cells.set_first_line(&text, before_end, b';'), None, "{length}");
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
