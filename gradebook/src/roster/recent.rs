//! The marks of the spellings that were read before.

use super::short_number::short_number;

/// The indices of short marks that were added before: a cache in front of the hash table, in which a
/// text of up to eight bytes is one number.
pub(super) struct Recent(Box<[(Short, u32)]>);

/// A short text as a number and its length: no two texts have both the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Short {
    number: u64,
    bytes: usize,
}

impl Recent {
    const SLOTS: usize = 1024;

    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        let short = Short::of(text)?;
        self.0.get(Self::slot(short)).filter(|(known, _)| *known == short).map(|(_, index)| *index)
    }

    pub(super) fn remember(&mut self, text: &[u8], index: u32) {
        if let Some(short) = Short::of(text)
            && let Some(slot) = self.0.get_mut(Self::slot(short))
        {
            *slot = (short, index);
        }
    }

    /// A slot for a text: Fibonacci hashing, whose upper bits depend on all of the number.
    fn slot(Short { number, .. }: Short) -> usize {
        let upper =
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - Self::SLOTS.trailing_zeros());
        usize::try_from(upper).unwrap_or_default()
    }
}

impl Short {
    /// An empty slot: no text has this length.
    const NONE: Self = Self { number: 0, bytes: usize::MAX };

    fn of(text: &[u8]) -> Option<Self> {
        Some(Self { number: short_number(text)?, bytes: text.len() })
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self(vec![(Short::NONE, 0); Self::SLOTS].into())
    }
}
