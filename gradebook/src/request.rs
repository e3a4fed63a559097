//! What a student may ask for, as values that cannot be wrong.
//!
//! A [`Request`] is one student's ID and one [`Command`]. It says nothing of bytes (that is
//! [`wire`](crate::wire)) and nothing of marks (that is [`Book`](crate::Book)).

use std::fmt;

/// One question by one student.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Who asks.
    pub id: StudentId<'a>,
    /// What is asked for.
    pub command: Command<&'a str>,
}

/// A student's ID: 1 to 64 bytes of `A-Z a-z 0-9 . _ @ -`.
///
/// It is plain ASCII, so that it can go to any console or log as it is.
#[derive(Clone, Copy)]
pub struct StudentId<'a>(Spelling<'a>);

/// Where an ID's characters are.
#[derive(Clone, Copy)]
enum Spelling<'a> {
    Text(&'a str),
    /// The last `length` of these, which a request gave as a number.
    Digits {
        digits: [u8; NUMBER_DIGITS_MAX],
        length: usize,
    },
}

/// The digits of the largest 32-bit number.
const NUMBER_DIGITS_MAX: usize = 10;

impl<'a> StudentId<'a> {
    /// The longest ID, in bytes.
    pub const LENGTH_MAX: usize = 64;

    /// The ID spelled by `text`, or nothing if it is too long, empty, or uses another character.
    pub fn new(text: &'a [u8]) -> Option<Self> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._@-".contains(byte);
        let fits = (1..=Self::LENGTH_MAX).contains(&text.len());
        if fits && text.iter().all(allowed) { Self::of_ascii(text) } else { None }
    }

    /// The ID spelled by these bytes, if all of them are digits.
    pub(crate) fn of_digits(text: &'a [u8]) -> Option<Self> {
        let fits = (1..=Self::LENGTH_MAX).contains(&text.len());
        if fits && text.iter().all(u8::is_ascii_digit) { Self::of_ascii(text) } else { None }
    }

    fn of_ascii(text: &'a [u8]) -> Option<Self> {
        std::str::from_utf8(text).ok().map(|text| Self(Spelling::Text(text)))
    }

    /// An ID that has been one before and was kept as text.
    pub(crate) fn again(text: &'a str) -> Self {
        Self(Spelling::Text(text))
    }

    /// The ID that is a number.
    pub(crate) fn of_number(mut number: u32) -> Self {
        let mut digits = [b'0'; NUMBER_DIGITS_MAX];
        let mut length = 0;
        for place in digits.iter_mut().rev() {
            *place = b"0123456789"
                .get(usize::try_from(number % 10).unwrap_or(0))
                .copied()
                .unwrap_or(b'0');
            number /= 10;
            length += 1;
            if number == 0 {
                break;
            }
        }
        Self(Spelling::Digits { digits, length })
    }

    /// The ID's characters.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Spelling::Text(text) => text,
            // Digits are text.
            Spelling::Digits { digits, length } => {
                let spelled = digits.get(NUMBER_DIGITS_MAX - length..).unwrap_or_default();
                std::str::from_utf8(spelled).unwrap_or_default()
            }
        }
    }
}

/// No ID at all.
impl Default for StudentId<'_> {
    fn default() -> Self {
        Self(Spelling::Text(""))
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

/// What is asked for. `Name` is how an assessment is named: a text on the wire, a place in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<Name> {
    /// `GG`: the student's own marks.
    Grades,
    /// `GMA`: the class average of the midterm.
    MidtermAverage,
    /// `GEA`: the class average of the exams, all together and each.
    ExamAverage,
    /// `GL1A` to `GL4A`: the class average of one lab.
    LabAverage(Lab),
    /// `AVG <assessment>`: the class average of any assessment, by its name in the class file.
    Average(Name),
    /// `STATS <assessment>`: all that is told of the class's marks in any assessment.
    Statistics(Name),
    /// A sealed request: its token.
    Sealed(Name),
    /// `REPORT`: own marks, class statistics, edition and time as one JSON document.
    Report,
}

/// The labs that have a command of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lab {
    /// `Lab 1`
    One,
    /// `Lab 2`
    Two,
    /// `Lab 3`
    Three,
    /// `Lab 4`
    Four,
}

/// The seven commands of the original lab. None is a prefix of another, so a request that ends in
/// one of them is complete without a line end.
pub const LAB_COMMANDS: [Command<&'static str>; 7] = [
    Command::Grades,
    Command::MidtermAverage,
    Command::ExamAverage,
    Command::LabAverage(Lab::One),
    Command::LabAverage(Lab::Two),
    Command::LabAverage(Lab::Three),
    Command::LabAverage(Lab::Four),
];

impl<Name> Command<Name> {
    /// The command's word on the wire.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Grades => "GG",
            Self::MidtermAverage => "GMA",
            Self::ExamAverage => "GEA",
            Self::LabAverage(Lab::One) => "GL1A",
            Self::LabAverage(Lab::Two) => "GL2A",
            Self::LabAverage(Lab::Three) => "GL3A",
            Self::LabAverage(Lab::Four) => "GL4A",
            Self::Average(_) => "AVG",
            Self::Statistics(_) => "STATS",
            Self::Sealed(_) => "sealed",
            Self::Report => "REPORT",
        }
    }

    /// The same command with the assessment named in another way.
    pub fn map<Other>(self, rename: impl FnOnce(Name) -> Other) -> Command<Other> {
        match self {
            Self::Grades => Command::Grades,
            Self::MidtermAverage => Command::MidtermAverage,
            Self::ExamAverage => Command::ExamAverage,
            Self::LabAverage(lab) => Command::LabAverage(lab),
            Self::Average(name) => Command::Average(rename(name)),
            Self::Statistics(name) => Command::Statistics(rename(name)),
            Self::Sealed(token) => Command::Sealed(rename(token)),
            Self::Report => Command::Report,
        }
    }
}

impl Lab {
    /// The lab's column in a class file.
    pub const fn column(self) -> &'static str {
        match self {
            Self::One => "Lab 1",
            Self::Two => "Lab 2",
            Self::Three => "Lab 3",
            Self::Four => "Lab 4",
        }
    }
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
    fn a_number_is_spelled_without_zeros_before_it() {
        for number in [0, 7, 1_803_933, u32::MAX] {
            assert_eq!(StudentId::of_number(number).as_str(), number.to_string());
        }
    }

    #[test]
    fn no_word_of_the_seven_begins_another_word() {
        let other = [Command::Average(""), Command::Statistics(""), Command::Report];
        for short in LAB_COMMANDS {
            for long in LAB_COMMANDS.iter().chain(&other).filter(|long| **long != short) {
                assert!(!long.word().starts_with(short.word()), "{short:?} {long:?}");
            }
        }
    }
}
