//! What separates the cells of a text file.

use csv::ByteRecord;

/// The separators in the order of preference.
const SEPARATORS: [u8; 4] = *b",;\t|";

/// A text without its line `sep=`, and the separator of its cells.
pub(crate) struct Separated<'a> {
    pub(crate) separator: u8,
    pub(crate) text: &'a str,
}

/// Finds the separator of a text: what its first line `sep=` says; otherwise the one that makes the most
/// columns with rows of equal length; otherwise the one that makes the most columns of the first row.
pub(crate) fn separate(text: &str) -> Separated<'_> {
    if let Some(separated) = stated(text) {
        return separated;
    }
    let sample = Sample::of(text.as_bytes());
    let mut best = (Fit::default(), b',');
    for separator in SEPARATORS {
        let fit = sample.fit(separator);
        // The first of equal ones is kept.
        if fit > best.0 {
            best = (fit, separator);
        }
    }
    Separated { separator: best.1, text }
}

/// The separator that a first line `sep=;` states, as spreadsheets write it.
fn stated(text: &str) -> Option<Separated<'_>> {
    let rest = text.strip_prefix("sep=").or_else(|| text.strip_prefix("SEP="))?;
    let separator = *rest.as_bytes().first().filter(|byte| SEPARATORS.contains(byte))?;
    let rest = rest.get(1..)?;
    let text = ["\r\n", "\n", "\r"].iter().find_map(|end| rest.strip_prefix(*end))?;
    Some(Separated { separator, text })
}

/// How well a separator fits a text; a better one is greater.
#[derive(Default, PartialEq, PartialOrd)]
struct Fit {
    /// Whether it makes more than one column, and all rows are equally long.
    equal: bool,
    /// The columns of the first row.
    columns: usize,
}

/// The first rows of a text.
struct Sample<'a> {
    bytes: &'a [u8],
    /// Whether the text ends behind the sample.
    whole: bool,
}

impl<'a> Sample<'a> {
    /// As many bytes as tell the separators apart.
    const BYTES_MAX: usize = 64 * 1024;
    const ROWS_MAX: usize = 100;

    fn of(bytes: &'a [u8]) -> Self {
        let sample = bytes.get(..Self::BYTES_MAX).unwrap_or(bytes);
        Self { bytes: sample, whole: sample.len() == bytes.len() }
    }

    fn fit(&self, separator: u8) -> Fit {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(self.bytes);
        let mut row = ByteRecord::new();
        let mut lengths = Vec::new();
        while lengths.len() < Self::ROWS_MAX
            && reader.read_byte_record(&mut row).unwrap_or_default()
        {
            lengths.push(row.len());
        }
        // The last row of a part may be half a row.
        if !self.whole && lengths.len() < Self::ROWS_MAX {
            lengths.pop();
        }
        let columns = lengths.first().copied().unwrap_or_default();
        let equal = columns > 1 && lengths.iter().all(|length| *length == columns);
        Fit { equal, columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn separator(text: &str) -> char {
        char::from(separate(text).separator)
    }

    #[test]
    fn the_separator_is_the_one_that_makes_a_table() {
        assert_eq!(separator("a,b,c\n1,2,3\n"), ',');
        assert_eq!(separator("a;b;c\n1,5;2,5;3,5\n"), ';');
        assert_eq!(separator("a;b,c;d\n1,5;2;3,5\n"), ';');
        assert_eq!(separator("a\tb\n1,5\t2,5\n"), '\t');
        assert_eq!(separator("a|b|c\n1|2|3\n"), '|');
        assert_eq!(separator("\"a;b\",\"c;d;e\"\n1,2\n"), ',', "in quotes");
        assert_eq!(separator("a,b,c\n1,2\n"), ',', "rows of unequal length");
        assert_eq!(separator("a"), ',');
        assert_eq!(separator(""), ',');
    }

    #[test]
    fn a_long_text_is_judged_by_its_first_rows() {
        let text = format!("a;b\n{}", "1,5;2,5\n".repeat(20_000));
        assert_eq!(separator(&text), ';');
        let wide = format!("a;b\n\"{}\";1\n", "x,".repeat(50_000));
        assert_eq!(separator(&wide), ';');
    }

    #[test]
    fn a_first_line_may_state_the_separator() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("sep=;{end}a;b\n");
            let Separated { separator, text } = separate(&text);
            assert_eq!((separator, text), (b';', "a;b\n"));
        }
        assert_eq!(separate("sep=x\n").text, "sep=x\n");
    }
}
