//! The folder of a history: for its owner alone, with a lock.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::{HistoryError, io_error};

pub(super) const JOURNAL: &str = "journal";
/// How the names of files begin that are being written.
pub(super) const DRAFT: &str = ".draft-";
const LOCK: &str = "lock";

/// The most bytes of the journal, and of the file of an edition.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 30;

pub(super) fn make_folder(folder: &Path) -> Result<(), HistoryError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => check_own(folder)?,
        Err(error) => return Err(io_error(folder, error)),
    }
    // A folder that was made by hand is open to other users.
    let permissions = fs::Permissions::from_mode(0o700);
    fs::set_permissions(folder, permissions).map_err(|error| io_error(folder, error))?;
    Ok(())
}

/// Rejects a folder with other files, which would be closed to other users.
fn check_own(folder: &Path) -> Result<(), HistoryError> {
    let is_history = folder.join(LOCK).exists() || folder.join(JOURNAL).exists();
    if !is_history && !entries(folder)?.is_empty() {
        return Err(HistoryError::Foreign(folder.to_owned()));
    }
    Ok(())
}

pub(super) fn take_lock(folder: &Path) -> Result<File, HistoryError> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(&path);
    lock(folder, file.map_err(|error| io_error(&path, error))?)
}

/// Checks that the lock can be taken, and changes nothing. Returns false if there is no history yet, and
/// its folder can be made.
pub(super) fn check_lock(folder: &Path) -> Result<bool, HistoryError> {
    let path = folder.join(LOCK);
    match OpenOptions::new().write(true).open(&path) {
        Ok(file) => lock(folder, file).map(|_| true),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if folder.exists() {
                check_own(folder)?;
            }
            let existing = folder.ancestors().find(|folder| folder.exists());
            let existing = existing.unwrap_or(Path::new("."));
            let permissions = existing.metadata().map(|metadata| metadata.permissions());
            match permissions {
                Ok(permissions) if permissions.readonly() => {
                    Err(io_error(existing, ErrorKind::PermissionDenied.into()))
                }
                Ok(_) => Ok(false),
                Err(error) => Err(io_error(existing, error)),
            }
        }
        Err(error) => Err(io_error(&path, error)),
    }
}

fn lock(folder: &Path, file: File) -> Result<File, HistoryError> {
    let path = folder.join(LOCK);
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(HistoryError::Locked(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(io_error(&path, error)),
    }
}

/// Removes the files that a killed process was writing.
pub(super) fn remove_drafts(folder: &Path) -> Result<(), HistoryError> {
    for path in entries(folder)? {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DRAFT)) {
            fs::remove_file(&path).map_err(|error| io_error(&path, error))?;
        }
    }
    Ok(())
}

pub(super) fn open_journal(path: &Path) -> Result<(File, Vec<u8>), HistoryError> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).append(true).create(true).mode(0o600).open(path);
    let file = opened.map_err(|error| io_error(path, error))?;
    let bytes = read_all(&file).map_err(|error| io_error(path, error))?;
    Ok((file, bytes))
}

/// Reads the journal; nothing if there is none.
pub(super) fn read_journal(path: &Path) -> Result<Vec<u8>, HistoryError> {
    match File::open(path).and_then(|file| read_all(&file)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| io_error(path, error)),
    }
}

fn read_all(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, HistoryError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>();
    read().map_err(|error| io_error(folder, error))
}
