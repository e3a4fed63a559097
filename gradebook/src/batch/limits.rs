//! The limits of a batch.

/// How much one batch may hold.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// The most requests.
    pub requests: usize,
    /// The most bytes of replies. The length of the next reply is estimated by the longest one so far;
    /// one reply is always allowed, however long.
    pub output_bytes: usize,
}
