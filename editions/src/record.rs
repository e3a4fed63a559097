//! What is known of an edition beside its content.

use fernet_batch::Timestamp;
use gradebook::EditionNumber;
use serde::{Deserialize, Serialize};

/// What is known of an edition beside its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditionRecord {
    /// The number.
    #[serde(with = "number")]
    pub edition: EditionNumber,
    /// The edition before it; absent for the first one.
    #[serde(with = "optional_number")]
    pub parent: Option<EditionNumber>,
    /// When it was published, in seconds since 1970.
    #[serde(with = "seconds")]
    pub time: Timestamp,
    /// What published it.
    pub by: PublishedBy,
    /// Who published it, if a person did: the name of the system's user.
    pub who: Option<String>,
    /// The edition whose content it repeats, after a rollback.
    #[serde(with = "optional_number")]
    pub of: Option<EditionNumber>,
    /// The number of students.
    pub students: usize,
    /// The number of assessments, also of those that students do not see yet.
    pub assessments: usize,
    /// The number of marks that are not blank.
    pub marks: usize,
    /// The number of marks on hold.
    pub on_hold: usize,
    /// The digest of the content, in hexadecimal digits.
    pub digest: String,
    /// When the class file was exported, in seconds since 1970, if it says so.
    pub exported_at: Option<u64>,
    /// The file that is left alone until it changes, since this edition took the place of its content.
    pub left: Option<LeftFile>,
}

/// A class file that is not published until it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftFile {
    /// The digest of its content, in hexadecimal digits.
    pub digest: String,
    /// A digest of its bytes.
    pub bytes: String,
    /// Why it is left alone.
    pub why: LeftBecause,
}

/// Why a class file is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftBecause {
    /// An earlier edition was published again.
    RolledBack,
    /// Another file was published.
    Replaced,
}

impl LeftFile {
    /// Returns true if a file with this content, or with these bytes, has not changed since.
    pub fn is(&self, digest: &str, bytes: &str) -> bool {
        self.digest == digest || self.bytes == bytes
    }
}

impl PublishedBy {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Command => "command",
            Self::Rollback => "rollback",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Import => "import",
        }
    }
}

/// What published an edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishedBy {
    /// A file that was saved.
    Save,
    /// The command `publish`.
    Command,
    /// The command `rollback`.
    Rollback,
    /// A mark that was put on hold, or an assessment that was withdrawn.
    Hold,
    /// The moment of an assessment's release.
    Release,
    /// A state file of an earlier version.
    Import,
}

mod number {
    use gradebook::EditionNumber;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        number: &EditionNumber,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        number.0.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<EditionNumber, D::Error> {
        u64::deserialize(deserializer).map(EditionNumber)
    }
}

mod optional_number {
    use gradebook::EditionNumber;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        number: &Option<EditionNumber>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        number.map(|number| number.0).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<EditionNumber>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(EditionNumber))
    }
}

mod seconds {
    use fernet_batch::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.0.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        u64::deserialize(deserializer).map(Timestamp)
    }
}
