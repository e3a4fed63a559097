//! Commands as values. Their words, arguments and help stand in one table, `command_table`.

use std::fmt;

use super::rejection::LineError;

/// What a request asks for. `Name` is how an assessment is named: a text on the wire, a span in a
/// batch.
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
    /// `AVG ASSESSMENT`: the class average of any assessment, by its name in the class file.
    Average(Name),
    /// `STATS ASSESSMENT`: all class statistics of any assessment.
    Statistics(Name),
    /// `REPORT`: own marks, class statistics, edition and time as one JSON document.
    Report,
    /// A sealed request, still closed: its token.
    Sealed(Name),
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

/// The seven commands of the original lab. No word is a prefix of another command's word, so a
/// request that ends in one of them is complete without a line end.
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
    /// The command's word on the wire; `sealed` for a request that is still closed.
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
            Self::Report => "REPORT",
            Self::Sealed(_) => "sealed",
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
            Self::Report => Command::Report,
            Self::Sealed(token) => Command::Sealed(rename(token)),
        }
    }
}

impl<'a> Command<&'a str> {
    /// Reads a command with its argument, without blanks around them. Its word may be written in any
    /// case.
    ///
    /// # Errors
    /// Returns an error if the text is empty, is not a command, or lacks the name of an assessment.
    pub fn parse(text: &'a str) -> Result<Self, LineError> {
        if let Some(command) = lab_command(text) {
            return Ok(command);
        }
        let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let is_word = |name: &str| word.eq_ignore_ascii_case(name);
        match rest.trim_matches([' ', '\t']) {
            "" if word.is_empty() => Err(LineError::NoCommand),
            "" if is_word("REPORT") => Ok(Self::Report),
            "" if is_word("AVG") || is_word("STATS") => Err(LineError::NoAssessment),
            name if is_word("AVG") => Ok(Self::Average(name)),
            name if is_word("STATS") => Ok(Self::Statistics(name)),
            _ => Err(LineError::UnknownCommand),
        }
    }
}

/// The lab command with this word, in any case.
pub(crate) fn lab_command(word: &str) -> Option<Command<&'static str>> {
    if let Some((command, [])) = lab_command_prefix(word.as_bytes()) {
        return Some(command);
    }
    LAB_COMMANDS.into_iter().find(|command| command.word().eq_ignore_ascii_case(word))
}

/// The wire's spelling: `GG`, `AVG Lab 1`.
impl<Name: fmt::Display> fmt::Display for Command<Name> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Average(name) | Self::Statistics(name) | Self::Sealed(name) => {
                write!(f, " {name}")
            }
            _ => Ok(()),
        }
    }
}

/// The lab command that `bytes` begin with, and the bytes behind it.
pub(crate) fn lab_command_prefix(bytes: &[u8]) -> Option<(Command<&'static str>, &[u8])> {
    Some(match bytes {
        [b'G', b'G', rest @ ..] => (Command::Grades, rest),
        [b'G', b'M', b'A', rest @ ..] => (Command::MidtermAverage, rest),
        [b'G', b'E', b'A', rest @ ..] => (Command::ExamAverage, rest),
        [b'G', b'L', b'1', b'A', rest @ ..] => (Command::LabAverage(Lab::One), rest),
        [b'G', b'L', b'2', b'A', rest @ ..] => (Command::LabAverage(Lab::Two), rest),
        [b'G', b'L', b'3', b'A', rest @ ..] => (Command::LabAverage(Lab::Three), rest),
        [b'G', b'L', b'4', b'A', rest @ ..] => (Command::LabAverage(Lab::Four), rest),
        _ => return None,
    })
}

impl Lab {
    /// The name of the lab's column in a class file.
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
    use super::super::command_table::COMMANDS;
    use super::*;

    #[test]
    fn every_row_of_the_table_is_a_command_with_that_word() {
        for spec in COMMANDS {
            let spelling = spec.spelling();
            let command = Command::parse(&spelling).unwrap();
            assert_eq!(command.word(), spec.word);
            assert_eq!(command.to_string(), spelling);
        }
    }

    #[test]
    fn the_lab_commands_are_the_rows_without_a_line_end() {
        for command in LAB_COMMANDS {
            let text = format!("{} rest", command.word());
            assert_eq!(lab_command_prefix(text.as_bytes()), Some((command, &b" rest"[..])));
        }
        let others =
            COMMANDS.iter().filter(|spec| !LAB_COMMANDS.iter().any(|c| c.word() == spec.word));
        for spec in others {
            assert_eq!(lab_command_prefix(spec.word.as_bytes()), None);
        }
    }

    #[test]
    fn no_lab_command_is_the_prefix_of_another_command() {
        for short in LAB_COMMANDS {
            for long in COMMANDS.iter().filter(|spec| spec.word != short.word()) {
                assert!(!long.word.starts_with(short.word()), "{short:?} {long:?}");
            }
        }
    }

    #[test]
    fn a_command_s_word_may_be_written_in_any_case() {
        for (text, command) in [
            ("gg", Command::Grades),
            ("Gl3a", Command::LabAverage(Lab::Three)),
            ("report", Command::Report),
            ("avg lab 1", Command::Average("lab 1")),
            ("Stats  Lab 1", Command::Statistics("Lab 1")),
        ] {
            assert_eq!(Command::parse(text), Ok(command));
        }
        assert_eq!(lab_command_prefix(b"gg"), None, "forms without a line end stay as they are");
    }

    #[test]
    fn a_text_that_is_not_a_command_is_rejected_with_a_reason() {
        for (text, error) in [
            ("", LineError::NoCommand),
            ("AVG", LineError::NoAssessment),
            ("STATS  ", LineError::NoAssessment),
            ("REPORT now", LineError::UnknownCommand),
            ("GGG", LineError::UnknownCommand),
            ("report now", LineError::UnknownCommand),
            ("sealed x", LineError::UnknownCommand),
        ] {
            assert_eq!(Command::parse(text), Err(error), "{text:?}");
        }
    }
}
