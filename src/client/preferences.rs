//! What a student always uses, in a file: server, ID, audience and key file.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat};
use serde::Deserialize;

use crate::redact::show_path;

/// The permission bits with which other users could name another server.
const OTHER_WRITERS: u32 = 0o022;

/// The options in the file. The command line and the environment come first.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Preferences {
    pub(super) server: Option<String>,
    pub(super) id: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) key_file: Option<PathBuf>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PreferencesError {
    #[error("{}: cannot be read: {error}", show_path(path))]
    Unreadable { path: PathBuf, error: io::Error },
    #[error(
        "{}: other users can change it (mode {mode:04o}); run chmod 600 on it",
        show_path(path)
    )]
    Writable { path: PathBuf, mode: u32 },
    #[error(
        "{}: is not a file of options: it may name server, id, audience and key_file, as texts",
        show_path(path)
    )]
    Invalid { path: PathBuf },
}

impl Preferences {
    /// Reads `grade-client.toml` in the user's folder for settings; nothing if there is no such file.
    ///
    /// # Errors
    /// Returns an error if there is a file that cannot be read, or that other users can change.
    pub(super) fn read() -> Result<Self, PreferencesError> {
        match config_folder() {
            Some(folder) => Self::read_file(&folder.join("grade-client.toml")),
            None => Ok(Self::default()),
        }
    }

    fn read_file(path: &Path) -> Result<Self, PreferencesError> {
        let unreadable = |error| PreferencesError::Unreadable { path: path.to_owned(), error };
        // A folder that may not even be searched has no file of this user.
        let Ok(metadata) = path.metadata() else { return Ok(Self::default()) };
        if !metadata.is_file() {
            return Err(unreadable(io::Error::other("it is not a regular file")));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let mode = metadata.mode() & 0o777;
        if mode & OTHER_WRITERS != 0 {
            return Err(PreferencesError::Writable { path: path.to_owned(), mode });
        }
        // The error of the parser may repeat a key that stands in the wrong place.
        let invalid = |_| PreferencesError::Invalid { path: path.to_owned() };
        let file = Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build();
        let preferences: Self = file.and_then(Config::try_deserialize).map_err(invalid)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let key_file = preferences.key_file.map(|file| resolved(folder, &file));
        Ok(Self { key_file, ..preferences })
    }
}

/// A path of the file: `~/` is the home folder, and other relative paths start beside the file.
fn resolved(folder: &Path, path: &Path) -> PathBuf {
    let home = env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => folder.join(path),
    }
}

/// The folder for settings of programs: `XDG_CONFIG_HOME`, or `.config` in the home folder.
fn config_folder() -> Option<PathBuf> {
    let folder = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    folder
        .filter(|path| path.is_absolute())
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn read(text: &str, mode: u32) -> Result<Preferences, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grade-client.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Preferences::read_file(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn all_options_are_optional_and_others_are_refused() {
        assert_eq!(read("", 0o600), Ok(Preferences::default()));
        let all = "server = \"h:1\"\nid = \"7\"\naudience = \"nets\"\nkey_file = \"/k\"\n";
        let preferences = read(all, 0o644).unwrap();
        assert_eq!(preferences.server.as_deref(), Some("h:1"));
        assert_eq!(preferences.key_file.as_deref(), Some(Path::new("/k")));
        for text in ["key = \"AAAA\"", "server = ", "id = [1]"] {
            let error = read(text, 0o600).unwrap_err();
            assert!(
                error.contains("is not a file of options") && !error.contains("AAAA"),
                "{error}"
            );
        }
        assert!(read("", 0o620).unwrap_err().contains("other users can change it (mode 0620)"));
        assert_eq!(Preferences::read_file(Path::new("/no/such")).unwrap(), Preferences::default());
    }

    #[test]
    fn a_key_file_stands_beside_the_file_or_at_home() {
        assert_eq!(resolved(Path::new("/c"), Path::new("me.key")), Path::new("/c/me.key"));
        assert_eq!(resolved(Path::new("/c"), Path::new("/me.key")), Path::new("/me.key"));
        let home = PathBuf::from(env::var_os("HOME").unwrap());
        assert_eq!(resolved(Path::new("/c"), Path::new("~/me.key")), home.join("me.key"));
    }
}
