//! Writing files that hold keys or marks: whole or not at all, and for their owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::loading::FileState;

/// Writes a new file. A file that is there is left as it is.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] then, and as of writing.
pub(crate) fn create_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let temp = temp_file(path, text)?;
    temp.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(path);
    Ok(())
}

/// Puts a new content in the place of a file's, which keeps its owner. `held` is the file as it was
/// opened and read in this state: one that has been changed or replaced since is left as it is.
///
/// # Errors
/// [`ErrorKind::ResourceBusy`] then, and as of writing.
pub(crate) fn replace(path: &Path, held: &File, read: FileState, text: &[u8]) -> io::Result<()> {
    // A link stays one.
    let path = path.canonicalize()?;
    let temp = temp_file(&path, text)?;
    let (old, new) = (held.metadata()?, temp.as_file().metadata()?);
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        fchown(temp.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    if FileState::of(&path.metadata()?) != read {
        return Err(ErrorKind::ResourceBusy.into());
    }
    temp.persist(&path).map_err(|error| error.error)?;
    sync_folder(&path);
    Ok(())
}

/// Writes a file, be there one already or not.
///
/// # Errors
/// As of writing; the file is as it was then.
pub(crate) fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        Ok(held) => replace(path, &held, FileState::of(&held.metadata()?), text),
        Err(error) if error.kind() == ErrorKind::NotFound => create_new(path, text),
        Err(error) => Err(error),
    }
}

/// A file beside the path, which nobody but its owner may read, with all of the text in it. Drafts that
/// were left behind when somebody was killed are removed: they may hold keys that are good no longer.
fn temp_file(path: &Path, text: &[u8]) -> io::Result<NamedTempFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.draft-");
    for entry in std::fs::read_dir(folder(path))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
    let mut temp = NamedTempFile::with_prefix_in(prefix, folder(path))?;
    temp.write_all(text)?;
    temp.as_file().sync_all()?;
    Ok(temp)
}

/// Sees to it that the new name survives a loss of power, where that is possible: it is there already.
fn sync_folder(path: &Path) {
    drop(File::open(folder(path)).and_then(|folder| folder.sync_all()));
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
