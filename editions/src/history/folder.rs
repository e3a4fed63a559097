//! The folder of a history: for its owner alone. Its journal is locked by the process that has it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{
    DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown,
};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::error::{HistoryError, io_error};

pub(super) const JOURNAL: &str = "journal";
/// How the names of files begin that are being written.
pub(super) const DRAFT: &str = ".draft-";

/// The most bytes of the journal, and of the file of an edition.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 30;

/// Makes the folder, or takes one that is empty or a history.
pub(super) fn make_folder(folder: &Path) -> Result<(), HistoryError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            return give_to_owner_of(parent, |uid, gid| chown(folder, uid, gid))
                .map_err(|error| io_error(folder, error));
        }
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
    let is_history = folder.join(JOURNAL).is_file();
    if !is_history && !entries(folder)?.is_empty() {
        return Err(HistoryError::Foreign(folder.to_owned()));
    }
    Ok(())
}

/// Gives what root makes to the owner of the folder around it: the server's user must be able to read what root
/// published.
pub(super) fn give_to_owner_of(
    folder: &Path,
    give: impl FnOnce(Option<u32>, Option<u32>) -> io::Result<()>,
) -> io::Result<()> {
    let owner = folder.metadata()?;
    if !geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    give(Some(owner.uid()), Some(owner.gid()))
}

/// Checks that a folder that does not exist can be made.
pub(super) fn check_new(folder: &Path) -> Result<(), HistoryError> {
    if folder.exists() {
        check_own(folder)?;
        return access(folder, Access::WRITE_OK).map_err(|error| io_error(folder, error.into()));
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    access(parent, Access::WRITE_OK).map_err(|error| io_error(parent, error.into()))
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

/// Opens the journal, which is made if there is none, and locks it: one process has a history.
pub(super) fn open_journal(folder: &Path) -> Result<(File, Vec<u8>), HistoryError> {
    let path = folder.join(JOURNAL);
    let mut options = OpenOptions::new();
    let opened = options.read(true).append(true).create(true).mode(0o600).open(&path);
    let file = opened.map_err(|error| io_error(&path, error))?;
    lock(folder, file.try_lock())?;
    let given = give_to_owner_of(folder, |uid, gid| fchown(&file, uid, gid));
    let bytes = given.and_then(|()| read_all(&file)).map_err(|error| io_error(&path, error))?;
    Ok((file, bytes))
}

/// Reads the journal, and whether a process has locked it, and changes nothing; `None` if there is none.
pub(super) fn read_journal(folder: &Path) -> Result<Option<(Vec<u8>, bool)>, HistoryError> {
    let path = folder.join(JOURNAL);
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| io_error(&path, error))?,
    };
    let is_locked = match lock(folder, file.try_lock_shared()) {
        Err(HistoryError::Locked(_)) => true,
        locked => locked.map(|()| false)?,
    };
    access(folder, Access::WRITE_OK).map_err(|error| io_error(folder, error.into()))?;
    let bytes = read_all(&file).map_err(|error| io_error(&path, error))?;
    Ok(Some((bytes, is_locked)))
}

fn lock(folder: &Path, locked: Result<(), TryLockError>) -> Result<(), HistoryError> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(HistoryError::Locked(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(io_error(&folder.join(JOURNAL), error)),
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
