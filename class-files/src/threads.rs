//! How many threads read a file.

/// How many threads read a file. Several of them read its bytes, and the rows of a text.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    pub(crate) count: usize,
    /// The bytes that are worth a thread.
    pub(crate) part_bytes_min: usize,
}

impl Threads {
    /// The caller's thread alone.
    pub const ONE: Self = Self { count: 1, part_bytes_min: usize::MAX };

    /// The bytes that are worth a thread: they take about ten milliseconds.
    const PART_BYTES_MIN: usize = 1 << 20;

    /// At most so many, the caller's thread included. A short file is read by one.
    pub fn up_to(count: usize) -> Self {
        Self { count, part_bytes_min: Self::PART_BYTES_MIN }
    }

    /// The parts in which so many bytes are read.
    pub fn parts_of(self, bytes: usize) -> usize {
        self.count.min(bytes / self.part_bytes_min.max(1)).max(1)
    }
}
