//! The head: a small file beside the audit log that names its last record.
//!
//! The chain of hashes shows what was removed from the middle of the log, but not what was cut off at
//! its end. So the number and the hash of the last record stand in `FILE.head`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::record::ChainHead;

/// The length of a head, padded with blanks so that it overwrites the one before.
const HEAD_BYTES: usize = 128;

/// The path of the head of an audit file.
pub(super) fn head_path(path: &Path) -> PathBuf {
    let mut head = path.as_os_str().to_owned();
    head.push(".head");
    head.into()
}

/// The head beside a file; `None` if there is none.
pub(super) fn head_of(path: &Path) -> io::Result<Option<ChainHead>> {
    match File::open(head_path(path)) {
        Ok(head) => read_head(&head),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The content of a head; `None` if nothing was written to it yet.
pub(super) fn read_head(head: &File) -> io::Result<Option<ChainHead>> {
    let mut text = [0; HEAD_BYTES];
    let bytes = head.read_at(&mut text, 0)?;
    let text = text.get(..bytes).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let head = serde_json::from_slice(text).map_err(|_| {
        let what = "its .head is not the head of an audit log";
        io::Error::new(io::ErrorKind::InvalidData, what)
    })?;
    Ok(Some(head))
}

/// Writes which record is the last one.
pub(super) fn write_head(head: &File, last: &ChainHead) {
    if let Ok(mut text) = serde_json::to_vec(last) {
        text.resize(HEAD_BYTES.max(text.len() + 1) - 1, b' ');
        text.push(b'\n');
        // A head that is behind its file is still right.
        drop(head.write_all_at(&text, 0));
    }
}
