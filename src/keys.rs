//! Keys of a class: making them, replacing them, looking at them, and handing them out.
//!
//! What is written is written whole or not at all, for its owner alone, and never over something that
//! is there. Nothing that is printed has a key in it, only fingerprints.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use gradebook::{
    Book, ClassFileError, EditionNumber, KeyFile, NoRandomness, ReleaseHistory, StudentId,
    StudentKeys,
};
use zeroize::Zeroizing;

use crate::loading::{FileState, LoadError, load, read_regular};
use crate::private_file::{create_new, replace};
use crate::redact::{escape, redact_word};
use crate::settings::Settings;

/// Why a task with keys cannot be done. Nothing has been written then.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read, or is refused.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// There are no random bytes.
    #[error("{0}")]
    Random(#[from] NoRandomness),
    /// Two files do not go together.
    #[error("{}: with the keys of the class file it would have one key twice: {why}", path.display())]
    Merge {
        /// The file of keys.
        path: PathBuf,
        /// Which key.
        why: ClassFileError,
    },
    /// A student is not there.
    #[error("{}: has no student {id}; nothing was written", path.display())]
    UnknownStudent {
        /// Where.
        path: PathBuf,
        /// Who.
        id: String,
    },
    /// There is an old key, which would be lost.
    #[error(
        "{}: {id} has two keys already; retire the old one first, or say --stolen if neither is good; nothing was written",
        path.display()
    )]
    TwoKeys {
        /// Where.
        path: PathBuf,
        /// Whose.
        id: String,
    },
    /// There is no old key to be dropped.
    #[error("{}: {id} has one key only; nothing was written", path.display())]
    OneKey {
        /// Where.
        path: PathBuf,
        /// Whose.
        id: String,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {why}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
    /// A new file would stand where there is one.
    #[error("{}: is there already; move it away, or name another file with --output", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else changes the same file.
    #[error("{}: is being changed by another command; try again", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
}

/// The most bytes and students of files that are read without settings.
const BYTES_MAX: u64 = 1 << 32;
const STUDENTS_MAX: usize = 10_000_000;

/// Makes a key for each student of a class file who has none, in the class file itself or in `output`,
/// and adds them to `output`. Gives what there is to say.
///
/// # Errors
/// [`KeysError`].
pub fn issue(class: &Path, output: Option<&Path>) -> Result<String, KeysError> {
    let output = output.map_or_else(|| class.with_file_name("keys.csv"), Path::to_path_buf);
    let (students, ..) =
        read_regular(class, |file| KeyFile::from_class_file(file, BYTES_MAX, STUDENTS_MAX))?;
    let locked = LockedKeyFile::open_if_there(&output)?;
    let mut key_file =
        locked.as_ref().map_or_else(KeyFile::default, |locked| locked.key_file.clone());
    let (mut taken_over, mut issued) = (0_usize, 0_usize);
    for id in students.ids().filter_map(|id| StudentId::new(id.as_bytes())) {
        if key_file.keys(id.as_str()).is_some() {
            continue;
        }
        let keys = match students.keys(id.as_str()) {
            Some(keys) => {
                taken_over += 1;
                keys.clone()
            }
            None => {
                issued += 1;
                StudentKeys::generate()?
            }
        };
        key_file.set_keys(&id, keys);
    }
    let (file, all) = (output.display(), students.len());
    if taken_over + issued == 0 {
        return Ok(format!("{file}: each of {all} students has a key; nothing was written"));
    }
    key_file.check_keys().map_err(|why| KeysError::Merge { path: output.clone(), why })?;
    write(&output, locked, &key_file)?;
    let mut text = format!("{file}: {issued} keys made for {all} students");
    if taken_over > 0 {
        // Writing to a text does not fail.
        let _ = write!(
            text,
            ", {taken_over} taken over from {}; now take the column Key out of it, and set \
             gradebook.keys_file",
            class.display()
        );
    }
    Ok(text)
}

/// Makes a new key for each of these students. The one before stays good, unless it was stolen. Gives
/// what there is to say.
///
/// # Errors
/// [`KeysError`].
pub fn rotate(path: &Path, ids: &[String], stolen: bool) -> Result<String, KeysError> {
    update(path, ids, |keys, id| {
        if keys.old().is_some() && !stolen {
            return Err(KeysError::TwoKeys { path: path.to_owned(), id: id.to_owned() });
        }
        let rotated = keys.clone().rotated()?;
        let (new, old) = (rotated.current().fingerprint(), keys.current().fingerprint());
        Ok(match stolen {
            true => (
                StudentKeys::new(rotated.current().clone()),
                format!("{id}: the new key is {new}; the old one, {old}, is good no longer"),
            ),
            false => (
                rotated,
                format!(
                    "{id}: the new key is {new}; the old one, {old}, is good until it is retired"
                ),
            ),
        })
    })
}

/// Drops the old key of each of these students. Gives what there is to say.
///
/// # Errors
/// [`KeysError`].
pub fn retire(path: &Path, ids: &[String]) -> Result<String, KeysError> {
    update(path, ids, |keys, id| {
        let one_key = || KeysError::OneKey { path: path.to_owned(), id: id.to_owned() };
        let old = keys.old().ok_or_else(one_key)?.fingerprint();
        let current = keys.current().clone();
        let text = format!("{id}: {old} is good no longer, {} is", current.fingerprint());
        Ok((StudentKeys::new(current), text))
    })
}

/// Says whether a class and its keys belong together, and how they stand.
///
/// # Errors
/// [`KeysError`].
pub fn check(settings: &Settings) -> Result<String, KeysError> {
    let (book, warning) = load_book(settings)?;
    let (path, key_file) = key_file(settings)?;
    let mut text = String::new();
    if let Some(warning) = warning {
        let _ = writeln!(text, "warning: {warning}");
    }
    let _ = write!(text, "{}: {} students, each with a key", path.display(), book.students());
    let with_two =
        key_file.ids().filter(|id| key_file.keys(id).is_some_and(|keys| keys.old().is_some()));
    for id in with_two {
        let _ =
            write!(text, "\n{id}: two keys; when the student has the new one, keys retire {id}");
    }
    Ok(text)
}

/// Writes a slip of paper for each student, or for these. Gives what there is to say.
///
/// # Errors
/// [`KeysError`].
pub fn slips(
    settings: &Settings,
    ids: &[String],
    server: Option<&str>,
    output: Option<&Path>,
) -> Result<String, KeysError> {
    let (book, _) = load_book(settings)?;
    let (path, key_file) = key_file(settings)?;
    let output = output.map_or_else(|| path.with_file_name("slips.txt"), Path::to_path_buf);
    if let Some(id) = ids.iter().find(|id| key_file.keys(id).is_none()) {
        return Err(unknown_student(&path, id));
    }
    let server = server.map_or_else(|| settings.listen.to_string(), str::to_owned);
    let audience = settings.audience.as_deref();
    let named: HashSet<_> = ids.iter().map(String::as_str).collect();
    let wanted = |id: &str| named.is_empty() || named.contains(id);
    let students = || book.rows().filter(|(id, ..)| wanted(id));
    // A text that grows leaves copies of keys behind.
    let each = SLIP_BYTES + 2 * (server.len() + audience.map_or(0, str::len));
    let bytes = students().map(|(id, name, _)| each + 2 * id.len() + escape(name).len()).sum();
    let mut text = Zeroizing::new(String::with_capacity(bytes));
    let mut slips = 0_usize;
    for (id, name, _) in students() {
        if let Some(keys) = key_file.keys(id) {
            write_slip(&mut text, id, name, keys, &server, audience);
            slips += 1;
        }
    }
    create_new(&output, text.as_bytes()).map_err(|why| write_error(&output, why))?;
    Ok(format!("{}: {slips} slips; print it, cut it, and delete it", output.display()))
}

/// The most that a slip has beside what is of its student and the server.
const SLIP_BYTES: usize = 512;

fn write_slip(
    text: &mut String,
    id: &str,
    name: &str,
    keys: &StudentKeys,
    server: &str,
    audience: Option<&str>,
) {
    let key = keys.current();
    let course = audience.map_or_else(String::new, |audience| format!(" for {audience}"));
    let sealed = audience.map_or_else(String::new, |audience| format!(" --sealed {audience}"));
    let (secret, fingerprint) = (key.expose_text(), key.fingerprint());
    let cut = "- ".repeat(38);
    for part in [
        escape(name).as_ref(),
        "  (",
        id,
        ")\n\n",
        "Your key",
        &course,
        ", which is unknown_student else's business:\n\n    ",
        &secret,
        "\n\n",
        "Write it to a file that only you can read (me.key, chmod 600). Its fingerprint,\nwhich grade-client --key-file me.key --fingerprint shows, is ",
        &fingerprint,
        ".\nThen ask for your grades:\n\n",
        "    grade-client --server ",
        server,
        &sealed,
        " --id ",
        id,
        " --key-file me.key GG\n\n",
        "8< ",
        cut.trim_end(),
        "\n\n",
    ] {
        text.push_str(part);
    }
}

fn load_book(settings: &Settings) -> Result<(Book, Option<String>), KeysError> {
    let before = ReleaseHistory::default();
    let loaded = load(&settings.sources, &settings.read, EditionNumber(1), &before)?;
    Ok((loaded.book, loaded.warning))
}

/// The keys of a class, and the file that they stand in.
fn key_file(settings: &Settings) -> Result<(PathBuf, KeyFile), KeysError> {
    let path = settings.sources.keys.as_ref().unwrap_or(&settings.sources.class).clone();
    let (bytes_max, rows_max) = (settings.read.bytes_max, settings.read.rows_max);
    let (key_file, ..) =
        read_regular(&path, |file| KeyFile::from_class_file(file, bytes_max, rows_max))?;
    Ok((path, key_file))
}

/// A file of keys that is being changed, and by unknown_student else.
struct LockedKeyFile {
    file: File,
    /// The state in which it was read.
    state: FileState,
    key_file: KeyFile,
}

impl LockedKeyFile {
    fn open(path: &Path) -> Result<Self, KeysError> {
        let lock = |file: &File| match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(KeysError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(why)) => Err(write_error(path, why)),
        };
        let (key_file, file, state) =
            read_regular(path, |file| KeyFile::read(file, BYTES_MAX, STUDENTS_MAX))?;
        lock(&file)?;
        Ok(Self { file, state, key_file })
    }

    fn open_if_there(path: &Path) -> Result<Option<Self>, KeysError> {
        if path.symlink_metadata().is_ok() { Self::open(path).map(Some) } else { Ok(None) }
    }
}

/// Changes the keys of some students, all or none.
fn update(
    path: &Path,
    ids: &[String],
    change: impl Fn(&StudentKeys, &str) -> Result<(StudentKeys, String), KeysError>,
) -> Result<String, KeysError> {
    let locked = LockedKeyFile::open(path)?;
    let mut key_file = locked.key_file.clone();
    let mut lines = Vec::new();
    let mut seen = HashSet::new();
    // Twice rotated, a key would be good no longer.
    for id in ids.iter().filter(|id| seen.insert(id.as_str())) {
        let unknown_student = || unknown_student(path, id);
        let student = StudentId::new(id.as_bytes()).ok_or_else(unknown_student)?;
        let (keys, line) = change(locked.key_file.keys(id).ok_or_else(unknown_student)?, id)?;
        key_file.set_keys(&student, keys);
        lines.push(line);
    }
    write(path, Some(locked), &key_file)?;
    Ok(lines.join("\n"))
}

fn unknown_student(path: &Path, id: &str) -> KeysError {
    KeysError::UnknownStudent { path: path.to_owned(), id: redact_word(id).into_owned() }
}

fn write(path: &Path, locked: Option<LockedKeyFile>, key_file: &KeyFile) -> Result<(), KeysError> {
    let text = key_file.expose_text();
    let written = match locked {
        Some(locked) => replace(path, &locked.file, locked.state, text.as_bytes()),
        None => create_new(path, text.as_bytes()),
    };
    written.map_err(|why| write_error(path, why))
}

fn write_error(path: &Path, why: io::Error) -> KeysError {
    let path = path.to_owned();
    match why.kind() {
        io::ErrorKind::AlreadyExists => KeysError::Exists { path },
        io::ErrorKind::ResourceBusy => KeysError::Busy { path },
        _ => KeysError::Write { path, why },
    }
}
