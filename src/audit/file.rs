//! The audit's file, and beside it the head: which record is the last one.
//!
//! A chain shows by itself what was taken out of its middle, but not what was cut off its end. So the
//! number and the hash of the last record stand in a small file of their own, `FILE.head`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, fcntl_setfl};

use super::record::{ChainHead, Record};

/// The most bytes at the end of a file in which its last record is looked for. A record is shorter by
/// far.
const TAIL_BYTES_MAX: u64 = 64 * 1024;

/// AuditEvent the head is padded to, so that a new one overwrites all of the one before.
const HEAD_BYTES: usize = 128;

/// A file open for appending records.
pub(super) struct AuditFile {
    file: File,
    /// None beside what is no regular file.
    head: Option<File>,
    identity: (u64, u64),
}

/// A file that has been opened, and what was found in it.
pub(super) struct Found {
    pub(super) file: AuditFile,
    /// Whether nothing was in it.
    pub(super) is_new: bool,
    /// The record that the next one follows.
    pub(super) last: ChainHead,
    /// The bytes of an unfinished record that were removed.
    pub(super) truncated_bytes: u64,
    /// How many records were written, as the head tells, and are not there.
    pub(super) missing: u64,
}

/// Why a file cannot take records, with its path.
#[derive(Debug, thiserror::Error)]
#[error("{} (audit.file): {why}", path.display())]
pub struct OpenError {
    path: PathBuf,
    why: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("cannot be opened: {0}")]
    Io(#[from] io::Error),
    #[error("another server writes its audit there; give each a file of its own")]
    Taken,
    #[error("does not end with a record of an audit; name another file, or move this one away")]
    Foreign,
}

impl OpenError {
    pub(super) fn of(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), why: error.into() }
    }
}

impl AuditFile {
    /// Opens a file, or makes one that only its owner can read, and finds its last record.
    pub(super) fn open(path: &Path) -> Result<Found, OpenError> {
        Self::open_path(path, None).map_err(|why| OpenError { path: path.to_owned(), why })
    }

    /// Opens the file that has this path now, to go on in it; nothing, if there is something in it.
    pub(super) fn next(&self, path: &Path) -> Result<Option<Self>, OpenError> {
        let found = Self::open_path(path, self.head.as_ref());
        let found = found.map_err(|why| OpenError { path: path.to_owned(), why })?;
        Ok(found.is_new.then_some(found.file))
    }

    /// Opens a file beside a head that is open already, or opens that too.
    fn open_path(path: &Path, head: Option<&File>) -> Result<Found, Reason> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        // Opening must not wait for a FIFO's reader, nor make a terminal ours; writing may wait.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let regular = path.metadata().map_or(true, |metadata| metadata.is_file());
        let mut file = options.read(regular).open(path)?;
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        fcntl_setfl(&file, OFlags::APPEND).map_err(io::Error::from)?;
        if !metadata.is_file() {
            let file = Self { file, head: None, identity };
            return Ok(Found {
                file,
                is_new: true,
                last: ChainHead::genesis(),
                truncated_bytes: 0,
                missing: 0,
            });
        }
        lock(&file)?;
        let head = match head {
            Some(head) => head.try_clone()?,
            None => {
                // The head stays when the file is moved away, so that it keeps others out.
                let head = options.read(true).append(false).write(true).open(head_path(path))?;
                lock(&head)?;
                head
            }
        };
        let told = read_head(&head)?;
        let (written, truncated_bytes) = last_record(&mut file)?;
        let is_new = written.is_none();
        let sequence = |link: &Option<ChainHead>| link.as_ref().map_or(0, |link| link.sequence);
        let missing = sequence(&told).saturating_sub(sequence(&written));
        let last = match (written, told) {
            // The head is written after its record, so that it may be behind. One that is before tells
            // of records that are gone: they will be unrecorded.
            (Some(written), Some(told)) if told.sequence < written.sequence => written,
            (_, Some(told)) => told,
            (written, None) => written.unwrap_or_else(ChainHead::genesis),
        };
        let file = Self { file, head: Some(head), identity };
        Ok(Found { file, is_new, last, truncated_bytes, missing })
    }

    /// Whether the file is the one that now has this path.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity)
    }

    /// Appends as much of the text as the system takes at once.
    pub(super) fn append(&mut self, text: &[u8]) -> io::Result<usize> {
        self.file.write(text)
    }

    /// Removes bytes from the end. Says whether they are gone: a pipe gives nothing back.
    pub(super) fn truncate_unwritten(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let cut = || self.file.set_len(self.file.metadata()?.len().saturating_sub(bytes));
        self.head.is_some() && (bytes == 0 || cut().is_ok())
    }

    /// Takes down which record is the last one.
    pub(super) fn write_head(&self, last: &ChainHead) {
        if let Some(head) = &self.head
            && let Ok(mut text) = serde_json::to_vec(last)
        {
            text.resize(HEAD_BYTES.max(text.len() + 1) - 1, b' ');
            text.push(b'\n');
            // A head that is behind its file is right, only less use.
            drop(head.write_all_at(&text, 0));
        }
    }

    /// Sees to it that what was written survives a loss of power.
    pub(super) fn sync(&self) {
        drop(self.file.sync_data());
    }
}

/// Where the head of an audit file stands.
pub(super) fn head_path(path: &Path) -> PathBuf {
    let mut head = path.as_os_str().to_owned();
    head.push(".head");
    head.into()
}

/// AuditEvent the head beside a file tells; nothing if there is none.
pub(super) fn head_of(path: &Path) -> io::Result<Option<ChainHead>> {
    match File::open(head_path(path)) {
        Ok(head) => read_head(&head),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// AuditEvent a head tells; nothing if nothing was written to it yet.
fn read_head(head: &File) -> io::Result<Option<ChainHead>> {
    let mut text = [0; HEAD_BYTES];
    let bytes = head.read_at(&mut text, 0)?;
    let text = text.get(..bytes).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let link = serde_json::from_slice(text).ok();
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its .head is not one of an audit");
    link.map(Some).ok_or_else(damaged)
}

/// Keeps other servers out.
fn lock(file: &File) -> Result<(), Reason> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Reason::Taken),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The last record of a file. AuditEvent stands behind it without a line end is the beginning of one that was
/// never finished, and removed; so many bytes that were.
fn last_record(file: &mut File) -> Result<(Option<ChainHead>, u64), Reason> {
    let bytes = file.seek(SeekFrom::End(0))?;
    let start = bytes.saturating_sub(TAIL_BYTES_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut tail)?;
    let (whole, truncated) = match memchr::memrchr(b'\n', &tail) {
        Some(end) => tail.split_at_checked(end + 1).unwrap_or_default(),
        None => tail.split_at_checked(0).unwrap_or_default(),
    };
    let last = match whole.strip_suffix(b"\n") {
        None => None,
        Some(lines) => {
            let line = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            Some(Record::parse(line).map_err(|_| Reason::Foreign)?.chain_head())
        }
    };
    // Nothing is removed that cannot be the beginning of a record.
    if !may_be_unfinished(truncated) {
        return Err(Reason::Foreign);
    }
    let truncated_bytes = u64::try_from(truncated.len()).unwrap_or(u64::MAX);
    if truncated_bytes > 0 {
        file.set_len(bytes.saturating_sub(truncated_bytes))?;
    }
    Ok((last, truncated_bytes))
}

/// Whether bytes may be a record that was not finished: its beginning, or the zeros that some file systems
/// leave in its place after a loss of power.
pub(super) fn may_be_unfinished(bytes: &[u8]) -> bool {
    const BEGINNING: &[u8] = br#"{"sequence":"#;
    let begins = bytes.iter().zip(BEGINNING).all(|(byte, expected)| byte == expected);
    begins || bytes.iter().all(|byte| *byte == 0)
}
