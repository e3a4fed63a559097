//! Why something cannot be published.

use editions::HistoryError;
use fernet_batch::NoRandomness;
use gradebook::RedrawError;

use super::book::BookError;
use super::checks::ClassError;
use crate::command_line::CommandLine;
use crate::files::load::ReadError;
use crate::files::state::StateError;
use crate::settings::{Settings, SettingsError};

/// Why something cannot be published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublisherError {
    /// The settings do not say where editions are kept.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The state file of an earlier version cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The class does not fit the limits.
    #[error(transparent)]
    Class(#[from] ClassError),
    /// The history cannot be read or written.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// An edition is not a book.
    #[error("{0}; restore gradebook.history from a backup")]
    Book(#[from] BookError),
    /// An assessment cannot be drawn again.
    #[error("{assessment:?} is not drawn again: {error}")]
    Redraw {
        /// The assessment.
        assessment: String,
        /// Why.
        error: RedrawError,
    },
    /// There is nothing to draw figures from.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Nothing was published yet, and saving publishes nothing.
    #[error(
        "no edition has been published yet, and gradebook.publish = \"on-command\"; look at the class file \
         with {}, and publish it with {}",
        .0.with("diff"), .0.with("publish")
    )]
    NoEdition(CommandLine),
}

impl PublisherError {
    /// Nothing was published yet with these settings.
    pub(super) fn no_edition(settings: &Settings) -> Self {
        Self::NoEdition(settings.command_line())
    }

    /// Returns true if the system refused something that it may not refuse later: the disk is full, for example.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::History(HistoryError::Io { .. }))
    }

    /// Returns true if another process has the history.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self, Self::History(HistoryError::Locked(_)))
    }
}
