//! The parts of the answers to `GG`, ready to be copied: one text for each column and mark.

use crate::roster::{Record, Roster};

/// The texts, column by column.
pub(super) struct ReadyGrades {
    /// For each column, a text for each mark of the roster's table.
    texts: Vec<ReadyText>,
    /// The marks of the table.
    marks: usize,
}

/// A text of up to 31 bytes, copied as a whole: the excess is cut off. Its last byte is the length.
#[derive(Clone, Copy)]
struct ReadyText([u8; ReadyText::BYTES]);

/// The most texts: half a megabyte.
const TEXTS_MAX: usize = 16_384;

impl ReadyGrades {
    /// The texts for columns with these labels; `None` if there are too many, or one is too long.
    pub(super) fn new<'a>(
        labels: impl ExactSizeIterator<Item = &'a str>,
        separator: &str,
        roster: &Roster,
    ) -> Option<Self> {
        let marks = roster.mark_texts().count();
        let size = labels.len().checked_mul(marks).filter(|size| *size <= TEXTS_MAX)?;
        let mut texts = Vec::with_capacity(size);
        for (column, label) in labels.enumerate() {
            let separator = if column == 0 { "" } else { separator };
            for mark in roster.mark_texts() {
                texts.push(ReadyText::new(&[separator, label, mark])?);
            }
        }
        Some(Self { texts, marks })
    }

    /// The most bytes that appending a student's marks needs.
    pub(super) fn bytes_max(&self) -> usize {
        self.texts.len().checked_div(self.marks).unwrap_or(0) * ReadyText::BYTES
    }

    /// Appends a student's marks. Returns `None` if there is no text for one of them.
    pub(super) fn append(&self, record: Record<'_>, out: &mut Vec<u8>) -> Option<()> {
        let marks = record.mark_indices()?;
        out.reserve(marks.len() * ReadyText::BYTES);
        let mut columns = self.texts.chunks_exact(self.marks.max(1));
        for index in marks {
            columns.next()?.get(usize::from(*index))?.append_to(out);
        }
        Some(())
    }
}

impl ReadyText {
    const BYTES: usize = 32;

    /// The parts as one text; `None` if they are too long together.
    fn new(parts: &[&str]) -> Option<Self> {
        let text = parts.concat();
        let mut bytes = [0; Self::BYTES];
        let (length, room) = bytes.split_last_mut()?;
        room.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        *length = u8::try_from(text.len()).ok()?;
        Some(Self(bytes))
    }

    fn append_to(&self, out: &mut Vec<u8>) {
        let Self(bytes @ [.., length]) = self;
        let end = out.len() + usize::from(*length);
        out.extend_from_slice(bytes);
        out.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_up_to_31_bytes_is_appended_as_it_is() {
        for bytes in 0..=31 {
            let text = "x".repeat(bytes);
            let mut out = b"before ".to_vec();
            ReadyText::new(&["", &text]).unwrap().append_to(&mut out);
            assert_eq!(out, format!("before {text}").as_bytes());
        }
        assert!(ReadyText::new(&["x", &"y".repeat(31)]).is_none());
    }
}
