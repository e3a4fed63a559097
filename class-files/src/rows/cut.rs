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
    plain_cuts(text, parts, lines_min).unwrap_or_else(|| any_cuts(text, parts, lines_min))
}

/// The places at which the parts of a text begin that has no quote and no CR before the last of them, as most have none:
/// then each LF ends a line, and is found faster. `None` if it is no such text, if some part would have no line, or the
/// first fewer than `lines_min`.
fn plain_cuts(text: &str, parts: usize, lines_min: u64) -> Option<Vec<Cut>> {
    /// The bytes that are read twice: they are still in the processor's cache then.
    const CHUNK_BYTES: usize = 256 * 1024;
    let bytes = text.as_bytes();
    let part_bytes = part_bytes(text, parts);
    let mut cuts = vec![Cut::START];
    let Cut { mut at, mut lines } = Cut::START;
    for n in 1..parts {
        let least = at.max(part_bytes.saturating_mul(n));
        let part_end = least + memchr::memchr(b'\n', bytes.get(least..)?)? + 1;
        for chunk in bytes.get(at..part_end)?.chunks(CHUNK_BYTES) {
            if memchr::memchr2(b'"', b'\r', chunk).is_some() {
                return None;
            }
            let ends = memchr::memchr_iter(b'\n', chunk).count();
            lines = lines.saturating_add(u64::try_from(ends).ok()?);
        }
        at = part_end;
        cuts.push(Cut { at, lines });
        if lines < lines_min {
            return None;
        }
    }
    Some(cuts)
}

/// The places at which the parts of any text begin.
fn any_cuts(text: &str, parts: usize, lines_min: u64) -> Vec<Cut> {
    let bytes = text.as_bytes();
    let mut cuts = vec![Cut::START];
    let part_bytes = part_bytes(text, parts);
    let mut lines = 0_u64;
    let mut is_quoted = false;
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

/// The bytes of a part, about.
fn part_bytes(text: &str, parts: usize) -> usize {
    text.len().div_ceil(parts.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_without_quotes_is_cut_as_any_text_is(
            text in "([ab]{0,3}\n){0,20}(a?[\"\r]?b?\n){0,2}([ab]{0,3}\n){0,20}a?",
            parts in 1_usize..5,
            lines_min in 1_u64..4,
        ) {
            if let Some(cuts) = plain_cuts(&text, parts, lines_min) {
                prop_assert_eq!(cuts, any_cuts(&text, parts, lines_min));
            }
        }
    }

    #[test]
    fn the_parts_of_a_text_begin_behind_its_line_ends() {
        let text = "ab\nc\n\nde\nf";
        let cuts = [Cut::START, Cut { at: 6, lines: 3 }];
        assert_eq!(plain_cuts(text, 2, 1).as_deref(), Some(&cuts[..]));
        assert_eq!(any_cuts(text, 2, 1), cuts);
        assert!(plain_cuts("ab\n\"c\n\nde\nf", 2, 1).is_none(), "a quote");
        assert!(plain_cuts(text, 2, 4).is_none(), "too few lines");
    }
}
