//! The marks of the spellings that were read before.

use std::ops::Range;

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
    /// The slots that a text may stand in. With one, two common spellings that share it would drive each other
    /// out all the time.
    const SLOTS_OF_TEXT: usize = 4;

    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        let short = Short::of(text)?;
        let slots = self.0.get(Self::slots(short))?;
        slots.iter().find(|(known, _)| *known == short).map(|(_, index)| *index)
    }

    pub(super) fn remember(&mut self, text: &[u8], index: u32) {
        if let Some(short) = Short::of(text)
            && let Some(slots) = self.0.get_mut(Self::slots(short))
        {
            // The one that was remembered first is forgotten.
            slots.rotate_right(1);
            if let Some(slot) = slots.first_mut() {
                *slot = (short, index);
            }
        }
    }

    /// The slots for a text: Fibonacci hashing, whose upper bits depend on all of the number.
    fn slots(Short { number, .. }: Short) -> Range<usize> {
        const SETS: usize = Recent::SLOTS / Recent::SLOTS_OF_TEXT;
        let upper = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SETS.trailing_zeros());
        let first = usize::try_from(upper).unwrap_or_default() * Self::SLOTS_OF_TEXT;
        first..first + Self::SLOTS_OF_TEXT
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
