//! Why there is no answer: the text, a word for programs, and the exit code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::keys::KeysError;
use crate::redact::nearest;
use fernet_batch::{NoRandomness, Timestamp};
use gradebook::sealed::InvalidField;
use gradebook::{COMMANDS, EditionNumber, LineError, Rejection};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// There is no connection.
    #[error("cannot connect to {address}: {error}")]
    NotConnected {
        /// The server's address.
        address: String,
        /// The system's text.
        error: String,
    },
    /// The server rejected the request.
    #[error("refused by the server: {text} ({word})")]
    Refused {
        /// The server's word for programs.
        word: String,
        /// The server's text for people.
        text: String,
    },
    /// The server rejected the request for its time.
    #[error(
        "refused by the server: {}; the server's clock says {server} (clock)",
        Rejection::ClockSkew.text()
    )]
    ClockSkew {
        /// The server's time.
        server: Timestamp,
    },
    /// The command is unknown, so nothing was sent.
    #[error("{}", command_error_text(*.error, .text))]
    UnknownCommand {
        /// What is wrong with it.
        error: LineError,
        /// The command as it was typed.
        text: String,
    },
    /// The server closed the connection instead of answering.
    #[error("closed without an answer; the server does so when it does not know the student ID")]
    Closed,
    /// The server closed the connection instead of answering a sealed request.
    #[error("closed without an answer: the server may be stopping; ask again")]
    ClosedSealed,
    /// What stands for a student ID is none, so nothing was sent. It may be a key, and is not shown.
    #[error(
        "the student ID has a character that no ID has, or is too long; an ID has 1 to 64 characters A-Z a-z 0-9 . _ @ -"
    )]
    BadId,
    /// A line of a script is not a request.
    #[error("is not ID COMMAND; with --id, a command alone is enough")]
    BadLine,
    /// There is no key for the student.
    #[error("{0}")]
    NoKey(#[from] KeysError),
    /// The connection broke before the answer was complete.
    #[error("the connection was lost before the answer was complete")]
    Lost,
    /// The answer did not come in time.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    /// The answer is not a token.
    #[error("the answer is not a token; is this a grade server?")]
    NotAToken,
    /// The answer cannot be opened.
    #[error(
        "the answer cannot be opened with this key: the key belongs to another student, or the answer \
         was changed on its way"
    )]
    WrongKey,
    /// The answer was made too long ago: it may be a recorded one.
    #[error(
        "the answer is not to be trusted: it is {} old, more than --max-age {}",
        humantime::format_duration(*.age),
        humantime::format_duration(*.age_max)
    )]
    TooOld {
        /// Its age.
        age: Duration,
        /// The greatest age allowed.
        age_max: Duration,
    },
    /// The answer was made in the future: one of the clocks is wrong.
    #[error(
        "the answer is not to be trusted: it was made at {time}, in the future; check both clocks"
    )]
    FromTheFuture {
        /// Its time.
        time: Timestamp,
    },
    /// The answer belongs to another request.
    #[error("the answer is not to be trusted: it answers another request")]
    Mismatched,
    /// The answer comes from an older edition than one that has been seen.
    #[error(
        "the answer is not to be trusted: it comes from edition {}, and edition {} has been seen already{}",
        edition.0,
        seen.0,
        recorded_in(file.as_deref())
    )]
    Stale {
        /// The answer's edition.
        edition: EditionNumber,
        /// The newest edition seen.
        seen: EditionNumber,
        /// Where it is recorded.
        file: Option<PathBuf>,
    },
    /// The request cannot be sealed.
    #[error("the request cannot be sealed: {0}")]
    InvalidField(#[from] InvalidField),
    /// A request needs random bytes.
    #[error("{0}")]
    NoRandomness(#[from] NoRandomness),
    /// The answer has no end.
    #[error("the answer is not to be trusted: it is longer than {0} bytes")]
    TooLong(usize),
}

impl ClientError {
    /// The program's exit code.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. }
            | Self::ClockSkew { .. }
            | Self::UnknownCommand { .. }
            | Self::Closed
            | Self::ClosedSealed => 1,
            Self::BadId | Self::BadLine | Self::NoKey(_) | Self::InvalidField(_) => 2,
            Self::NotConnected { .. } | Self::Lost | Self::TimedOut(_) | Self::NoRandomness(_) => 3,
            Self::NotAToken | Self::WrongKey => 4,
            Self::TooOld { .. }
            | Self::FromTheFuture { .. }
            | Self::Mismatched
            | Self::Stale { .. }
            | Self::TooLong(_) => 5,
        }
    }

    /// The word for programs, which is the server's where the server rejected the request. Its meaning
    /// never changes.
    pub(super) fn word(&self) -> &str {
        match self {
            Self::NotConnected { .. } => "not-connected",
            Self::Refused { word, .. } => word,
            Self::ClockSkew { .. } => Rejection::ClockSkew.word(),
            Self::UnknownCommand { .. } => Rejection::UnknownCommand.word(),
            Self::BadId | Self::BadLine => "usage",
            Self::NoKey(_) => "no-key",
            Self::Closed | Self::ClosedSealed => "closed",
            Self::Lost => "lost",
            Self::TimedOut(_) => "timed-out",
            Self::NotAToken => "not-a-token",
            Self::WrongKey => "wrong-key",
            Self::TooOld { .. } => "too-old",
            Self::FromTheFuture { .. } => "from-the-future",
            Self::Mismatched => "mismatched",
            Self::Stale { .. } => "stale",
            Self::InvalidField(_) => "unsayable",
            Self::NoRandomness(_) => "no-randomness",
            Self::TooLong(_) => "too-long",
        }
    }

    /// Returns true if the next request may be answered: the server or the network is not well.
    pub(super) fn is_temporary(&self) -> bool {
        let words = [Rejection::TooMany, Rejection::TooManyConnections, Rejection::Busy];
        match self {
            Self::NotConnected { .. }
            | Self::ClosedSealed
            | Self::Lost
            | Self::TimedOut(_)
            | Self::NoRandomness(_) => true,
            Self::Refused { word, .. } => words.iter().any(|rejection| rejection.word() == word),
            _ => false,
        }
    }

    /// Returns true if the same request may be answered a little later.
    pub(super) fn asks_to_wait(&self) -> bool {
        matches!(self, Self::Refused { word, .. } if word == Rejection::TooMany.word())
    }

    /// Returns true if the connection can be used for another request.
    pub(super) const fn leaves_connection(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::ClockSkew { .. }
                | Self::UnknownCommand { .. }
                | Self::BadId
                | Self::BadLine
                | Self::NoKey(_)
                | Self::NotAToken
                | Self::WrongKey
                | Self::TooOld { .. }
                | Self::FromTheFuture { .. }
                | Self::Mismatched
                | Self::Stale { .. }
        )
    }
}

/// What to type instead. The server's texts name the ID too, which the client takes from elsewhere.
fn command_error_text(error: LineError, text: &str) -> String {
    let (word, _) = text.split_once(' ').unwrap_or((text, ""));
    match (error, nearest_command(word)) {
        (LineError::NoCommand, _) => {
            "no command; GG asks for your marks, and --help lists all commands".to_owned()
        }
        (LineError::NoAssessment, _) => {
            "AVG and STATS need an assessment, as in AVG Lab 1".to_owned()
        }
        (LineError::UnknownCommand, Some(nearest)) => {
            format!("{}; the nearest is {nearest}", error.text())
        }
        _ => error.text().to_owned(),
    }
}

/// The command that a mistyped word most likely means.
pub(super) fn nearest_command(word: &str) -> Option<&'static str> {
    nearest(&word.to_uppercase(), COMMANDS.iter().map(|spec| spec.word))
}

/// Where a newer edition is recorded, and what to do if the server was set back on purpose.
fn recorded_in(file: Option<&Path>) -> String {
    file.map_or_else(String::new, |file| {
        format!(
            " (recorded in {}; if your instructor says that editions begin anew, remove that file)",
            file.display()
        )
    })
}
