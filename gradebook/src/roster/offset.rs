//! Numbers that are stored in 32 bits: as indices, and where they go if columns go.

/// A stored number as an index; every supported platform has at least 32 bits.
pub(super) fn offset(stored: u32) -> usize {
    usize::try_from(stored).unwrap_or(usize::MAX)
}

/// The place of a column among those for which `keep` has true; `None` if it is not one of them.
pub(super) fn new_place(column: u32, keep: &[bool]) -> Option<u32> {
    let column = offset(column);
    let is_kept = keep.get(column).copied().unwrap_or_default();
    let before = || keep.iter().take(column).filter(|keep| **keep).count();
    is_kept.then(|| u32::try_from(before()).unwrap_or(u32::MAX))
}
