//! Numbers that are stored in 32 bits, as indices.

/// A stored number as an index; every supported platform has at least 32 bits.
pub(super) fn offset(stored: u32) -> usize {
    usize::try_from(stored).unwrap_or(usize::MAX)
}
