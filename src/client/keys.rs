//! Where the client's keys come from: a file, an environment variable, a CSV, or a hidden prompt;
//! never the command line, which every user of the machine can read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use gradebook::{Key, KeyError, KeyFile};

use crate::loading::OTHERS;

/// The environment variable that may hold a key.
pub const KEY_VARIABLE: &str = "GRADE_KEY";

/// The most bytes of a key file.
const KEY_FILE_BYTES_MAX: u64 = 1024;

/// The most bytes and rows of a CSV with keys.
const CSV_BYTES_MAX: u64 = 1 << 32;
const CSV_ROWS_MAX: usize = 10_000_000;

/// The keys at hand.
pub enum Keys {
    /// One key, for whatever ID.
    One(Key),
    /// A key for each of these students.
    Many(KeyFile),
    /// None; they are asked for.
    Asked,
}

/// Why there is no key. It never shows one.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read.
    #[error("{}: cannot be read: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// Others can read a key file.
    #[error("{}: others can read this key (mode {mode:04o}); run chmod 600 on it", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file or variable holds no key.
    #[error("{place}: the key {why}")]
    BadKey {
        /// The file and row, or the variable.
        place: String,
        /// What is wrong with it.
        why: KeyError,
    },
    /// A file is no CSV with the columns that are needed.
    #[error("{}: {why}", .path.display())]
    BadCsv {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An ID is not in the CSV.
    #[error("no key for student {0} in the keys file")]
    NoKey(String),
    /// There is no source of keys, and nobody to ask.
    #[error("no key: give --key-file FILE, --keys FILE, or the variable {KEY_VARIABLE}")]
    NoSource,
}

impl Keys {
    /// Reads a file with one key. A file that others can read is refused, since a key in it is no
    /// secret any more.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn from_file(path: &Path) -> Result<Self, KeysError> {
        let (file, mode) = open(path)?;
        if mode & OTHERS != 0 {
            return Err(KeysError::Exposed { path: path.to_owned(), mode });
        }
        let mut text = zeroize::Zeroizing::new(String::new());
        let read = file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|why| KeysError::Unreadable { path: path.to_owned(), why })?;
        Self::from_text(&path.display().to_string(), &text)
    }

    /// Reads the key in [`KEY_VARIABLE`], if it is set.
    ///
    /// # Errors
    /// [`KeysError::BadKey`].
    pub fn from_environment() -> Result<Option<Self>, KeysError> {
        let text = std::env::var(KEY_VARIABLE).ok().map(zeroize::Zeroizing::new);
        text.map(|text| Self::from_text(KEY_VARIABLE, &text)).transpose()
    }

    /// Reads a key for each student from a CSV with the columns `ID Number` and `Key`, such as a
    /// class file. Also tells whether others can read it.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn from_csv(path: &Path) -> Result<(Self, bool), KeysError> {
        let (file, mode) = open(path)?;
        let bad = |why: String| KeysError::BadCsv { path: path.to_owned(), why };
        let key_file = KeyFile::from_class_file(file, CSV_BYTES_MAX, CSV_ROWS_MAX);
        let key_file = key_file.map_err(|fault| bad(fault.to_string()))?;
        if !key_file.ids().any(|id| key_file.keys(id).is_some()) {
            return Err(bad("holds no keys; it needs the columns ID Number and Key".to_owned()));
        }
        Ok((Self::Many(key_file), mode & OTHERS != 0))
    }

    /// The key of one student. `ask` is called when there is none at hand.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn of(
        &self,
        id: &str,
        ask: impl FnOnce() -> Result<Key, KeysError>,
    ) -> Result<Key, KeysError> {
        match self {
            Self::One(key) => Ok(key.clone()),
            Self::Many(keys) => {
                let keys = keys.keys(id).ok_or_else(|| KeysError::NoKey(id.to_owned()))?;
                Ok(keys.current().clone())
            }
            Self::Asked => ask(),
        }
    }

    fn from_text(place: &str, text: &str) -> Result<Self, KeysError> {
        let key = Key::parse(text.trim().as_bytes());
        key.map(Self::One).map_err(|why| KeysError::BadKey { place: place.to_owned(), why })
    }
}

/// Asks for a key on the terminal, without showing it.
///
/// # Errors
/// [`KeysError::NoSource`] without a terminal, [`KeysError::BadKey`] for anything but a key.
pub fn ask_for_key(id: &str) -> Result<Key, KeysError> {
    let typed = rpassword::prompt_password(format!("Key of {id} (not shown): "));
    let typed = zeroize::Zeroizing::new(typed.map_err(|_| KeysError::NoSource)?);
    let key = Key::parse(typed.trim().as_bytes());
    key.map_err(|why| KeysError::BadKey { place: "what was typed".into(), why })
}

/// Opens a regular file and tells its mode. Anything else may have no end, or never begin.
fn open(path: &Path) -> Result<(File, u32), KeysError> {
    let open = || {
        let metadata = path.metadata()?;
        if metadata.is_file() {
            Ok((File::open(path)?, metadata.mode() & 0o777))
        } else {
            Err(io::Error::other("it is not a regular file"))
        }
    };
    open().map_err(|why| KeysError::Unreadable { path: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: &str = "__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4=";

    /// A file of this content and mode, and what the error says of it.
    fn file(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn rejection<T>(result: Result<T, KeysError>) -> String {
        let text = result.err().expect("was accepted").to_string();
        assert!(!text.contains(KEY), "{text}");
        text.split_once(": ").map_or(text.clone(), |(_, what)| what.to_owned())
    }

    #[test]
    fn a_key_file_is_for_its_owner_alone() {
        let (_folder, path) = file(&format!("{KEY}\n"), 0o600);
        assert!(matches!(Keys::from_file(&path), Ok(Keys::One(_))));
        let (_folder, path) = file(KEY, 0o640);
        assert_eq!(
            rejection(Keys::from_file(&path)),
            "others can read this key (mode 0640); run chmod 600 on it"
        );
        let (_folder, path) = file(&KEY.replace('=', ""), 0o600);
        assert!(rejection(Keys::from_file(&path)).starts_with("the key not base64url"));
        let missing = path.with_file_name("no");
        assert!(rejection(Keys::from_file(&missing)).starts_with("cannot be read: No such file"));
    }

    #[test]
    fn a_class_file_is_a_file_of_keys() {
        let (_folder, path) = file(&format!("Name,ID Number,Key\nAda,2100001,{KEY}\n,,\n"), 0o644);
        let (keys, exposed) = Keys::from_csv(&path).unwrap();
        assert!(exposed);
        let nobody = || Err(KeysError::NoSource);
        assert!(keys.of("2100001", nobody).is_ok());
        let text = keys.of("2100002", nobody).err().unwrap().to_string();
        assert_eq!(text, "no key for student 2100002 in the keys file");
        let (_folder, path) = file("Name,ID Number\nAda,2100001\n", 0o600);
        assert_eq!(
            rejection(Keys::from_csv(&path)),
            "holds no keys; it needs the columns ID Number and Key"
        );
        let (_folder, path) = file("ID Number,Key\n2100001,AAAA\n", 0o600);
        assert_eq!(
            rejection(Keys::from_csv(&path)),
            "row 2, column \"Key\": decodes to 3 bytes instead of 32; a Fernet key is 32 bytes in base64url"
        );
    }
}
