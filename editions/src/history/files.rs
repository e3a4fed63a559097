//! The files of editions, and which of them the journal does not have yet.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use gradebook::EditionNumber;

use super::error::{HistoryError, io_error};
use super::folder::{FILE_BYTES_MAX, JOURNAL, entries};
use crate::edition_file::StoredEdition;
use crate::journal::{BrokenLine, Journal};
use crate::record::EditionRecord;

const EXTENSION: &str = "edition";

pub(super) fn parse_journal(folder: &Path, bytes: &[u8]) -> Result<Journal, HistoryError> {
    let path = folder.join(JOURNAL);
    Journal::read(bytes).map_err(|BrokenLine(line)| HistoryError::BrokenJournal { path, line })
}

/// The editions whose files are complete and follow the last line of the journal.
pub(super) fn unjournaled(
    folder: &Path,
    journal: &Journal,
) -> Result<Vec<EditionRecord>, HistoryError> {
    let mut last = journal.published().last().map(|record| record.edition);
    let mut records = Vec::new();
    for (number, path) in edition_files(folder)? {
        if journal.is_pruned(number) || Some(number) <= last {
            continue;
        }
        let record = read_edition(path.clone())?.record;
        if record.edition != number || !follows(&record, last) {
            let last = last.unwrap_or_default();
            return Err(HistoryError::Unrelated { path, last });
        }
        last = Some(number);
        records.push(record);
    }
    Ok(records)
}

/// Returns true if an edition follows the last one.
pub(super) fn follows(record: &EditionRecord, last: Option<EditionNumber>) -> bool {
    record.parent == last && record.edition > last.unwrap_or_default()
}

/// The files of editions, by number.
pub(super) fn edition_files(
    folder: &Path,
) -> Result<BTreeMap<EditionNumber, PathBuf>, HistoryError> {
    let mut files = BTreeMap::new();
    for path in entries(folder)? {
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if path.extension().is_some_and(|extension| extension == EXTENSION)
            && let Some(number) = number
        {
            files.insert(EditionNumber(number), path);
        }
    }
    Ok(files)
}

pub(super) fn edition_path(folder: &Path, edition: EditionNumber) -> PathBuf {
    folder.join(format!("{:010}.{EXTENSION}", edition.0))
}

pub(super) fn read_edition(path: PathBuf) -> Result<StoredEdition, HistoryError> {
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(HistoryError::Missing(path));
        }
        Err(error) => return Err(io_error(&path, error)),
    }
    StoredEdition::from_bytes(&bytes).map_err(|_| HistoryError::Damaged(path))
}
