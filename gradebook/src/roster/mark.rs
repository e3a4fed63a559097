//! One student's result in one assessment.

use serde::Serialize;

use crate::values::{Decimal, DecimalError};

/// One student's result in one assessment. Like keys, marks have no `Debug`, so that no log shows them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// Points. Only numbers enter statistics.
    Number(Decimal),
    /// No result yet.
    Blank,
    /// The student need not have a result.
    Excused,
    /// The student should have a result, and has none.
    Missing,
    /// A letter grade, or a word in an assessment of words. Not empty.
    Letter(&'a str),
}

/// The kind of a mark, as a report names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkStatus {
    /// Points.
    Number,
    /// No result yet.
    Blank,
    /// Excused.
    Excused,
    /// Missing.
    Missing,
    /// A letter or a word.
    Letter,
}

impl<'a> Mark<'a> {
    const EXCUSED: &'static str = "EX";
    const MISSING: &'static str = "MI";

    /// Reads a mark in the form that `GG` writes: a number, `EX`, `MI`, a letter or nothing.
    ///
    /// # Errors
    /// Returns an error if the text is none of these.
    pub fn parse(text: &'a str) -> Result<Self, DecimalError> {
        Ok(match text {
            "" => Self::Blank,
            Self::EXCUSED => Self::Excused,
            Self::MISSING => Self::Missing,
            letter if is_letter_grade(letter) => Self::Letter(letter),
            number => Self::Number(Decimal::parse(number)?),
        })
    }

    /// The mark with this kind and this text; `None` if the two do not belong together. It is what
    /// [`status`](Self::status) and [`letter`](Self::letter) or [`number`](Self::number) take apart.
    pub fn from_parts(status: MarkStatus, text: &'a str) -> Option<Self> {
        match status {
            MarkStatus::Number => Decimal::parse(text).ok().map(Self::Number),
            MarkStatus::Letter => (!text.is_empty()).then_some(Self::Letter(text)),
            _ if !text.is_empty() => None,
            MarkStatus::Blank => Some(Self::Blank),
            MarkStatus::Excused => Some(Self::Excused),
            MarkStatus::Missing => Some(Self::Missing),
        }
    }

    /// The kind of this mark.
    pub fn status(self) -> MarkStatus {
        match self {
            Self::Number(_) => MarkStatus::Number,
            Self::Blank => MarkStatus::Blank,
            Self::Excused => MarkStatus::Excused,
            Self::Missing => MarkStatus::Missing,
            Self::Letter(_) => MarkStatus::Letter,
        }
    }

    /// The number, if it is one.
    pub fn number(self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The letter or word, if it is one.
    pub fn letter(self) -> Option<&'a str> {
        match self {
            Self::Letter(letter) => Some(letter),
            _ => None,
        }
    }

    /// The mark as `GG` writes it.
    pub fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Blank => String::new(),
            Self::Excused => Self::EXCUSED.to_owned(),
            Self::Missing => Self::MISSING.to_owned(),
            Self::Letter(letter) => letter.to_owned(),
        }
    }
}

/// Returns true for `A` to `F`, alone or with a sign: `B+`.
fn is_letter_grade(text: &str) -> bool {
    matches!(text.as_bytes(), [b'A'..=b'F'] | [b'A'..=b'F', b'+' | b'-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_in_the_form_in_which_it_is_written() {
        for (text, status) in [
            ("7.5", MarkStatus::Number),
            ("-3", MarkStatus::Number),
            ("", MarkStatus::Blank),
            ("EX", MarkStatus::Excused),
            ("MI", MarkStatus::Missing),
            ("A", MarkStatus::Letter),
            ("F-", MarkStatus::Letter),
            ("B+", MarkStatus::Letter),
        ] {
            let mark = Mark::parse(text).unwrap();
            assert_eq!((mark.status(), mark.text().as_str()), (status, text));
            assert_eq!(mark.number().is_some(), status == MarkStatus::Number);
        }
        for (status, text) in [
            (MarkStatus::Number, "x"),
            (MarkStatus::Letter, ""),
            (MarkStatus::Blank, "7"),
            (MarkStatus::Excused, "EX"),
        ] {
            assert!(Mark::from_parts(status, text).is_none(), "{status:?} {text}");
        }
        for text in ["G", "AA", "B++", "ex", "passed", " "] {
            assert!(Mark::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_number_is_written_without_needless_digits() {
        assert_eq!(Mark::parse("007.50").unwrap().text(), "7.5");
        assert_eq!(Mark::parse("1e2").unwrap().text(), "100");
    }
}
