//! How large a file may be.

/// How large a file may be.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// The most bytes.
    pub bytes_max: u64,
    /// The most students.
    pub rows_max: usize,
}
