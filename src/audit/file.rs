//! The audit log's file: opening it, appending to it, and cutting off what could not be written whole.
//!
//! A pipe or a device may take the place of a regular file. It differs in three ways, which stand
//! here and nowhere else: it has no head, it is not locked, and what was written to it cannot be
//! removed ([`AuditFile::truncate_end`]).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, fcntl_setfl};

use super::head::{head_path, read_head, write_head};
use super::record::{ChainHead, Record};
use crate::files::private_file::check_folder;
use crate::redact::show_path;

/// The bytes at the end of a file in which its last record is searched. A record is much shorter.
const TAIL_BYTES_MAX: u64 = 64 * 1024;

/// A file that is open for appending records.
pub(super) struct AuditFile {
    file: File,
    /// The head beside a regular file; `None` for a pipe or a device.
    head: Option<File>,
    identity: (u64, u64),
}

/// A file that was opened, and what was found in it.
pub(super) struct Found {
    pub(super) file: AuditFile,
    /// Whether it was empty.
    pub(super) is_new: bool,
    /// The record that the next one follows.
    pub(super) last: ChainHead,
    /// The bytes of an unfinished record that were removed.
    pub(super) truncated_bytes: u64,
    /// The number of records that the head counts and the file does not have.
    pub(super) missing: u64,
    /// The number of records at its end that the head does not count.
    pub(super) uncounted: u64,
}

/// Why a file cannot take records, with its path.
#[derive(Debug, thiserror::Error)]
#[error("{} (audit.file): {error}", show_path(path))]
pub struct OpenError {
    path: PathBuf,
    error: OpenErrorKind,
}

#[derive(Debug, thiserror::Error)]
enum OpenErrorKind {
    #[error("cannot be opened: {0}")]
    Io(#[from] io::Error),
    #[error("another server writes its audit log there; give each server its own file")]
    Locked,
    #[error("does not end with a record of an audit log; name another file, or move this one away")]
    Foreign,
}

impl OpenError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), error: error.into() }
    }
}

impl AuditFile {
    /// Opens a file, or creates one that only its owner can read, and finds its last record.
    pub(super) fn open(path: &Path) -> Result<Found, OpenError> {
        Self::open_with_head(path, None).map_err(|error| OpenError { path: path.to_owned(), error })
    }

    /// Checks that a file can be opened by [`open`](Self::open), and changes nothing.
    pub(super) fn check(path: &Path) -> Result<(), OpenError> {
        Self::check_path(path).map_err(|error| OpenError { path: path.to_owned(), error })
    }

    fn check_path(path: &Path) -> Result<(), OpenErrorKind> {
        for path in [path, &head_path(path)] {
            let Ok(metadata) = path.metadata() else {
                check_folder(path)?;
                continue;
            };
            // A FIFO without a reader, and a folder, cannot be opened either.
            let mut options = OpenOptions::new();
            options.append(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
            let file = options.open(path)?;
            if metadata.is_file() {
                lock(&file)?;
            }
        }
        if path.metadata().is_ok_and(|metadata| metadata.is_file()) {
            read_tail(&mut File::open(path)?)?;
            if let Ok(head) = File::open(head_path(path)) {
                read_head(&head)?;
            }
        }
        Ok(())
    }

    /// Opens the file that has this path now, to continue in it; `None` if it is not empty.
    pub(super) fn next(&self, path: &Path) -> Result<Option<Self>, OpenError> {
        let found = Self::open_with_head(path, self.head.as_ref())
            .map_err(|error| OpenError { path: path.to_owned(), error })?;
        Ok(found.is_new.then_some(found.file))
    }

    /// Opens a file. `head` is its head, if that is open already.
    fn open_with_head(path: &Path, head: Option<&File>) -> Result<Found, OpenErrorKind> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        // Opening must not wait for a FIFO's reader, nor make a terminal ours. Writing may wait.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let is_regular = path.metadata().map_or(true, |metadata| metadata.is_file());
        let mut file = options.read(is_regular).open(path)?;
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        fcntl_setfl(&file, OFlags::APPEND).map_err(io::Error::from)?;
        if !metadata.is_file() {
            let file = Self { file, head: None, identity };
            let last = ChainHead::genesis();
            return Ok(Found {
                file,
                is_new: true,
                last,
                truncated_bytes: 0,
                missing: 0,
                uncounted: 0,
            });
        }
        lock(&file)?;
        let head = match head {
            Some(head) => head.try_clone()?,
            None => {
                // The head stays in its place when the file is moved, so that it keeps other servers
                // out.
                let head = options.read(true).append(false).write(true).open(head_path(path))?;
                lock(&head)?;
                head
            }
        };
        let headed = read_head(&head)?;
        let Tail { last: written, unfinished_bytes: truncated_bytes } = read_tail(&mut file)?;
        if truncated_bytes > 0 {
            file.set_len(file.metadata()?.len().saturating_sub(truncated_bytes))?;
        }
        let is_new = written.is_none();
        let missing = sequence(headed.as_ref()).saturating_sub(sequence(written.as_ref()));
        let uncounted = sequence(written.as_ref()).saturating_sub(sequence(headed.as_ref()));
        let last = match (written, headed) {
            // The head is written after its record, so it may be behind. A head that is ahead counts
            // records that are gone, and they will be missed.
            (Some(written), Some(headed)) if headed.sequence < written.sequence => written,
            (_, Some(headed)) => headed,
            (written, None) => written.unwrap_or_else(ChainHead::genesis),
        };
        let file = Self { file, head: Some(head), identity };
        Ok(Found { file, is_new, last, truncated_bytes, missing, uncounted })
    }

    /// Returns true if the file is the one that has this path now.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity)
    }

    /// Appends as much of the text as the system takes at once.
    pub(super) fn append(&mut self, text: &[u8]) -> io::Result<usize> {
        self.file.write(text)
    }

    /// Removes bytes from the end. Returns false if they stay, as they always do in a pipe or a device.
    pub(super) fn truncate_end(&self, bytes: usize) -> bool {
        if self.head.is_none() {
            return false;
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        bytes == 0 || self.cut(bytes).is_ok()
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(self.file.metadata()?.len().saturating_sub(bytes))
    }

    /// Writes to the head which record is the last one.
    pub(super) fn write_head(&self, last: &ChainHead) {
        if let Some(head) = &self.head {
            write_head(head, last);
        }
    }

    /// Makes what was written survive a loss of power.
    pub(super) fn sync(&self) {
        drop(self.file.sync_data());
    }
}

fn sequence(head: Option<&ChainHead>) -> u64 {
    head.map_or(0, |head| head.sequence)
}

/// Keeps other servers out.
fn lock(file: &File) -> Result<(), OpenErrorKind> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenErrorKind::Locked),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The end of a file.
struct Tail {
    /// The last record.
    last: Option<ChainHead>,
    /// The bytes behind it without a line end: the beginning of a record that was never finished.
    unfinished_bytes: u64,
}

fn read_tail(file: &mut File) -> Result<Tail, OpenErrorKind> {
    let bytes = file.seek(SeekFrom::End(0))?;
    let start = bytes.saturating_sub(TAIL_BYTES_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut tail)?;
    let lines_end = memchr::memrchr(b'\n', &tail).map_or(0, |end| end + 1);
    let (lines, unfinished) = tail.split_at_checked(lines_end).unwrap_or_default();
    let mut last = None;
    if let Some(lines) = lines.strip_suffix(b"\n") {
        let line = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let record = Record::parse(line).map_err(|_| OpenErrorKind::Foreign)?;
        last = Some(record.chain_head());
    }
    // Nothing is removed that cannot be the beginning of a record.
    if !may_be_unfinished(unfinished) {
        return Err(OpenErrorKind::Foreign);
    }
    let unfinished_bytes = u64::try_from(unfinished.len()).unwrap_or(u64::MAX);
    Ok(Tail { last, unfinished_bytes })
}

/// Returns true if bytes may be an unfinished record: its beginning, or the zeros that some file
/// systems leave in its place after a loss of power.
pub(super) fn may_be_unfinished(bytes: &[u8]) -> bool {
    const BEGINNING: &[u8] = br#"{"sequence":"#;
    let begins_a_record = bytes.iter().zip(BEGINNING).all(|(byte, expected)| byte == expected);
    begins_a_record || bytes.iter().all(|byte| *byte == 0)
}
