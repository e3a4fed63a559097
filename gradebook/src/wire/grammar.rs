//! How requests are read on a server.

/// How requests are read.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// The number of digits of an ID in a request without a line end, 1 to 18.
    pub id_digits: u8,
    /// The longest line in bytes, without its line end.
    pub line_bytes: usize,
    /// Whether requests are sealed.
    pub sealed: bool,
}
