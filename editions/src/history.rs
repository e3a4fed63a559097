//! The history of a class: a folder with a file for each edition, and the journal.
//!
//! An edition is published when its file is complete and its line stands in the journal. A process that is
//! killed between the two leaves a file without a line: the next one adds the line. One server holds the
//! lock; it ends with the process.

mod error;
mod files;
mod folder;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use gradebook::EditionNumber;
use tempfile::NamedTempFile;

use crate::edition_file::StoredEdition;
use crate::journal::{Entry, Journal};
use crate::record::{EditionRecord, LeftFile};
pub use error::HistoryError;
use error::io_error;
use files::{edition_files, edition_path, follows, parse_journal, read_edition, unjournaled};
use folder::{
    DRAFT, JOURNAL, check_new, give_to_owner_of, make_folder, open_journal, read_journal,
    remove_drafts,
};

/// A history that this process may write.
pub struct History {
    folder: PathBuf,
    /// The most editions whose files are kept.
    editions_max: usize,
    journal: Journal,
    /// Locked as long as this history is open.
    journal_file: File,
}

/// What was repaired when a history was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// So many bytes at the end of the journal were a line that was never complete.
    Cut(usize),
    /// The edition was published, and its line was missing.
    Adopted(EditionNumber),
    /// The file of the edition was removed, and the line that says so was missing.
    Pruned(EditionNumber),
}

/// What was found in a history that was looked at.
pub struct CheckedHistory {
    /// The current edition; `None` if nothing was published.
    pub current: Option<StoredEdition>,
    /// Whether another process has the history now. It may be publishing the next edition.
    pub is_in_use: bool,
}

impl History {
    /// Opens the history in a folder, which is made if it does not exist, and repairs what a killed process
    /// left behind. It keeps the files of `editions_max` editions.
    ///
    /// # Errors
    /// Returns an error if another server has it, or a file in it was changed.
    pub fn open(folder: &Path, editions_max: usize) -> Result<(Self, Vec<Repair>), HistoryError> {
        make_folder(folder)?;
        let (journal_file, bytes) = open_journal(folder)?;
        remove_drafts(folder)?;
        let journal = parse_journal(folder, &bytes)?;
        let folder = folder.to_owned();
        let mut history = Self { folder, editions_max, journal, journal_file };
        let mut repairs = Vec::new();
        let cut = bytes.len().saturating_sub(history.journal.bytes);
        if cut > 0 {
            history.cut_journal()?;
            repairs.push(Repair::Cut(cut));
        }
        history.adopt(&mut repairs)?;
        history.note_pruned(&mut repairs)?;
        Ok((history, repairs))
    }

    /// Checks that a history can be opened, and changes nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`read`](Self::read), but for a history that another process has.
    pub fn check(folder: &Path) -> Result<CheckedHistory, HistoryError> {
        let Some((bytes, is_in_use)) = read_journal(folder)? else {
            check_new(folder)?;
            return Ok(CheckedHistory { current: None, is_in_use: false });
        };
        let journal = parse_journal(folder, &bytes)?;
        let last = journal.published().last().map(|record| record.edition);
        let adopted = unjournaled(folder, &journal)?.last().map(|record| record.edition);
        let current = adopted.or(last);
        let read = |edition| read_edition(edition_path(folder, edition));
        Ok(CheckedHistory { current: current.map(read).transpose()?, is_in_use })
    }

    /// The editions that were published, the oldest first; the files of the oldest may be gone.
    pub fn records(&self) -> impl Iterator<Item = &EditionRecord> {
        self.journal.published()
    }

    /// The editions whose files are kept, the oldest first.
    pub fn kept(&self) -> impl Iterator<Item = &EditionRecord> {
        self.records().filter(|record| !self.journal.is_pruned(record.edition))
    }

    /// The edition that was published last.
    pub fn current(&self) -> Option<&EditionRecord> {
        self.records().last()
    }

    /// The number of the next edition.
    pub fn next_number(&self) -> EditionNumber {
        self.current().map_or(EditionNumber(1), |current| current.edition.next())
    }

    /// Reads an edition.
    ///
    /// # Errors
    /// Returns an error if there is no such edition, or its file is gone or damaged.
    pub fn read(&self, edition: EditionNumber) -> Result<StoredEdition, HistoryError> {
        let record = self.records().find(|record| record.edition == edition);
        let record = record.ok_or(HistoryError::Unknown(edition))?;
        if self.journal.is_pruned(edition) {
            return Err(HistoryError::Pruned(edition));
        }
        let stored = read_edition(self.path(edition))?;
        if stored.record != *record {
            return Err(HistoryError::Damaged(self.path(edition)));
        }
        Ok(stored)
    }

    /// Publishes an edition, which must have the [next number](Self::next_number). It is on disk when this
    /// returns.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be written; then nothing was published.
    pub fn publish(&mut self, edition: &StoredEdition) -> Result<(), HistoryError> {
        let number = edition.record.edition;
        let path = self.path(number);
        let last = self.current().map(|current| current.edition);
        if !follows(&edition.record, last) {
            return Err(HistoryError::Unrelated { path, last: last.unwrap_or_default() });
        }
        self.check_journal()?;
        self.write_file(&path, edition).map_err(|error| io_error(&path, error))?;
        if let Err(error) = self.append(Entry::Published(edition.record.clone())) {
            // Without its line the edition is not published; a file that stays would be adopted.
            drop(fs::remove_file(&path));
            return Err(error);
        }
        Ok(())
    }

    /// Removes the files of the oldest editions, if there are more than are kept. Their lines in the journal
    /// stay. Returns their numbers.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be written; then the next call removes them.
    pub fn prune(&mut self) -> Result<Vec<EditionNumber>, HistoryError> {
        let kept: Vec<_> = self.kept().map(|record| record.edition).collect();
        let too_many = kept.len().saturating_sub(self.editions_max);
        let oldest: Vec<_> = kept.into_iter().take(too_many).collect();
        for edition in &oldest {
            self.append(Entry::Pruned(edition.0))?;
            let path = self.path(*edition);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(io_error(&path, error));
                }
                _ => {}
            }
        }
        Ok(oldest)
    }

    /// The class file that is left alone until it changes.
    pub fn left(&self) -> Option<&LeftFile> {
        self.journal.left()
    }

    /// Notes that the class file that was left alone has changed.
    ///
    /// # Errors
    /// Returns an error if the journal cannot be written.
    pub fn file_changed(&mut self) -> Result<(), HistoryError> {
        self.append(Entry::FileChanged)
    }

    /// Checks that the journal is the file that was opened, as long as it was left: what is appended to a file that
    /// was removed or replaced is lost.
    fn check_journal(&self) -> Result<(), HistoryError> {
        let path = self.folder.join(JOURNAL);
        let opened = self.journal_file.metadata().map_err(|error| io_error(&path, error))?;
        let bytes = u64::try_from(self.journal.bytes).unwrap_or(u64::MAX);
        let is_same = path.metadata().is_ok_and(|found| {
            (found.dev(), found.ino(), found.len()) == (opened.dev(), opened.ino(), bytes)
        });
        if is_same { Ok(()) } else { Err(HistoryError::Replaced(path)) }
    }

    fn path(&self, edition: EditionNumber) -> PathBuf {
        edition_path(&self.folder, edition)
    }

    fn write_file(&self, path: &Path, edition: &StoredEdition) -> io::Result<()> {
        let mut draft = NamedTempFile::with_prefix_in(DRAFT, &self.folder)?;
        draft.write_all(&edition.to_bytes()?)?;
        give_to_owner_of(&self.folder, |uid, gid| fchown(draft.as_file(), uid, gid))?;
        draft.as_file().sync_all()?;
        draft.persist_noclobber(path).map_err(|error| error.error)?;
        // A file whose name may be lost must not be found later.
        self.sync_folder().inspect_err(|_| drop(fs::remove_file(path)))
    }

    /// Makes new and removed names survive a loss of power.
    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn append(&mut self, entry: Entry) -> Result<(), HistoryError> {
        let path = self.folder.join(JOURNAL);
        let line = self.journal.line(&entry);
        let (line, digest) = line.map_err(|error| io_error(&path, error.into()))?;
        let appended =
            self.journal_file.write_all(&line).and_then(|()| self.journal_file.sync_data());
        if let Err(error) = appended {
            // A part of the line may be there.
            drop(self.cut_journal());
            return Err(io_error(&path, error));
        }
        self.journal.appended(entry, digest, line.len());
        Ok(())
    }

    /// Removes what stands behind the last complete line.
    fn cut_journal(&self) -> Result<(), HistoryError> {
        let bytes = u64::try_from(self.journal.bytes).unwrap_or(u64::MAX);
        let cut = self.journal_file.set_len(bytes).and_then(|()| self.journal_file.sync_all());
        cut.map_err(|error| io_error(&self.folder.join(JOURNAL), error))
    }

    /// Adds the lines of editions whose files are complete, and removes the files of those that are no
    /// longer kept.
    fn adopt(&mut self, repairs: &mut Vec<Repair>) -> Result<(), HistoryError> {
        for (number, path) in edition_files(&self.folder)? {
            if self.journal.is_pruned(number) {
                fs::remove_file(&path).map_err(|error| io_error(&path, error))?;
            }
        }
        for record in unjournaled(&self.folder, &self.journal)? {
            let number = record.edition;
            self.append(Entry::Published(record))?;
            repairs.push(Repair::Adopted(number));
        }
        Ok(())
    }

    /// Adds the lines of the oldest editions whose files were removed, where a journal has lost its end.
    fn note_pruned(&mut self, repairs: &mut Vec<Repair>) -> Result<(), HistoryError> {
        let kept: Vec<_> = self.kept().map(|record| record.edition).collect();
        let older = kept.len().saturating_sub(1);
        let oldest = kept.into_iter().take(older);
        let removed: Vec<_> = oldest.take_while(|edition| !self.path(*edition).exists()).collect();
        for edition in removed {
            self.append(Entry::Pruned(edition.0))?;
            repairs.push(Repair::Pruned(edition));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
