//! Reading a regular file: one descriptor, no waiting, and whole while nobody writes it.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use class_files::{ClassFileError, ClassFileErrors, CourseError};

use super::hashing_reader::HashingReader;
use crate::redact::show_path;

/// The permission bits of other users.
pub(crate) const OTHER_USERS: u32 = 0o077;

/// Why a file cannot be read, with its path.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", show_path(path))]
pub struct ReadError {
    pub(super) path: PathBuf,
    pub(super) error: ReadErrorKind,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ReadErrorKind {
    #[error("cannot be opened: {0}")]
    Open(io::Error),
    #[error("is a {0}, not a regular file")]
    NotAFile(&'static str),
    #[error("{0}")]
    ClassFile(#[from] ClassFileErrors),
    #[error("{0}")]
    Course(#[from] CourseError),
    #[error("is not UTF-8; save it as UTF-8")]
    NotUtf8,
    #[error("changed while it was read; save it again when it is complete")]
    ChangedWhileReading,
    #[error(
        "contains {contents} and other users can read it (mode {mode:04o}); run chmod 600 on it"
    )]
    WorldReadable { contents: Contents, mode: u32 },
}

/// What a file contains that only its owner should read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    Keys,
    Marks,
    PrivateKey,
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys => "keys",
            Self::Marks => "marks",
            Self::PrivateKey => "a private key",
        })
    }
}

/// A file that was read, and its content.
pub(super) struct FileRead<T> {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) content: T,
    pub(super) state: FileState,
    mode: u32,
    /// The XXH3 of the bytes. It protects against no forger, who could as well change the marks.
    pub(super) digest: u128,
}

impl<T> FileRead<T> {
    /// Reads a file. It does not wait for a FIFO's writer, nor read a device without an end.
    pub(super) fn read(
        path: &Path,
        read: impl FnOnce(&mut HashingReader<'_>) -> Result<T, ReadErrorKind>,
    ) -> Result<Self, ReadError> {
        Self::read_once(path, read).map_err(|error| ReadError { path: path.to_owned(), error })
    }

    fn read_once(
        path: &Path,
        read: impl FnOnce(&mut HashingReader<'_>) -> Result<T, ReadErrorKind>,
    ) -> Result<Self, ReadErrorKind> {
        // Without these flags, opening a FIFO waits for a writer, and a terminal becomes ours.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let open = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = open.map_err(ReadErrorKind::Open)?;
        let opened = file.metadata().map_err(ReadErrorKind::Open)?;
        if !opened.is_file() {
            return Err(ReadErrorKind::NotAFile(kind_name(&opened)));
        }
        let mut reader = HashingReader::new(&file, opened.len());
        let content = read(&mut reader);
        let digest = reader.finish();
        // A file that is being written may be invalid only now, so this is checked first.
        let state = FileState::of(&file.metadata().map_err(ReadErrorKind::Open)?);
        if state != FileState::of(&opened) {
            return Err(ReadErrorKind::ChangedWhileReading);
        }
        let mode = opened.mode() & 0o777;
        Ok(Self { file, path: path.to_owned(), content: content?, state, mode, digest })
    }

    /// The content, and what is known of the file without it.
    pub(super) fn split(self) -> (T, FileRead<()>) {
        let Self { file, path, content, state, mode, digest } = self;
        (content, FileRead { file, path, content: (), state, mode, digest })
    }

    /// The file as it was when it was read.
    pub(super) fn seen(&self) -> SeenFile {
        SeenFile { path: self.path.clone(), state: self.state, digest: self.digest }
    }

    /// The error that other users can read the file, if they can.
    pub(super) fn world_readable(&self, contents: Contents) -> Option<ReadError> {
        let error = ReadErrorKind::WorldReadable { contents, mode: self.mode };
        (self.mode & OTHER_USERS != 0).then(|| ReadError { path: self.path.clone(), error })
    }
}

/// A file as it was when it was read.
pub(super) struct SeenFile {
    pub(super) path: PathBuf,
    pub(super) state: FileState,
    /// See [`FileRead::digest`].
    pub(super) digest: u128,
}

/// Reads a regular file whole. Returns its content, and the open file with the state in which it was
/// read.
pub(crate) fn read_regular<T>(
    path: &Path,
    read: impl FnOnce(&mut HashingReader<'_>) -> Result<T, ClassFileErrors>,
) -> Result<(T, File, FileState), ReadError> {
    let read = |file: &mut HashingReader<'_>| read(file).map_err(ReadErrorKind::from);
    let FileRead { content, file, state, .. } = FileRead::read(path, read)?;
    Ok((content, file, state))
}

/// The state of a file: what changes when it is written, replaced or renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileState {
    /// The state from a file's metadata.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The state of the file that has this path now, if there is one.
    pub fn of_path(path: &Path) -> Option<Self> {
        path.metadata().ok().map(|metadata| Self::of(&metadata))
    }

    /// What identifies the file.
    pub fn identity(self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

fn kind_name(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_dir() {
        "directory"
    } else if kind.is_fifo() {
        "FIFO"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

impl From<ClassFileError> for ReadErrorKind {
    fn from(error: ClassFileError) -> Self {
        Self::ClassFile(error.into())
    }
}
