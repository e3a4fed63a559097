//! The journal: what happened in a history, a line each, in order.
//!
//! ```text
//! <SHA-256 of the line before and of this entry, 64 hexadecimal digits> <entry in JSON>\n
//! ```
//!
//! A line is appended in one write and synced. A line without its end was being written when the process
//! was killed: it is removed. Any other line that does not follow from the one before was changed, and the
//! journal is refused.

use gradebook::EditionNumber;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::content::ContentDigest;
use crate::record::{EditionRecord, LeftFile};

/// What the first line follows from.
const ORIGIN: &str = "grade-actor-server journal 1";

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Entry {
    /// An edition was published. Its file is complete.
    Published(EditionRecord),
    /// The file that the current edition leaves alone has changed.
    FileChanged,
    /// The file of an edition is removed.
    Pruned(u64),
}

/// A journal as it was read.
pub(crate) struct Journal {
    pub(crate) entries: Vec<Entry>,
    /// The digest of the last line.
    last: String,
    /// The bytes of the lines that are complete.
    pub(crate) bytes: usize,
}

/// A line does not follow from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenLine(pub(crate) usize);

impl Journal {
    /// Reads the lines that are complete.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, BrokenLine> {
        let mut journal =
            Self { entries: Vec::new(), last: digest("", ORIGIN.as_bytes()), bytes: 0 };
        let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in bytes.get(..complete).unwrap_or_default().split_inclusive(|byte| *byte == b'\n')
        {
            let broken = BrokenLine(journal.entries.len() + 1);
            let (entry, digest) = journal.parse(line).ok_or(broken)?;
            journal.entries.push(entry);
            journal.last = digest;
            journal.bytes += line.len();
        }
        Ok(journal)
    }

    fn parse(&self, line: &[u8]) -> Option<(Entry, String)> {
        let (line_end, line) = line.split_last()?;
        let (found, rest) = line.split_at_checked(64)?;
        let (blank, json) = rest.split_first()?;
        let expected = digest(&self.last, json);
        if *line_end != b'\n' || *blank != b' ' || found != expected.as_bytes() {
            return None;
        }
        Some((serde_json::from_slice(json).ok()?, expected))
    }

    /// The line of an entry, which follows from the last one.
    pub(crate) fn line(&self, entry: &Entry) -> serde_json::Result<(Vec<u8>, String)> {
        let json = serde_json::to_vec(entry)?;
        let digest = digest(&self.last, &json);
        let mut line = Vec::with_capacity(66 + json.len());
        line.extend_from_slice(digest.as_bytes());
        line.push(b' ');
        line.extend_from_slice(&json);
        line.push(b'\n');
        Ok((line, digest))
    }

    /// Notes that a line was appended.
    pub(crate) fn appended(&mut self, entry: Entry, digest: String, bytes: usize) {
        self.entries.push(entry);
        self.last = digest;
        self.bytes += bytes;
    }

    /// The editions that were published, the oldest first.
    pub(crate) fn published(&self) -> impl Iterator<Item = &EditionRecord> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Published(record) => Some(record),
            _ => None,
        })
    }

    /// The file that is left alone now.
    pub(crate) fn left(&self) -> Option<&LeftFile> {
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Published(record) => Some(record.left.as_ref()),
            Entry::FileChanged => Some(None),
            Entry::Pruned(_) => None,
        })?
    }

    /// Returns true if the file of an edition was removed.
    pub(crate) fn is_pruned(&self, edition: EditionNumber) -> bool {
        self.entries.contains(&Entry::Pruned(edition.0))
    }
}

fn digest(last: &str, json: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(last.as_bytes());
    hasher.update(json);
    ContentDigest(hasher.finalize().into()).to_string()
}
