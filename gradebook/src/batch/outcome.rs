//! How requests end.

use crate::request::Rejection;

/// How one request ended, for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A token with the answer was sent.
    Answered,
    /// A token was sent whose text states why there is no answer.
    Declined(Rejection),
    /// A token that nobody can open was sent.
    Decoy,
    /// An `ERR` line was sent.
    Rejected(Rejection),
    /// Nothing was sent, and the connection ends.
    Silence,
}

impl Outcome {
    /// The word for programs. Its meaning never changes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Declined(rejection) | Self::Rejected(rejection) => rejection.word(),
            Self::Decoy => "decoy",
            Self::Silence => "silence",
        }
    }
}
