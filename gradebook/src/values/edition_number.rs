//! The number of an edition.

/// The number of a published class; each new edition has a higher one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EditionNumber(pub u64);

impl EditionNumber {
    /// The number of the next edition.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
