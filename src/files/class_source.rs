//! The bytes that a class is read from: those of a file, or of the CSV files of a folder.

use std::path::Path;

use class_files::{FolderFile, ReadLimits, Source, Threads};
use fernet_batch::SecretBytes;

use super::regular::{FileRead, ReadError, ReadErrorKind};

/// The file whose folder is a class by itself.
const MANIFEST: &str = "manifest.csv";

/// What was read from a class file or a folder, and the files that were read.
pub(super) struct ClassRead<T> {
    pub(super) content: T,
    pub(super) files: Vec<FileRead<()>>,
}

/// The bytes of a class file, or of the files of a folder.
pub(super) enum ClassSource {
    File(SecretBytes),
    Folder(Vec<FolderFile>),
}

impl ClassSource {
    /// Reads the file, or the CSV files of a folder with a manifest.
    pub(super) fn open(
        path: &Path,
        limits: &ReadLimits,
        threads: Threads,
    ) -> Result<ClassRead<Self>, ReadError> {
        if path.join(MANIFEST).is_file() {
            return Self::open_folder(path, limits);
        }
        let file = FileRead::read(path, |file| Ok(file.read_whole(limits, threads)?))?;
        let (bytes, file) = file.split();
        Ok(ClassRead { content: Self::File(bytes), files: vec![file] })
    }

    /// Reads the CSV files of a folder.
    fn open_folder(folder: &Path, limits: &ReadLimits) -> Result<ClassRead<Self>, ReadError> {
        let failed =
            |error| ReadError { path: folder.to_owned(), error: ReadErrorKind::Open(error) };
        let mut paths = Vec::new();
        for entry in folder.read_dir().map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
                paths.push(path);
            }
        }
        paths.sort();
        let mut left = *limits;
        let (mut contents, mut files) = (Vec::new(), Vec::new());
        for path in paths {
            let (bytes, file) =
                FileRead::read(&path, |file| Ok(file.read_whole(&left, Threads::ONE)?))?.split();
            left.bytes_max =
                left.bytes_max.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            contents.push((name, bytes));
            files.push(file);
        }
        Ok(ClassRead { content: Self::Folder(contents), files })
    }

    pub(super) fn source(&self) -> Source<'_> {
        match self {
            Self::File(bytes) => Source::File(bytes),
            Self::Folder(files) => Source::Folder(files),
        }
    }
}
