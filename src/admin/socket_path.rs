//! The path of a Unix socket. The system takes short paths only.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use crate::files::private_file::folder_of;

/// The longest path of a socket in bytes (unix(7): `sun_path`, without its last byte).
const PATH_BYTES_MAX: usize = 107;

/// A path by which a socket can be reached as long as this is kept.
pub(crate) struct SocketPath {
    path: PathBuf,
    /// The folder that the path goes through.
    _folder: Option<File>,
}

impl SocketPath {
    /// The path, or a shorter one to the same place.
    pub(crate) fn of(path: &Path) -> Self {
        if path.as_os_str().len() <= PATH_BYTES_MAX {
            return Self { path: path.to_owned(), _folder: None };
        }
        match (File::open(folder_of(path)), path.file_name()) {
            (Ok(folder), Some(name)) => {
                let folder_path = format!("/proc/self/fd/{}", folder.as_raw_fd());
                Self { path: Path::new(&folder_path).join(name), _folder: Some(folder) }
            }
            // The system says what is wrong.
            _ => Self { path: path.to_owned(), _folder: None },
        }
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.path
    }
}
