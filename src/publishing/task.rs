//! What the commands ask of the publisher, and its answers. They travel through the admin socket.

use serde::{Deserialize, Serialize};

use super::report::{DiffReport, EditionsReport};

/// What a command asks for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Task {
    /// What publishing would change.
    Diff {
        /// Whether each mark that changes is listed.
        marks: bool,
    },
    /// Publish.
    Publish(PublishOptions),
    /// The editions.
    Editions,
    /// Publish an earlier edition again.
    Rollback {
        /// Its number.
        edition: u64,
    },
    /// What a student reads.
    Preview {
        /// The student's ID.
        id: String,
        /// The command.
        command: String,
        /// Whether the class file counts, and not the current edition.
        staged: bool,
    },
}

/// How to publish.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct PublishOptions {
    /// Whether what looks wrong is published, too.
    pub(crate) accept: bool,
    /// The digest of the content that is meant.
    pub(crate) digest: Option<String>,
    /// The assessment whose marks are all drawn anew.
    pub(crate) redraw: Option<String>,
}

/// What was done.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Done {
    /// What publishing would change.
    Diff(DiffReport),
    /// An edition was published.
    Published {
        /// Its number.
        edition: u64,
    },
    /// There was nothing to publish.
    Nothing {
        /// The current edition.
        edition: Option<u64>,
    },
    /// Nothing was published, since the file looks wrong, or something must be confirmed.
    Unconfirmed {
        /// What publishing would change.
        report: DiffReport,
        /// What must be confirmed beside what looks wrong.
        questions: Vec<String>,
    },
    /// The editions.
    Editions(EditionsReport),
    /// What a student reads.
    Preview {
        /// The text.
        text: String,
        /// What the instructor should know.
        warnings: Vec<String>,
    },
}

/// Why a task failed, with what to do.
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{0}")]
pub(crate) struct TaskError(pub(crate) String);
