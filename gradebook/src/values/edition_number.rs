//! The number of an edition, and when it was published.

use fernet_batch::Timestamp;

/// The number of a published class; each new edition has a higher one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EditionNumber(pub u64);

/// What an edition is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditionStamp {
    /// Its number.
    pub number: EditionNumber,
    /// When it was published.
    pub published: Timestamp,
}

/// The numbers from which on a number comes from the clock, in milliseconds since 1970: a server without a
/// history cannot count over its restarts.
const FROM_CLOCK_MIN: u64 = 1_000_000_000_000;

impl EditionNumber {
    /// Returns true if the number comes from the clock, and was not counted. Numbers of the two kinds
    /// cannot be compared.
    pub const fn is_from_clock(self) -> bool {
        self.0 >= FROM_CLOCK_MIN
    }

    /// The number of the next edition.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The stamp of the edition with this number that is published at a time.
    pub const fn published_at(self, published: Timestamp) -> EditionStamp {
        EditionStamp { number: self, published }
    }
}
