//! Student IDs.

use std::fmt;

/// A student's ID: 1 to 64 bytes of `A-Z a-z 0-9 . _ @ -`.
///
/// An ID is plain ASCII, so that it can be printed and logged as it is.
#[derive(Clone, Copy)]
pub struct StudentId<'a>(Spelling<'a>);

/// Where an ID's characters stand.
#[derive(Clone, Copy)]
enum Spelling<'a> {
    Text(&'a str),
    /// A request gave the ID as a number.
    Digits(Digits),
}

/// The last `length` of these digits.
///
/// It is aligned as a text is, so that an ID is moved word by word whichever it is: a processor waits when it reads a
/// word that was just written in other parts.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Digits {
    digits: [u8; NUMBER_DIGITS_MAX],
    length: u8,
}

/// The digits of the largest 32-bit number.
const NUMBER_DIGITS_MAX: usize = 10;

impl<'a> StudentId<'a> {
    /// The longest ID, in bytes.
    pub const LENGTH_MAX: usize = 64;

    /// The ID with this text; `None` if the text is too long, empty, or has another character.
    pub fn new(text: &'a [u8]) -> Option<Self> {
        std::str::from_utf8(text).ok().and_then(Self::of_text)
    }

    /// The ID with this text, as [`new`](Self::new) finds it.
    pub fn of_text(text: &'a str) -> Option<Self> {
        Self::of_characters(text, is_allowed)
    }

    /// The ID with this text; `None` unless all of it is digits.
    pub fn of_digits(text: &'a str) -> Option<Self> {
        Self::of_characters(text, u8::is_ascii_digit)
    }

    fn of_characters(text: &'a str, is_allowed: impl Fn(&u8) -> bool) -> Option<Self> {
        let fits = (1..=Self::LENGTH_MAX).contains(&text.len());
        (fits && text.as_bytes().iter().all(is_allowed)).then_some(Self::from_checked(text))
    }

    /// An ID whose text has been checked before.
    pub(crate) fn from_checked(text: &'a str) -> Self {
        Self(Spelling::Text(text))
    }

    /// The ID that spells a number without leading zeros.
    pub(crate) fn from_number(mut number: u32) -> Self {
        let mut digits = [b'0'; NUMBER_DIGITS_MAX];
        let mut length = 0;
        for digit in digits.iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
            length += 1;
            if number == 0 {
                break;
            }
        }
        Self(Spelling::Digits(Digits { digits, length }))
    }

    /// The ID's characters.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Spelling::Text(text) => text,
            // Digits are text.
            Spelling::Digits(Digits { digits, length }) => {
                let start = NUMBER_DIGITS_MAX.saturating_sub(usize::from(*length));
                let spelled = digits.get(start..).unwrap_or_default();
                std::str::from_utf8(spelled).unwrap_or_default()
            }
        }
    }
}

impl PartialEq for StudentId<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for StudentId<'_> {}

impl fmt::Debug for StudentId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for StudentId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_allowed(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._@-".contains(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_to_sixty_four_plain_characters() {
        assert_eq!(StudentId::new(b"1803933").unwrap().as_str(), "1803933");
        assert_eq!(StudentId::new(b"a.b_c@d-e").unwrap().to_string(), "a.b_c@d-e");
        assert!(StudentId::new(&[b'7'; 64]).is_some());
        assert!(StudentId::new(&[b'7'; 65]).is_none());
        assert!(StudentId::new(&[b'7'; 1000]).is_none());
        for refused in [&b""[..], b"18 03", b"18\n", b"\0", "１２".as_bytes(), b"a,b", b"a/b"] {
            assert!(StudentId::new(refused).is_none(), "{refused:?}");
        }
    }

    #[test]
    fn an_id_equals_its_other_spelling_and_no_other_id() {
        let id = StudentId::new(b"1803933").unwrap();
        assert_eq!(id, StudentId::from_number(1_803_933));
        assert_ne!(id, StudentId::from_number(1_803_934));
        assert_eq!(format!("{id:?}"), "1803933");
    }

    #[test]
    fn a_number_is_spelled_without_leading_zeros() {
        for number in [0, 7, 1_803_933, u32::MAX] {
            assert_eq!(StudentId::from_number(number).as_str(), number.to_string());
        }
    }
}
