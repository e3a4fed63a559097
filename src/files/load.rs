//! Loading a class: its class file, and its key file if there is one. All of its files, or none.

use std::path::PathBuf;
use std::time::Duration;

use class_files::{KeyFile, ReadLimits, read_class};
use gradebook::Class;

pub use super::regular::ReadError;
use super::regular::{Contents, FileRead, FileState, ReadErrorKind};

/// How often a file is read that changes while it is read.
const READ_ATTEMPTS: u32 = 5;

/// How long to leave a changing file alone before it is read again.
const SETTLE_TIME: Duration = Duration::from_millis(200);

/// The files of a class.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The class file.
    pub class: PathBuf,
    /// The key file, if the keys do not stand in the class file.
    pub keys: Option<PathBuf>,
    /// Whether a file with keys that other users can read is rejected.
    pub strict: bool,
}

/// A class with what it was read from.
pub struct LoadedClass {
    /// The class.
    pub class: Class,
    /// Each file and the state in which it was read.
    pub files: Vec<(PathBuf, FileState)>,
    /// A digest of each file's bytes.
    pub digests: Vec<u128>,
    /// What the instructor should know of the files.
    pub warnings: Vec<String>,
}

/// Loads a class. It blocks for as long as reading takes.
///
/// # Errors
/// Returns an error if a path is not a regular file, or a file is invalid or keeps changing.
pub fn load(sources: &Sources, limits: &ReadLimits) -> Result<LoadedClass, ReadError> {
    let mut attempt = 1;
    loop {
        match load_once(sources, limits) {
            Err(ReadError { error: ReadErrorKind::ChangedWhileReading, .. })
                if attempt < READ_ATTEMPTS =>
            {
                attempt += 1;
                std::thread::sleep(SETTLE_TIME);
            }
            loaded => return loaded,
        }
    }
}

fn load_once(sources: &Sources, limits: &ReadLimits) -> Result<LoadedClass, ReadError> {
    let Some(keys_path) = &sources.keys else {
        let class = FileRead::read(&sources.class, |file| read_class(file, None, limits))?;
        let warning = check_mode(&class, Contents::Keys, sources.strict)?;
        return Ok(LoadedClass {
            files: vec![(class.path, class.state)],
            digests: vec![class.digest],
            class: class.content,
            warnings: Vec::from_iter(warning),
        });
    };
    let keys = FileRead::read(keys_path, |file| KeyFile::read(file, limits))?;
    let keys_warning = check_mode(&keys, Contents::Keys, sources.strict)?;
    let class =
        FileRead::read(&sources.class, |file| read_class(file, Some(&keys.content), limits))?;
    let class_warning = check_mode(&class, Contents::Marks, sources.strict)?;
    // The files are read one after the other, so the first may have been replaced in the meantime.
    if FileState::of_path(keys_path) != Some(keys.state) {
        let error = ReadErrorKind::ChangedWhileReading;
        return Err(ReadError { path: keys_path.clone(), error });
    }
    Ok(LoadedClass {
        files: vec![(class.path, class.state), (keys.path, keys.state)],
        digests: vec![class.digest, keys.digest],
        class: class.content,
        warnings: keys_warning.into_iter().chain(class_warning).collect(),
    })
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
mod tests {
    use std::path::Path;

    use super::*;

    const LIMITS: ReadLimits = ReadLimits { bytes_max: 1 << 20, rows_max: 1000 };

    fn rejected(path: &Path) -> String {
        let sources = Sources { class: path.to_owned(), keys: None, strict: false };
        match load(&sources, &LIMITS) {
            Ok(_) => panic!("was accepted"),
            Err(error) => error.to_string().replace(&path.display().to_string(), "PATH"),
        }
    }

    #[test]
    fn the_example_class_loads_with_a_digest_of_its_bytes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("settings/example_class.csv");
        let sources = Sources { class: path, keys: None, strict: false };
        let loaded = load(&sources, &LIMITS).unwrap();
        assert_eq!(loaded.class.students(), 20);
        assert_eq!(loaded.digests, load(&sources, &LIMITS).unwrap().digests);
    }

    #[test]
    fn a_path_that_is_not_a_regular_file_is_rejected_at_once() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(rejected(folder.path()), "PATH: is a directory, not a regular file");
        assert_eq!(rejected(Path::new("/dev/zero")), "PATH: is a device, not a regular file");
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        assert_eq!(rejected(&fifo), "PATH: is a FIFO, not a regular file");
        let missing = folder.path().join("no.csv");
        assert_eq!(
            rejected(&missing),
            "PATH: cannot be opened: No such file or directory (os error 2)"
        );
        let dangling = folder.path().join("link");
        std::os::unix::fs::symlink(&missing, &dangling).unwrap();
        assert!(rejected(&dangling).contains("No such file"));
    }
}
