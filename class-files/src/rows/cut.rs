//! Where a text may be cut into parts that are read on their own.

/// A place between two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The bytes before it.
    pub(super) at: usize,
    /// The line ends before it, without those inside cells.
    pub(super) lines: u64,
}

impl Cut {
    /// The beginning of a text.
    pub(super) const START: Self = Self { at: 0, lines: 0 };
}

/// The places at which so many parts of a text begin, which are about as long as each other. The first part has at
/// least `lines_min` lines. There are fewer parts of a text with few rows.
///
/// A text whose quotes do not stand around cells is cut anywhere. It is not valid, and nor is the part with the first
/// of these quotes.
pub(super) fn cuts(text: &str, parts: usize, lines_min: u64) -> Vec<Cut> {
    let bytes = text.as_bytes();
    let mut cuts = vec![Cut::START];
    let part_bytes = bytes.len().div_ceil(parts.max(1)).max(1);
    let (mut is_quoted, mut lines) = (false, 0_u64);
    for at in memchr::memchr3_iter(b'"', b'\n', b'\r', bytes) {
        if cuts.len() >= parts {
            break;
        }
        match (bytes.get(at), bytes.get(at + 1)) {
            // A doubled quote inside quotes ends them and begins them again.
            (Some(b'"'), _) => is_quoted = !is_quoted,
            // CR LF is one line end.
            (Some(b'\r'), Some(b'\n')) => {}
            _ if is_quoted => {}
            _ => {
                lines = lines.saturating_add(1);
                if at >= part_bytes.saturating_mul(cuts.len()) && lines >= lines_min {
                    cuts.push(Cut { at: at + 1, lines });
                }
            }
        }
    }
    cuts
}
