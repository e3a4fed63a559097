//! From a path to a book: one descriptor, a regular file, read whole while nobody writes it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::progress::Progress;
use gradebook::{
    Book, ClassFileError, EditionNumber, KeyFile, ReadOptions, ReleaseHistory, read_class_file,
    read_class_files,
};
use twox_hash::XxHash3_128;

/// How often to read a file that changes while it is read.
const READ_ATTEMPTS: u32 = 5;

/// The permission bits that let others at a file.
pub(crate) const OTHERS: u32 = 0o077;

/// How long to leave a changing file alone before it is read again.
const SETTLE_TIME: Duration = Duration::from_millis(200);

/// Where a class is read from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The class file.
    pub class: PathBuf,
    /// The file of keys, if they do not stand in the class file.
    pub keys: Option<PathBuf>,
    /// Whether files of keys must be their owner's alone.
    pub strict: bool,
}

/// A book with what it was read from.
pub struct LoadedClass {
    /// The book.
    pub book: Book,
    /// Each file and the state in which it was read.
    pub files: Vec<(PathBuf, FileState)>,
    /// The XXH3 of each file's bytes: of no use against forgers, who could as well change the marks.
    pub digests: Vec<u128>,
    /// What the instructor should know of the files.
    pub warning: Option<String>,
}

/// Why there is no book, with the path.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct LoadError {
    path: PathBuf,
    why: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("cannot be opened: {0}")]
    Open(io::Error),
    #[error("is a {0}, not a regular file")]
    NotAFile(&'static str),
    #[error("{0}")]
    ClassFile(#[from] ClassFileError),
    #[error("changed while it was read, {READ_ATTEMPTS} times; save it again when it is complete")]
    ChangedWhileReading,
    #[error("holds keys and others can read it (mode {0:04o}); run chmod 600 on it")]
    WorldReadable(u32),
}

/// Reads and checks a class: all of its files, or none. It blocks, but not for longer than reading takes:
/// not on a FIFO without a writer, not on a device without an end.
///
/// # Errors
/// [`LoadError`] when a path is no regular file, or a file is refused.
pub fn load(
    sources: &Sources,
    options: &ReadOptions,
    edition: EditionNumber,
    before: &ReleaseHistory,
) -> Result<LoadedClass, LoadError> {
    let mut attempt = 1;
    loop {
        match load_once(sources, options, edition, before) {
            Err(LoadError { why: Reason::ChangedWhileReading, .. }) if attempt < READ_ATTEMPTS => {
                attempt += 1;
                std::thread::sleep(SETTLE_TIME);
            }
            loaded => return loaded,
        }
    }
}

fn load_once(
    sources: &Sources,
    options: &ReadOptions,
    edition: EditionNumber,
    before: &ReleaseHistory,
) -> Result<LoadedClass, LoadError> {
    let Some(keys_path) = &sources.keys else {
        let read = |file: &mut Hashed<'_>| read_class_file(file, options, edition, before);
        let class = FileRead::of(&sources.class, read)?;
        // The lab's class file is open to all, as its handout has it.
        let warning = class.world_readable().filter(|_| sources.strict);
        return Ok(class.loaded(None, warning.map(|exposed| exposed.to_string())));
    };
    let read = |file: &mut Hashed<'_>| KeyFile::read(file, options.bytes_max, options.rows_max);
    let keys = FileRead::of(keys_path, read)?;
    let warning = match keys.world_readable() {
        Some(exposed) if sources.strict => return Err(exposed),
        exposed => exposed.map(|exposed| exposed.to_string()),
    };
    let (key_file, keys) = keys.split();
    let read = |file: &mut Hashed<'_>| read_class_files(file, &key_file, options, edition, before);
    let class = FileRead::of(&sources.class, read)?;
    // The files are read one after the other, so the first may have been replaced in the meantime.
    if keys_path.metadata().ok().as_ref().map(FileState::of) != Some(keys.state) {
        return Err(LoadError { path: keys_path.clone(), why: Reason::ChangedWhileReading });
    }
    Ok(class.loaded(Some(keys), warning))
}

/// Reads a regular file whole. Gives what was read, and the file with the state in which it was.
pub(crate) fn read_regular<T>(
    path: &Path,
    read: impl Fn(&mut dyn Read) -> Result<T, ClassFileError>,
) -> Result<(T, File, FileState), LoadError> {
    let FileRead { content, file, state, .. } = FileRead::of(path, |file| read(file))?;
    Ok((content, file, state))
}

/// A file that has been read, and what it held.
struct FileRead<T> {
    file: File,
    path: PathBuf,
    content: T,
    state: FileState,
    mode: u32,
    digest: u128,
}

impl<T> FileRead<T> {
    fn of(
        path: &Path,
        read: impl FnOnce(&mut Hashed<'_>) -> Result<T, ClassFileError>,
    ) -> Result<Self, LoadError> {
        Self::read(path, read).map_err(|why| LoadError { path: path.to_owned(), why })
    }

    fn read(
        path: &Path,
        read: impl FnOnce(&mut Hashed<'_>) -> Result<T, ClassFileError>,
    ) -> Result<Self, Reason> {
        // Opening a FIFO waits for a writer unless asked not to, and a terminal would become ours.
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let open = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = open.map_err(Reason::Open)?;
        let opened = file.metadata().map_err(Reason::Open)?;
        if !opened.is_file() {
            return Err(Reason::NotAFile(kind(&opened)));
        }
        let progress = Progress::of(opened.len());
        let mut hashed = Hashed { file: &file, hasher: XxHash3_128::new(), bytes: 0, progress };
        let content = read(&mut hashed);
        let digest = hashed.hasher.finish_128();
        // A file that is being written may be refused for what it is only now: so this comes first.
        let read_state = file.metadata().map_err(Reason::Open)?;
        let state = FileState::of(&read_state);
        if state != FileState::of(&opened) {
            return Err(Reason::ChangedWhileReading);
        }
        let (path, mode) = (path.to_owned(), opened.mode() & 0o777);
        drop(hashed);
        Ok(Self { file, path, content: content?, state, mode, digest })
    }

    /// That others can read it, if they can.
    fn world_readable(&self) -> Option<LoadError> {
        let exposed = self.mode & OTHERS != 0;
        exposed
            .then(|| LoadError { path: self.path.clone(), why: Reason::WorldReadable(self.mode) })
    }

    fn split(self) -> (T, FileRead<()>) {
        let Self { file, path, content, state, mode, digest } = self;
        (content, FileRead { file, path, content: (), state, mode, digest })
    }
}

impl FileRead<Book> {
    /// The book with the files that it comes from.
    fn loaded(self, keys: Option<FileRead<()>>, warning: Option<String>) -> LoadedClass {
        let (book, class) = self.split();
        let read: Vec<_> = std::iter::once(class).chain(keys).collect();
        let digests = read.iter().map(|file| file.digest).collect();
        let files = read.into_iter().map(|file| (file.path, file.state)).collect();
        LoadedClass { book, files, digests, warning }
    }
}

/// The state of a file: what changes when it is written, replaced or renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileState {
    /// The state that a file's metadata tell.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Only what tells one file from another.
    pub fn identity(self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

fn kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "directory",
        () if kind.is_fifo() => "FIFO",
        () if kind.is_socket() => "socket",
        () => "device",
    }
}

/// A file whose bytes are hashed and counted as they are read.
struct Hashed<'a> {
    file: &'a File,
    hasher: XxHash3_128,
    bytes: u64,
    progress: Progress,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hasher.write(buffer.get(..read).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        self.progress.advance(self.bytes);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use gradebook::PrivacyPolicy;

    use super::*;

    const OPTIONS: ReadOptions =
        ReadOptions { bytes_max: 1 << 20, rows_max: 1000, policy: PrivacyPolicy::NONE };

    fn refused(path: &Path) -> String {
        let class = Sources { class: path.to_owned(), keys: None, strict: false };
        match load(&class, &OPTIONS, EditionNumber(1), &ReleaseHistory::default()) {
            Ok(_) => panic!("was accepted"),
            Err(error) => error.to_string().replace(&path.display().to_string(), "PATH"),
        }
    }

    #[test]
    fn the_example_class_is_a_book() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("settings/example_class.csv");
        let class = Sources { class: path, keys: None, strict: false };
        let loaded = load(&class, &OPTIONS, EditionNumber(3), &ReleaseHistory::default()).unwrap();
        assert_eq!((loaded.book.students(), loaded.book.edition()), (20, EditionNumber(3)));
        let again = load(&class, &OPTIONS, EditionNumber(4), &ReleaseHistory::default()).unwrap();
        assert_eq!(loaded.digests, again.digests, "the digest is of the bytes");
    }

    #[test]
    fn what_is_no_regular_file_is_refused_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(refused(folder.path()), "PATH: is a directory, not a regular file");
        assert_eq!(refused(Path::new("/dev/zero")), "PATH: is a device, not a regular file");
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        assert_eq!(refused(&fifo), "PATH: is a FIFO, not a regular file");
        let missing = folder.path().join("no.csv");
        assert_eq!(
            refused(&missing),
            "PATH: cannot be opened: No such file or directory (os error 2)"
        );
        let dangling = folder.path().join("link");
        std::os::unix::fs::symlink(&missing, &dangling).unwrap();
        assert!(refused(&dangling).contains("No such file"));
    }
}
