//! Loading a class: its class file, and its course file and key file if there are any. All of its files,
//! or none.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use class_files::{
    ClassFileErrors, Course, Explanation, KeyFile, Keys, ReadLimits, ReadOptions, Reading, Threads,
    read,
};
use fernet_batch::Timestamp;
use gradebook::Class;
use twox_hash::XxHash3_128;

use super::class_source::{ClassRead, ClassSource};
pub use super::regular::ReadError;
use super::regular::{Contents, FileRead, FileState, ReadErrorKind, SeenFile};
pub use super::sources::Sources;
pub(crate) use super::sources::reading_threads;

/// How often a file is read that changes while it is read.
const READ_ATTEMPTS: u32 = 5;

/// How long to leave a changing file alone before it is read again.
const SETTLE_TIME: Duration = Duration::from_millis(200);

/// The most bytes of a course file.
const COURSE_BYTES_MAX: u64 = 16 << 20;

/// A class with what it was read from.
pub struct LoadedClass {
    /// The class, with all its assessments.
    pub class: Class,
    /// Each file and the state in which it was read.
    pub files: Vec<(PathBuf, FileState)>,
    /// A digest of each file's bytes.
    pub digests: Vec<u128>,
    /// A digest of the bytes of the class file alone, without the course file and the key file.
    pub class_file: u128,
    /// What the instructor should know of the files.
    pub warnings: Vec<String>,
    /// When the class file was exported, in seconds since 1970, if it says so.
    pub exported_at: Option<u64>,
}

/// Loads a class. It blocks for as long as reading takes.
///
/// # Errors
/// Returns an error if a path is not a regular file, or a file is invalid or keeps changing.
pub fn load(sources: &Sources, limits: &ReadLimits) -> Result<LoadedClass, ReadError> {
    until_unchanged(|| load_once(sources, limits))
}

/// A digest of the bytes of a class file, valid or not.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub fn class_file_digest(path: &Path, limits: &ReadLimits) -> Result<u128, ReadError> {
    Ok(digest_of(&ClassSource::open(path, limits, Threads::ONE)?.files))
}

fn digest_of(class_files: &[FileRead<()>]) -> u128 {
    let mut digest = XxHash3_128::new();
    for file in class_files {
        digest.write(&file.digest.to_le_bytes());
    }
    digest.finish_128()
}

/// Reads the course file alone; one that says nothing if there is none.
///
/// # Errors
/// Returns an error if it cannot be read or is invalid.
pub fn load_course(sources: &Sources) -> Result<Course, ReadError> {
    let course = read_course(sources.course.as_deref())?;
    Ok(course.map_or_else(|| Course::none().clone(), |course| course.content))
}

/// What is understood of a class file, and its class if it is valid.
///
/// # Errors
/// Returns an error if a file cannot be read.
pub fn explain(
    sources: &Sources,
    limits: &ReadLimits,
) -> Result<(Explanation, Option<Class>), ReadError> {
    until_unchanged(|| {
        let course = read_course(sources.course.as_deref())?;
        let options = ReadOptions {
            format: sources.format,
            course: course.as_ref().map_or(Course::none(), |course| &course.content),
            keys: Keys::Optional,
            now: Timestamp::of(SystemTime::now()),
            threads: sources.threads,
            ..ReadOptions::of_any_file(*limits)
        };
        let class = read_class_file(&sources.class, &options, |reading| {
            Ok((reading.explanation, reading.class.ok()))
        })?;
        Ok(class.content)
    })
}

/// Reads the IDs and the keys that a class file has.
///
/// # Errors
/// Returns an error if a file cannot be read, or an ID or a key is not valid.
pub fn load_students(sources: &Sources, limits: &ReadLimits) -> Result<KeyFile, ReadError> {
    until_unchanged(|| {
        let course = read_course(sources.course.as_deref())?;
        let options = ReadOptions {
            format: sources.format,
            course: course.as_ref().map_or(Course::none(), |course| &course.content),
            threads: sources.threads,
            ..ReadOptions::of_any_file(*limits)
        };
        let class = ClassSource::open(&sources.class, limits, sources.threads)?;
        let students = KeyFile::from_class_file(class.content.source(), &options);
        students.map_err(|errors| read_error(&sources.class, errors))
    })
}

/// Reads again what changed while it was read.
fn until_unchanged<T>(mut read: impl FnMut() -> Result<T, ReadError>) -> Result<T, ReadError> {
    let mut attempt = 1;
    loop {
        match read() {
            Err(ReadError { error: ReadErrorKind::ChangedWhileReading, .. })
                if attempt < READ_ATTEMPTS =>
            {
                attempt += 1;
                std::thread::sleep(SETTLE_TIME);
            }
            read => return read,
        }
    }
}

fn load_once(sources: &Sources, limits: &ReadLimits) -> Result<LoadedClass, ReadError> {
    let Some(path) = &sources.keys else {
        return load_class_once(sources, Keys::InClassFile, limits);
    };
    let LoadedKeys { keys, file, digest, warnings } = read_keys(path, sources.strict, limits)?;
    let mut class = load_class_once(sources, Keys::KeyFile(&keys), limits)?;
    check_unchanged(&file.0, file.1)?;
    class.warnings.splice(0..0, warnings);
    class.digests.push(digest);
    class.files.push(file);
    Ok(class)
}

/// The keys of a class, apart from its marks.
pub struct LoadedKeys {
    /// The students' keys.
    pub keys: KeyFile,
    /// The file and the state in which it was read.
    pub file: (PathBuf, FileState),
    /// A digest of the file's bytes.
    pub digest: u128,
    /// What the instructor should know of the file.
    pub warnings: Vec<String>,
}

/// Loads a key file.
///
/// # Errors
/// Returns an error if the path is not a regular file, or the file is invalid or keeps changing.
pub fn load_keys(path: &Path, strict: bool, limits: &ReadLimits) -> Result<LoadedKeys, ReadError> {
    until_unchanged(|| read_keys(path, strict, limits))
}

/// Loads a class whose keys are known already.
///
/// # Errors
/// As [`load`].
pub fn load_class(
    sources: &Sources,
    keys: &KeyFile,
    limits: &ReadLimits,
) -> Result<LoadedClass, ReadError> {
    until_unchanged(|| load_class_once(sources, Keys::KeyFile(keys), limits))
}

fn read_keys(path: &Path, strict: bool, limits: &ReadLimits) -> Result<LoadedKeys, ReadError> {
    let keys = FileRead::read(path, |file| Ok(KeyFile::read(file, limits)?))?;
    let warnings = check_mode(&keys, Contents::Keys, strict)?.into_iter().collect();
    let SeenFile { path, state, digest } = keys.seen();
    Ok(LoadedKeys { keys: keys.content, file: (path, state), digest, warnings })
}

fn load_class_once(
    sources: &Sources,
    keys: Keys<'_>,
    limits: &ReadLimits,
) -> Result<LoadedClass, ReadError> {
    let course = read_course(sources.course.as_deref())?;
    let options = ReadOptions {
        format: sources.format,
        course: course.as_ref().map_or(Course::none(), |course| &course.content),
        keys,
        now: Timestamp::of(SystemTime::now()),
        threads: sources.threads,
        ..ReadOptions::of_any_file(*limits)
    };
    let class = read_class_file(&sources.class, &options, |reading| {
        reading.class.map(|class| (class, reading.explanation))
    })?;
    let contents = match keys {
        Keys::InClassFile => Contents::Keys,
        Keys::KeyFile(_) | Keys::Optional => Contents::Marks,
    };
    let mut warnings = Vec::new();
    for file in &class.files {
        warnings.extend(check_mode(file, contents, sources.strict)?);
    }
    let class_file = digest_of(&class.files);
    let seen = class.files.iter().map(FileRead::seen).chain(course.iter().map(FileRead::seen));
    let files: Vec<_> = seen.collect();
    // The files are read one after the other, so the first may have been replaced in the meantime.
    for SeenFile { path, state, .. } in &files {
        check_unchanged(path, *state)?;
    }
    let (class_content, explanation) = class.content;
    warnings.extend(explanation.warnings);
    Ok(LoadedClass {
        class: class_content,
        digests: files.iter().map(|file| file.digest).collect(),
        class_file,
        files: files.into_iter().map(|file| (file.path, file.state)).collect(),
        warnings,
        exported_at: explanation.exported_at,
    })
}

fn check_unchanged(path: &Path, state: FileState) -> Result<(), ReadError> {
    if FileState::of_path(path) == Some(state) {
        return Ok(());
    }
    Err(ReadError { path: path.to_owned(), error: ReadErrorKind::ChangedWhileReading })
}

fn read_course(path: Option<&Path>) -> Result<Option<FileRead<Course>>, ReadError> {
    let Some(path) = path else { return Ok(None) };
    let limits = ReadLimits { bytes_max: COURSE_BYTES_MAX, rows_max: 0 };
    let course = FileRead::read(path, |file| {
        let bytes = file.read_whole(&limits, Threads::ONE)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| ReadErrorKind::NotUtf8)?;
        Ok(Course::parse(text.strip_prefix('\u{feff}').unwrap_or(text))?)
    })?;
    Ok(Some(course))
}

fn read_class_file<T>(
    path: &Path,
    options: &ReadOptions<'_>,
    take: impl FnOnce(Reading) -> Result<T, ClassFileErrors>,
) -> Result<ClassRead<T>, ReadError> {
    let class = ClassSource::open(path, &options.limits, options.threads)?;
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let options = ReadOptions { file_name: &file_name, ..*options };
    let content = take(read(class.content.source(), &options));
    let content = content.map_err(|errors| read_error(path, errors))?;
    Ok(ClassRead { content, files: class.files })
}

fn read_error(path: &Path, errors: ClassFileErrors) -> ReadError {
    ReadError { path: path.to_owned(), error: errors.into() }
}

/// Checks whether other users can read a file: then it is rejected if it contains keys and the check
/// is strict, and a warning otherwise.
fn check_mode<T>(
    file: &FileRead<T>,
    contents: Contents,
    strict: bool,
) -> Result<Option<String>, ReadError> {
    match file.world_readable(contents) {
        Some(error) if strict && contents == Contents::Keys => Err(error),
        error => Ok(error.map(|error| error.to_string())),
    }
}

#[cfg(test)]
mod tests;
