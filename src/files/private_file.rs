//! Writing files that hold keys or marks: whole or not at all, and for their owner alone.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use rustix::fs::{Access, access};
use tempfile::NamedTempFile;

use super::regular::FileState;

/// Writes a new file.
///
/// # Errors
/// Returns [`ErrorKind::AlreadyExists`] if there is a file, which is left as it is.
pub(crate) fn create_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let temp = temp_file(path, text)?;
    temp.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(path);
    Ok(())
}

/// Replaces the content of a file, which keeps its owner. `opened` is the file as it was opened, and
/// `read_state` the state in which it was read.
///
/// # Errors
/// Returns [`ErrorKind::ResourceBusy`] if the file was changed or replaced since; it is left as it is.
pub(crate) fn replace(
    path: &Path,
    opened: &File,
    read_state: FileState,
    text: &[u8],
) -> io::Result<()> {
    // A link stays a link.
    let path = path.canonicalize()?;
    let temp = temp_file(&path, text)?;
    let old = opened.metadata()?;
    let new = temp.as_file().metadata()?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        fchown(temp.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    if FileState::of(&path.metadata()?) != read_state {
        return Err(ErrorKind::ResourceBusy.into());
    }
    temp.persist(&path).map_err(|error| error.error)?;
    sync_folder(&path);
    Ok(())
}

/// A file beside the path with all of the text in it, which only its owner can read. Files that a
/// killed process left behind are removed: they may hold old keys.
fn temp_file(path: &Path, text: &[u8]) -> io::Result<NamedTempFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.draft-");
    for entry in std::fs::read_dir(folder_of(path))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
    let mut temp = NamedTempFile::with_prefix_in(prefix, folder_of(path))?;
    temp.write_all(text)?;
    temp.as_file().sync_all()?;
    Ok(temp)
}

/// Checks that a file can be created or replaced in the folder of this path.
///
/// # Errors
/// Returns an error if the folder is missing or not writable.
pub(crate) fn check_folder(path: &Path) -> io::Result<()> {
    let needed = Access::WRITE_OK | Access::EXEC_OK;
    Ok(access(folder_of(path), needed)?)
}

/// Makes the new name survive a loss of power, where that is possible.
fn sync_folder(path: &Path) {
    drop(File::open(folder_of(path)).and_then(|folder| folder.sync_all()));
}

/// The folder of a file; the current one for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
