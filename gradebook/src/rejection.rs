//! Why a request gets no grade: what may be said of it, to the one who sent it and to a log.

use std::fmt;

/// The reason for an `ERR` line in place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The line is no request.
    Malformed(MalformedLine),
    /// No student has this ID.
    UnknownStudent,
    /// The class has no such assessment.
    NoAssessment,
    /// The line is longer than a line may be; the connection ends.
    TooLong,
    /// The request was not whole in time; the connection ends.
    TooSlow,
    /// The source asks more requests a second than it may.
    TooMany,
    /// A part of the server failed on this request; it has been restarted.
    Busy,
}

impl Rejection {
    /// The word for programs. Its meaning never changes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::UnknownStudent => "unknown",
            Self::NoAssessment => "assessment",
            Self::TooLong => "too-long",
            Self::TooSlow => "too-slow",
            Self::TooMany => "too-many",
            Self::Busy => "busy",
        }
    }

    /// The text for people: what was seen and what to do.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.error.text(),
            Self::UnknownStudent => "no student has this ID",
            Self::NoAssessment => "this class has no such assessment; GG lists them",
            Self::TooLong => "the line is too long; the connection closes",
            Self::TooSlow => "the request was not complete in time; the connection closes",
            Self::TooMany => "too many requests a second; wait before the next",
            Self::Busy => "the server could not answer this request; send it again",
        }
    }
}

/// A line that could not be understood. It carries what may be told of it: never its text, which
/// could be a key typed in the wrong place.
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
    /// A control character, be it NUL or a carriage return inside the line.
    ControlCharacter,
    /// The first word is no student ID.
    BadId,
    /// A student ID and nothing else.
    NoCommand,
    /// `AVG` without the name of an assessment.
    NoAssessment,
    /// The second word is no command.
    UnknownCommand,
    /// The line is no sealed request, where no others are answered.
    NotSealed,
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
            Self::NotSealed => {
                "this server answers sealed requests only; send: ID TOKEN, as docs/PROTOCOL.md has it"
            }
            Self::UnknownCommand => {
                "unknown command; known: GG GMA GEA GL1A GL2A GL3A GL4A AVG STATS REPORT"
            }
        }
    }
}

impl fmt::Display for MalformedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.error.text(), self.bytes)
    }
}
