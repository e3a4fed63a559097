//! Why a request is not answered: what the sender and a log may read about it.

use std::fmt;

use super::command_table::UNKNOWN_COMMAND;

/// Why there is no answer: the word and the text of an `ERR` line, or the status of a sealed reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The line is not a request.
    Malformed(MalformedLine),
    /// No student has this ID.
    UnknownStudent,
    /// The class has no such assessment.
    UnknownAssessment,
    /// The line is longer than allowed; the connection closes.
    TooLong,
    /// The request was not complete in time; the connection closes.
    TooSlow,
    /// The source sends more requests a second than allowed.
    TooMany,
    /// The source has as many connections as it may have; this one closes.
    TooManyConnections,
    /// A part of the server failed on this request and was restarted.
    Busy,
    /// The sealed request is for another course or term.
    WrongAudience,
    /// The sealed request's time is too far from the server's.
    ClockSkew,
    /// The same sealed request was answered before.
    Replayed,
    /// The sealed request's command is unknown.
    UnknownCommand,
    /// The student sent more sealed requests than the server remembers.
    QuotaReached,
}

impl Rejection {
    /// The rejections that a sealed reply can have as its status.
    const SEALED: [Self; 6] = [
        Self::WrongAudience,
        Self::ClockSkew,
        Self::Replayed,
        Self::UnknownCommand,
        Self::UnknownAssessment,
        Self::QuotaReached,
    ];

    /// The rejection that a sealed reply's status names.
    pub(crate) fn from_status(word: &str) -> Option<Self> {
        Self::SEALED.into_iter().find(|rejection| rejection.word() == word)
    }

    /// The word for programs. Its meaning never changes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::UnknownStudent => "unknown",
            Self::UnknownAssessment => "assessment",
            Self::TooLong => "too-long",
            Self::TooSlow => "too-slow",
            Self::TooMany => "too-many",
            Self::TooManyConnections => "connections",
            Self::Busy | Self::QuotaReached => "busy",
            Self::WrongAudience => "audience",
            Self::ClockSkew => "clock",
            Self::Replayed => "replayed",
            Self::UnknownCommand => "command",
        }
    }

    /// The text for people: what was seen and what to do.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.error.text(),
            Self::UnknownStudent => "no student has this ID",
            Self::UnknownAssessment => "this class has no such assessment; GG lists them",
            Self::TooLong => "the line is too long; the connection closes",
            Self::TooSlow => "the request was not complete in time; the connection closes",
            Self::TooMany => "too many requests a second; wait before the next",
            Self::TooManyConnections => {
                "too many connections from your network; close one, or try again later"
            }
            Self::Busy => "the server could not answer this request; send it again",
            Self::WrongAudience => "this server is for another course or term; check the audience",
            Self::ClockSkew => {
                "your clock and the server's clock differ too much; set your clock, and ask again"
            }
            Self::Replayed => "this request was answered before; ask with a new one",
            Self::UnknownCommand => UNKNOWN_COMMAND,
            Self::QuotaReached => "too many requests at once; ask again in some minutes",
        }
    }
}

/// A line that is not a request. It carries the line's length and never its text, which could be a
/// key typed in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedLine {
    /// What is wrong.
    pub error: LineError,
    /// The line's length in bytes, without its line end.
    pub bytes: usize,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// Bytes that are not UTF-8.
    NotText,
    /// A control character, such as NUL or a carriage return inside the line.
    ControlCharacter,
    /// The first word is not a student ID.
    BadId,
    /// A student ID and nothing else.
    NoCommand,
    /// `AVG` or `STATS` without the name of an assessment.
    NoAssessment,
    /// The second word is not a command.
    UnknownCommand,
    /// A request in clear, where only sealed requests are answered.
    NotSealed,
    /// A sealed request, where requests in clear are answered.
    Sealed,
}

impl LineError {
    /// What is wrong and what to send instead.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotText => "the line is not UTF-8 text",
            Self::ControlCharacter => "the line holds a control character",
            Self::BadId => "the line does not begin with a student ID; send: ID COMMAND",
            Self::NoCommand => "no command after the student ID; send: ID COMMAND",
            Self::NoAssessment => "AVG and STATS need an assessment; send: ID AVG ASSESSMENT",
            Self::UnknownCommand => UNKNOWN_COMMAND,
            Self::Sealed => {
                "this server answers requests in clear; ask with grade-client without --sealed"
            }
            Self::NotSealed => {
                "this server answers sealed requests only; ask with grade-client --sealed AUDIENCE, or \
                 send: ID TOKEN (docs/PROTOCOL.md, section 8)"
            }
        }
    }
}

impl fmt::Display for MalformedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.bytes == 1 { "byte" } else { "bytes" };
        write!(f, "{} ({} {unit})", self.error.text(), self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_line_is_described_by_its_length() {
        let line = |bytes| MalformedLine { error: LineError::BadId, bytes }.to_string();
        let text = LineError::BadId.text();
        assert_eq!(line(1), format!("{text} (1 byte)"));
        assert_eq!(line(2), format!("{text} (2 bytes)"));
    }

    #[test]
    fn the_status_of_a_sealed_reply_names_its_rejection() {
        for rejection in Rejection::SEALED {
            assert_eq!(Rejection::from_status(rejection.word()), Some(rejection));
        }
        assert_eq!(Rejection::from_status("ok"), None);
    }
}
