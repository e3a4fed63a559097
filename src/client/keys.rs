//! The client's keys: from a file, an environment variable, a CSV, or a hidden prompt; never from the
//! command line, which every user of the machine can read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use class_files::{KeyFile, ReadLimits, ReadOptions, Source};
use fernet_batch::{Key, KeyError};
use zeroize::Zeroizing;

use crate::files::regular::OTHER_USERS;
use crate::redact::show_path;

/// The environment variable that may hold a key.
pub(super) const KEY_VARIABLE: &str = "GRADE_KEY";

/// The most bytes of a key file.
const KEY_FILE_BYTES_MAX: u64 = 1024;

/// The limits of a CSV with keys.
const CSV_LIMITS: ReadLimits = ReadLimits { bytes_max: 1 << 32, rows_max: 10_000_000 };

/// The students' keys.
pub(super) enum Keys {
    /// One key, for every ID.
    One(Key),
    /// A key for each of these students.
    Many(KeyFile),
    /// None: the user is prompted.
    Prompt,
}

/// Why there is no key. The error never shows one.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    /// A file cannot be read.
    #[error("{}: cannot be read: {error}", show_path(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// Other users can read a key file.
    #[error("{}: other users can read this key (mode {mode:04o}); run chmod 600 on it", show_path(.path))]
    WorldReadable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file or variable does not hold a key.
    #[error("{place}: the key {error}")]
    BadKey {
        /// The file and row, or the variable.
        place: String,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A file is not a CSV with the columns that are needed.
    #[error("{}: {error}", show_path(.path))]
    BadCsv {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: String,
    },
    /// An ID is not in the CSV.
    #[error("no key for student {0} in the keys file")]
    NoKey(String),
    /// There is no source of keys, and no terminal for a prompt.
    #[error("no key: give --key-file FILE, --keys FILE, or the variable {KEY_VARIABLE}")]
    NoSource,
}

impl Keys {
    /// Reads a file with one key. A file that other users can read is rejected, since its key is no
    /// longer secret.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, is not private, or does not hold a key.
    pub(super) fn from_file(path: &Path) -> Result<Self, KeysError> {
        let (file, mode) = open(path)?;
        if mode & OTHER_USERS != 0 {
            return Err(KeysError::WorldReadable { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::new());
        let read = file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|error| KeysError::Unreadable { path: path.to_owned(), error })?;
        Self::from_text(&show_path(path), &text)
    }

    /// Reads one key from standard input.
    ///
    /// # Errors
    /// Returns an error if standard input cannot be read or does not hold a key.
    pub(super) fn from_standard_input() -> Result<Self, KeysError> {
        const NAME: &str = "standard input";
        let mut text = Zeroizing::new(String::new());
        let read = io::stdin().take(KEY_FILE_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|error| KeysError::Unreadable { path: NAME.into(), error })?;
        Self::from_text(NAME, &text)
    }

    /// Returns true if [`KEY_VARIABLE`] is set.
    pub(super) fn in_environment() -> bool {
        std::env::var_os(KEY_VARIABLE).is_some()
    }

    /// Reads the key in [`KEY_VARIABLE`], if it is set.
    ///
    /// # Errors
    /// Returns an error if the variable does not hold a key.
    pub(super) fn from_environment() -> Result<Option<Self>, KeysError> {
        let text = std::env::var(KEY_VARIABLE).ok().map(Zeroizing::new);
        text.map(|text| Self::from_text(KEY_VARIABLE, &text)).transpose()
    }

    /// Reads a key for each student from a CSV with the columns `ID Number` and `Key`, such as a
    /// class file. Also returns true if other users can read the file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or holds no keys.
    pub(super) fn from_csv(path: &Path) -> Result<(Self, bool), KeysError> {
        let (file, mode) = open(path)?;
        let bad = |error: String| KeysError::BadCsv { path: path.to_owned(), error };
        let bytes = CSV_LIMITS.read(file, 0).map_err(|error| bad(error.to_string()))?;
        let options = ReadOptions::of_any_file(CSV_LIMITS);
        let key_file = KeyFile::from_class_file(Source::File(&bytes), &options);
        let key_file = key_file.map_err(|error| bad(error.to_string()))?;
        if !key_file.ids().any(|id| key_file.keys(id).is_some()) {
            return Err(bad("holds no keys; it needs the columns ID Number and Key".to_owned()));
        }
        Ok((Self::Many(key_file), mode & OTHER_USERS != 0))
    }

    /// The key of one student; `prompt` is called if the user must be asked.
    ///
    /// # Errors
    /// Returns an error if there is no key for the student.
    pub(super) fn key_of(
        &self,
        id: &str,
        prompt: impl FnOnce() -> Result<Key, KeysError>,
    ) -> Result<Key, KeysError> {
        match self {
            Self::One(key) => Ok(key.clone()),
            Self::Many(keys) => {
                let keys = keys.keys(id).ok_or_else(|| KeysError::NoKey(id.to_owned()))?;
                Ok(keys.current().clone())
            }
            Self::Prompt => prompt(),
        }
    }

    fn from_text(place: &str, text: &str) -> Result<Self, KeysError> {
        let key = parse_typed(text);
        key.map(Self::One).map_err(|error| KeysError::BadKey { place: place.to_owned(), error })
    }
}

/// Reads a key as people and editors write it: with blanks or a byte order mark around it, or without the `=` at its
/// end, as in the link on a slip.
fn parse_typed(text: &str) -> Result<Key, KeyError> {
    let text = text.trim_matches(|char: char| char.is_whitespace() || char == '\u{feff}');
    if text.len() == Key::TEXT_BYTES - 1 && !text.ends_with('=') {
        return Key::parse(Zeroizing::new(format!("{text}=")).as_bytes());
    }
    Key::parse(text.as_bytes())
}

/// Prompts for a key at the terminal, without showing it.
///
/// # Errors
/// Returns an error if there is no terminal, or the text is not a key.
pub(super) fn prompt_for_key(id: &str) -> Result<Key, KeysError> {
    let typed = rpassword::prompt_password(format!("Key of {id} (not shown): "));
    let typed = Zeroizing::new(typed.map_err(|_| KeysError::NoSource)?);
    parse_typed(&typed).map_err(|error| KeysError::BadKey { place: "your input".into(), error })
}

/// Opens a regular file and returns its mode. Reading anything else may never begin or end.
fn open(path: &Path) -> Result<(File, u32), KeysError> {
    open_regular(path).map_err(|error| KeysError::Unreadable { path: path.to_owned(), error })
}

fn open_regular(path: &Path) -> io::Result<(File, u32)> {
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok((File::open(path)?, metadata.mode() & 0o777))
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
    fn a_key_file_must_be_readable_by_its_owner_only() {
        let (_folder, path) = file(&format!("{KEY}\n"), 0o600);
        assert!(matches!(Keys::from_file(&path), Ok(Keys::One(_))));
        let (_folder, path) = file(KEY, 0o640);
        assert_eq!(
            rejection(Keys::from_file(&path)),
            "other users can read this key (mode 0640); run chmod 600 on it"
        );
        let (_folder, path) = file(KEY.trim_matches(['=', '_']), 0o600);
        assert!(rejection(Keys::from_file(&path)).starts_with("the key is not base64url"));
        let missing = path.with_file_name("no");
        assert!(rejection(Keys::from_file(&missing)).starts_with("cannot be read: No such file"));
    }

    #[test]
    fn a_key_file_may_be_one_of_windows_and_lack_the_last_character() {
        let without_end = KEY.trim_end_matches('=');
        for text in [format!("\u{feff}{KEY}\r\n"), without_end.into(), format!(" {without_end}\n")]
        {
            let (_folder, path) = file(&text, 0o600);
            let Ok(Keys::One(key)) = Keys::from_file(&path) else { panic!("{text:?}") };
            assert_eq!(*key.expose_text(), KEY);
        }
    }

    #[test]
    fn keys_can_be_read_from_a_class_file() {
        let (_folder, path) = file(&format!("Name,ID Number,Key\nAda,2100001,{KEY}\n,,\n"), 0o644);
        let (keys, exposed) = Keys::from_csv(&path).unwrap();
        assert!(exposed);
        let no_prompt = || Err(KeysError::NoSource);
        assert!(keys.key_of("2100001", no_prompt).is_ok());
        let text = keys.key_of("2100002", no_prompt).err().unwrap().to_string();
        assert_eq!(text, "no key for student 2100002 in the keys file");
        let (_folder, path) = file("Name,ID Number\nAda,2100001\n", 0o600);
        assert_eq!(
            rejection(Keys::from_csv(&path)),
            "holds no keys; it needs the columns ID Number and Key"
        );
        let (_folder, path) = file("ID Number,Key\n2100001,AAAA\n", 0o600);
        assert_eq!(
            rejection(Keys::from_csv(&path)),
            "row 2, column \"Key\": decodes to 3 bytes instead of 32"
        );
    }
}
