//! A class file as it was read, before it is published.

use std::path::PathBuf;

use class_files::{KeyFile, ReadLimits};
use editions::{Content, LeftBecause, LeftFile};

use super::checks::oddities;
use crate::files::FileState;
use crate::files::load::{LoadedClass, ReadError, Sources, load_class};

/// A class file as it was read.
pub(crate) struct Candidate {
    /// What it says, with holds and moments of release from the course file.
    pub(crate) content: Content,
    /// The digest of the content.
    pub(crate) digest: String,
    /// A digest of the bytes of the class file.
    pub(crate) bytes: String,
    /// When it was exported, in seconds since 1970, if it says so.
    pub(crate) exported_at: Option<u64>,
    /// What the instructor should know of it.
    pub(crate) warnings: Vec<String>,
    /// Each file and the state in which it was read.
    pub(crate) files: Vec<(PathBuf, FileState)>,
}

/// The digest of the bytes of a class file, as a history has it.
pub(super) fn bytes_text(digest: u128) -> String {
    format!("{digest:032x}")
}

impl Candidate {
    /// Reads a class file and the course file. The students must be those of the key file.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or is invalid.
    pub(crate) fn read(
        sources: &Sources,
        keys: &KeyFile,
        limits: &ReadLimits,
    ) -> Result<Self, ReadError> {
        let loaded = load_class(sources, keys, limits)?;
        let LoadedClass { class, files, class_file, mut warnings, exported_at, .. } = loaded;
        warnings.extend(oddities(&class));
        let content = Content::of(&class);
        Ok(Self {
            digest: content.digest().to_string(),
            bytes: bytes_text(class_file),
            content,
            exported_at,
            warnings,
            files,
        })
    }

    /// The file, to be left alone until it changes.
    pub(super) fn left_alone(&self, why: LeftBecause) -> LeftFile {
        LeftFile { digest: self.digest.clone(), bytes: self.bytes.clone(), why }
    }
}
