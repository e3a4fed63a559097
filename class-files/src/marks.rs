//! The cells of an assessment: how class files spell marks.

use std::borrow::Cow;

use fernet_batch::redact::contains_key;
use gradebook::{Decimal, Mark};

use crate::columns::on_one_line;
use crate::problem::{Problem, Shown};

/// The content of a workbook's cell that has a formula, but no result.
pub(crate) const FORMULA_WITHOUT_VALUE: &str = "#NO VALUE";

/// The longest word in an assessment of words, in bytes.
const WORD_BYTES_MAX: usize = 64;
/// The longest comment on a mark, in bytes.
pub(crate) const COMMENT_BYTES_MAX: usize = 1000;
/// What stands at the end of a comment that was longer.
const CUT: &str = " ...";

/// The spellings of no result yet, in lower case.
const BLANK: [&str; 7] =
    ["", "-", "in progress", "none", "n/a", "unspecified", "not_yet_submitted"];
/// The spellings of an excused mark, in lower case.
const EXCUSED: [&str; 3] = ["ex", "excused", "exempt"];
/// The spellings of a missing mark, in lower case.
const MISSING: [&str; 5] = ["mi", "missing", "ns", "not submitted", "not_submitted"];
/// The spelling of a mark that was set to zero, in lower case.
const ZEROED: &str = "zeroed";
/// The letter grades.
const LETTERS: [&str; 18] = [
    "A+", "A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-", "E+", "E", "E-", "F+", "F",
    "F-",
];

/// What the cells of an assessment contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkKind {
    /// Points; also a percentage or a fraction, which states its maximum itself.
    Points,
    /// Percentages, with or without a percent sign.
    Percent,
    /// Words.
    Words,
}

/// A mark as a cell spells it.
pub(crate) struct Spelling<'a> {
    pub(crate) mark: Mark<'a>,
    /// The maximum that the cell states.
    pub(crate) out_of: Option<Decimal>,
    /// Whether it has a percent sign.
    pub(crate) percent: bool,
}

impl<'a> From<Mark<'a>> for Spelling<'a> {
    fn from(mark: Mark<'a>) -> Self {
        Self { mark, out_of: None, percent: false }
    }
}

/// Reads the cell of an assessment. `number` reads its numbers.
pub(crate) fn spelled<'a>(
    text: &'a str,
    kind: MarkKind,
    number: &mut impl FnMut(&str) -> Result<Decimal, Problem>,
) -> Result<Spelling<'a>, Problem> {
    let text = text.trim();
    if let Some(mark) = state(text) {
        return Ok(mark.into());
    }
    check_formula(text)?;
    if kind == MarkKind::Words {
        return word(text).map(Spelling::from);
    }
    if let Some(digits) = text.strip_suffix('%') {
        let mark = Mark::Number(number(digits.trim_end())?);
        return Ok(Spelling { mark, out_of: Some(hundred()), percent: true });
    }
    if let Some((points, out_of)) = text.split_once('/')
        && let (Ok(points), Ok(out_of)) = (number(points.trim_end()), number(out_of.trim_start()))
    {
        return Ok(Spelling { mark: Mark::Number(points), out_of: Some(out_of), percent: false });
    }
    if let Some(letter) = LETTERS.iter().find(|letter| letter.eq_ignore_ascii_case(text)) {
        return Ok(Mark::Letter(letter).into());
    }
    if is_date(text) {
        return Err(Problem::DateAsMark(Shown::new(text)));
    }
    number(text).map(|number| Mark::Number(number).into())
}

/// Checks that a text is neither a formula without its result nor the error of a formula.
pub(crate) fn check_formula(text: &str) -> Result<(), Problem> {
    const ERRORS: [&str; 8] =
        ["#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!"];
    if !text.starts_with('#') {
        return Ok(());
    }
    if text == FORMULA_WITHOUT_VALUE {
        return Err(Problem::FormulaWithoutValue);
    }
    if ERRORS.contains(&text) { Err(Problem::FormulaError(Shown::new(text))) } else { Ok(()) }
}

/// One hundred percent.
pub(crate) fn hundred() -> Decimal {
    Decimal::from(100)
}

/// The words for a mark that is no number.
fn state(text: &str) -> Option<Mark<'static>> {
    /// No word is longer.
    const BYTES_MAX: usize = 32;
    if text.len() > BYTES_MAX {
        return None;
    }
    let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    // `8(In Progress)` and `Needs Grading(9.5)` of Blackboard are not final.
    let folded = text.to_lowercase();
    let is_pending = folded.starts_with("needs grading") || folded.ends_with("(in progress)");
    if is_one_of(&BLANK) || is_pending {
        Some(Mark::Blank)
    } else if is_one_of(&EXCUSED) {
        Some(Mark::Excused)
    } else if is_one_of(&MISSING) {
        Some(Mark::Missing)
    } else {
        ZEROED.eq_ignore_ascii_case(text).then(|| Mark::Number(Decimal::default()))
    }
}

fn word(text: &str) -> Result<Mark<'_>, Problem> {
    if text.len() > WORD_BYTES_MAX {
        return Err(Problem::LongWord { bytes: text.len(), max: WORD_BYTES_MAX });
    }
    if contains_key(text) {
        return Err(Problem::LooksLikeAKey);
    }
    Ok(Mark::Letter(text))
}

/// Reads the comment on a mark; `None` for a blank cell. One that is too long is cut, and becomes a text of its own:
/// every report is as long as the longest comment makes it.
pub(crate) fn comment(text: &str) -> Result<Option<Cow<'_, str>>, Problem> {
    let text = text.trim();
    check_formula(text)?;
    if contains_key(text) {
        return Err(Problem::LooksLikeAKey);
    }
    Ok(match text.len() {
        0 => None,
        1..=COMMENT_BYTES_MAX => Some(text.into()),
        _ => {
            let (kept, _) = text.split_at(text.floor_char_boundary(COMMENT_BYTES_MAX - CUT.len()));
            Some(format!("{}{CUT}", kept.trim_end()).into())
        }
    })
}

/// Returns true for `2026-01-05`, `5.1.2026`, `3/10/26`, `3-Oct` and the like.
fn is_date(text: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let is_digits =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<_> = day.split(['-', '/', '.']).collect();
    if let [_, _, _] = parts.as_slice() {
        return parts.iter().all(is_digits);
    }
    let folded = text.to_lowercase();
    let words: Vec<_> =
        folded.split(['-', ' ', '.', '/']).filter(|part| !part.is_empty()).collect();
    let is_month = |part: &&str| {
        part.get(..3).is_some_and(|start| MONTHS.contains(&start))
            && part.len() <= "september".len()
    };
    (2..=3).contains(&words.len())
        && words.iter().any(is_month)
        && words.iter().all(|part| is_month(part) || is_digits(part))
}

/// A word of a cell on one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) { on_one_line(text).into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimals::Decimals;
    use crate::error::Column;

    fn read(text: &str, kind: MarkKind) -> String {
        let mut decimals = Decimals::default();
        let column = || Column { number: 4, name: None };
        let mut number = |text: &str| decimals.number(text, 2, column);
        match spelled(text, kind, &mut number) {
            Ok(Spelling { mark, out_of, .. }) => {
                let out_of = out_of.map(|out_of| format!(" of {out_of}")).unwrap_or_default();
                match (mark.number(), mark.letter()) {
                    (Some(number), _) => format!("{number}{out_of}"),
                    (_, Some(letter)) => format!("letter {letter}"),
                    _ => format!("{:?}", mark.status()).to_lowercase(),
                }
            }
            Err(problem) => problem.to_string().split(' ').take(4).collect::<Vec<_>>().join(" "),
        }
    }

    #[test]
    fn every_spelling_of_a_mark_is_understood() {
        for (text, mark) in [
            ("7.50", "7.5"),
            ("7,5", "7.5"),
            ("-1", "-1"),
            ("", "blank"),
            (" - ", "blank"),
            ("In Progress", "blank"),
            ("NONE", "blank"),
            ("N/A", "blank"),
            ("EX", "excused"),
            ("excused", "excused"),
            ("Exempt", "excused"),
            ("MI", "missing"),
            ("missing", "missing"),
            ("NS", "missing"),
            ("not submitted", "missing"),
            ("not_submitted", "missing"),
            ("zeroed", "0"),
            ("A-", "letter A-"),
            ("f", "letter F"),
            ("85%", "85 of 100"),
            ("85,5 %", "85.5 of 100"),
            ("3.5/10", "3.5 of 10"),
            ("3 / 10", "3 of 10"),
        ] {
            assert_eq!(read(text, MarkKind::Points), mark, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_mark_is_rejected_with_the_reason() {
        for (text, why) in [
            ("passed", "\"passed\" is not a"),
            ("nan", "\"nan\" is not a"),
            ("-inf", "\"-inf\" is not a"),
            ("G", "\"G\" is not a"),
            ("1;5", "\"1;5\" is not a"),
            ("0x1", "\"0x1\" is not a"),
            ("1,234.5", "\"1,234.5\" is not a"),
            ("x/10", "\"x/10\" is not a"),
            ("#REF!", "\"#REF!\" is the error"),
            ("#N/A", "\"#N/A\" is the error"),
            ("2026-01-05", "\"2026-01-05\" is a date,"),
            ("2026-01-05 00:00:00", "\"2026-01-05 00:00:00\" is a"),
            ("5.1.2026", "\"5.1.2026\" is a date,"),
            ("3/10/26", "\"3/10/26\" is a date,"),
            ("3-Oct", "\"3-Oct\" is a date,"),
            ("10. Mar", "\"10. Mar\" is a"),
            ("1e400", "is out of range;"),
        ] {
            assert_eq!(read(text, MarkKind::Points), why, "{text:?}");
        }
    }

    #[test]
    fn words_are_marks_only_where_words_are_expected() {
        for (text, mark) in
            [("passed", "letter passed"), ("7", "letter 7"), ("", "blank"), ("EX", "excused")]
        {
            assert_eq!(read(text, MarkKind::Words), mark, "{text:?}");
        }
        assert_eq!(read(&"x".repeat(65), MarkKind::Words), "has 65 bytes; a");
        assert_eq!(read(&"x".repeat(43), MarkKind::Words), "holds what may be");
    }

    #[test]
    fn a_comment_has_a_limit_and_no_key() {
        assert_eq!(comment("  ").unwrap(), None);
        assert_eq!(comment(" good ").unwrap().as_deref(), Some("good"));
        let longest = "x".repeat(COMMENT_BYTES_MAX);
        assert!(matches!(comment(&longest), Ok(Some(Cow::Borrowed(kept))) if kept == longest));
        let cut = |text: &str| comment(text).unwrap().unwrap().into_owned();
        assert_eq!(cut(&(longest + "x")), "x".repeat(COMMENT_BYTES_MAX - 4) + " ...");
        let euros = "\u{20ac}".repeat(400);
        assert_eq!(cut(&euros), "\u{20ac}".repeat(332) + " ...", "characters stay whole");
        for behind in [0, 2_000] {
            let text = format!("{} {}", "word ".repeat(behind), "x".repeat(43));
            assert!(comment(&text).is_err(), "what is cut off may be a key, too");
        }
    }
}
