//! `keys issue|rotate|retire|drop|check`: making, replacing, removing and checking keys.
//!
//! A file is written whole or not at all, for its owner alone, and never over an unknown file. What is
//! printed contains fingerprints and no key.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use class_files::{ClassFileError, KeyFile, ReadLimits};
use fernet_batch::{NoRandomness, StudentKeys};
use gradebook::StudentId;

use super::count;
use crate::files::FileState;
use crate::files::load::{LoadedClass, ReadError, Sources, load, load_students};
use crate::files::private_file::{create_new, replace};
use crate::files::regular::read_regular;
use crate::process::complain;
use crate::redact::{redact_word, show_path};
use crate::settings::Settings;

/// Why a task with keys failed. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("{0}; nothing was written; repair the file, restore a copy, or name another key file")]
    Damaged(ReadError),
    #[error("{0}")]
    Random(#[from] NoRandomness),
    #[error(
        "{}: with the keys of the class file it would hold a key twice: {error}",
        show_path(path)
    )]
    Merge { path: PathBuf, error: ClassFileError },
    #[error("{}: has no student {id}; nothing was written", show_path(path))]
    UnknownStudent { path: PathBuf, id: String },
    #[error(
        "{}: {id} has two keys already; retire the old one first, or add --stolen if neither is safe; \
         nothing was written",
        show_path(path)
    )]
    TwoKeys { path: PathBuf, id: String },
    #[error("{}: {id} has no old key; nothing was written", show_path(path))]
    NoOldKey { path: PathBuf, id: String },
    #[error("{}: cannot be written: {error}", show_path(path))]
    Write { path: PathBuf, error: io::Error },
    #[error("{}: exists already; move it away, or choose another name", show_path(path))]
    Exists { path: PathBuf },
    #[error("--output - is not possible: keys are written to files that only their owner can read")]
    StandardOutput,
    #[error("--server must be HOST:PORT or HOST, as students reach the server")]
    BadServer,
    #[error(
        "{0} is not an address that students can connect to; give the one that they use with --server \
         HOST:PORT"
    )]
    NoServer(String),
    #[error(
        "http.public_url = {0:?}: is not an address that students can open; name the host that they use, like \
         https://grades.example.org"
    )]
    PublicUrl(String),
    #[error("the slips cannot be written: {0}")]
    Table(String),
    #[error("{}: another command is changing it; try again", show_path(path))]
    Busy { path: PathBuf },
}

impl KeysError {
    pub(super) fn unknown_student(path: &Path, id: &str) -> Self {
        Self::UnknownStudent { path: path.to_owned(), id: redact_word(id) }
    }

    pub(super) fn write(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            io::ErrorKind::ResourceBusy => Self::Busy { path },
            _ => Self::Write { path, error },
        }
    }
}

/// The limits of files that are read without settings.
pub(crate) const LIMITS: ReadLimits = ReadLimits { bytes_max: 1 << 32, rows_max: 10_000_000 };

/// Makes a key for each student of a class file who has none, neither there nor in `output`, and
/// writes the keys to `output`. Keys in the class file are copied.
pub(crate) fn issue(sources: &Sources, output: Option<&Path>) -> Result<String, KeysError> {
    let class = &sources.class;
    let output = output.map_or_else(|| class.with_file_name("keys.csv"), Path::to_path_buf);
    check_output(&output)?;
    let students = load_students(sources, &LIMITS)?;
    let locked = LockedKeyFile::open_if_exists(&output)?;
    let mut keys = locked.as_ref().map_or_else(KeyFile::default, |locked| locked.keys.clone());
    let mut copied = 0;
    let mut made = 0;
    for id in students.ids().filter_map(|id| StudentId::new(id.as_bytes())) {
        if keys.keys(id.as_str()).is_some() {
            continue;
        }
        let student_keys = match students.keys(id.as_str()) {
            Some(student_keys) => {
                copied += 1;
                student_keys.clone()
            }
            None => {
                made += 1;
                StudentKeys::generate()?
            }
        };
        keys.set_keys(&id, student_keys);
    }
    let file = output.display();
    // Now each student has a key. Two classes in one folder would share a key file.
    let others = match keys.len().saturating_sub(students.len()) {
        0 => String::new(),
        others => format!(
            "; warning: {} of students who are not in {}; keys check names them",
            count(others, "key"),
            class.display()
        ),
    };
    if copied + made == 0 {
        let students = count(students.len(), "student");
        return Ok(format!("{file}: {students}, each with a key; nothing was written{others}"));
    }
    keys.check_keys().map_err(|error| KeysError::Merge { path: output.clone(), error })?;
    write(&output, locked, &keys)?;
    let mut text =
        format!("{file}: {} made for {}", count(made, "key"), count(students.len(), "student"));
    if copied > 0 {
        text.push_str(&format!(
            ", {copied} copied from {}; now remove the column Key there, and set gradebook.keys_file",
            class.display()
        ));
    }
    text.push_str(&others);
    Ok(text)
}

/// Students in a key file.
pub(crate) struct KeyIds {
    pub(crate) file: PathBuf,
    pub(crate) ids: Vec<String>,
}

/// What to do with the keys of students.
#[derive(Clone, Copy)]
pub(crate) enum KeysTask {
    /// Make a new key. The key before it stays valid, unless it was stolen.
    Rotate { stolen: bool },
    /// Remove the old key.
    Retire,
    /// Remove the student.
    Drop,
}

/// Changes the keys of all these students, or of none.
pub(crate) fn update(students: &KeyIds, task: KeysTask) -> Result<String, KeysError> {
    let KeyIds { file: path, ids } = students;
    let locked = LockedKeyFile::open(path)?;
    let mut keys = locked.keys.clone();
    let mut lines = Vec::new();
    let mut seen = HashSet::new();
    for id in ids {
        // A key that is rotated twice would be lost.
        if !seen.insert(id) {
            continue;
        }
        let unknown = || KeysError::unknown_student(path, id);
        let student = StudentId::new(id.as_bytes()).ok_or_else(unknown)?;
        let current = locked.keys.keys(id).ok_or_else(unknown)?;
        let (changed, line) = match task {
            KeysTask::Rotate { stolen } => rotate(current, path, id, stolen)?,
            KeysTask::Retire => retire(current, path, id)?,
            KeysTask::Drop => {
                keys.remove_keys(id);
                let fingerprint = current.current().fingerprint();
                lines.push(format!(
                    "{id}: removed; the key had the fingerprint {fingerprint}; remove the student from \
                     the class file, too"
                ));
                continue;
            }
        };
        keys.set_keys(&student, changed);
        lines.push(line);
    }
    write(path, Some(locked), &keys)?;
    Ok(lines.join("\n"))
}

fn rotate(
    keys: &StudentKeys,
    path: &Path,
    id: &str,
    stolen: bool,
) -> Result<(StudentKeys, String), KeysError> {
    if keys.old().is_some() && !stolen {
        return Err(KeysError::TwoKeys { path: path.to_owned(), id: id.to_owned() });
    }
    let rotated = keys.clone().rotate()?;
    let new = rotated.current().fingerprint();
    let old = keys.current().fingerprint();
    if stolen {
        let line = format!(
            "{id}: the new key has the fingerprint {new}; the old key, {old}, is no longer valid"
        );
        return Ok((StudentKeys::new(rotated.current().clone()), line));
    }
    let line = format!(
        "{id}: the new key has the fingerprint {new}; the old key, {old}, is valid until it is retired"
    );
    Ok((rotated, line))
}

fn retire(keys: &StudentKeys, path: &Path, id: &str) -> Result<(StudentKeys, String), KeysError> {
    let Some(old) = keys.old() else {
        return Err(KeysError::NoOldKey { path: path.to_owned(), id: id.to_owned() });
    };
    let current = keys.current();
    let old = old.fingerprint();
    let new = current.fingerprint();
    let line = format!(
        "{id}: the old key, {old}, is no longer valid; the current key has the fingerprint {new}"
    );
    Ok((StudentKeys::new(current.clone()), line))
}

/// Checks that a class and its keys belong together.
pub(crate) fn check(settings: &Settings) -> Result<String, KeysError> {
    let LoadedClass { class, warnings, .. } = load(&settings.sources, &settings.read_limits)?;
    let (path, keys) = read_keys(settings)?;
    let mut lines = Vec::new();
    for warning in &warnings {
        complain(&format!("warning: {warning}"));
    }
    let students = count(class.students(), "student");
    lines.push(format!("{}: {students}, each with a key", show_path(&path)));
    for id in keys.ids() {
        if keys.keys(id).is_some_and(|keys| keys.old().is_some()) {
            lines.push(format!(
                "{id}: two keys; when the student has the new one, keys retire {id}"
            ));
        }
    }
    Ok(lines.join("\n"))
}

/// Rejects a file named `-`, which elsewhere means standard output: keys are not printed.
pub(super) fn check_output(path: &Path) -> Result<(), KeysError> {
    if path == Path::new("-") { Err(KeysError::StandardOutput) } else { Ok(()) }
}

/// The keys of a class, and the file that they stand in.
pub(super) fn read_keys(settings: &Settings) -> Result<(PathBuf, KeyFile), KeysError> {
    let limits = &settings.read_limits;
    let Sources { class, keys, .. } = &settings.sources;
    match keys {
        None => Ok((class.clone(), load_students(&settings.sources, limits)?)),
        Some(path) => {
            let (keys, ..) = read_regular(path, |file| Ok(KeyFile::read(file, limits)?))?;
            Ok((path.clone(), keys))
        }
    }
}

/// A key file that only this command changes.
struct LockedKeyFile {
    file: File,
    /// The state in which it was read.
    state: FileState,
    keys: KeyFile,
}

impl LockedKeyFile {
    fn open(path: &Path) -> Result<Self, KeysError> {
        let (keys, file, state) = read_regular(path, |file| Ok(KeyFile::read(file, &LIMITS)?))
            .map_err(KeysError::Damaged)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, state, keys }),
            Err(TryLockError::WouldBlock) => Err(KeysError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(KeysError::write(path, error)),
        }
    }

    fn open_if_exists(path: &Path) -> Result<Option<Self>, KeysError> {
        if path.symlink_metadata().is_ok() { Self::open(path).map(Some) } else { Ok(None) }
    }
}

fn write(path: &Path, locked: Option<LockedKeyFile>, keys: &KeyFile) -> Result<(), KeysError> {
    let text = keys.expose_text();
    let written = match locked {
        Some(locked) => replace(path, &locked.file, locked.state, text.as_bytes()),
        None => create_new(path, text.as_bytes()),
    };
    written.map_err(|error| KeysError::write(path, error))
}
