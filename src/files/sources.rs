//! Where a class is read from, and by how many threads.

use std::num::NonZero;
use std::path::PathBuf;

use class_files::{Format, Threads};

/// The files of a class.
#[derive(Clone)]
pub struct Sources {
    /// The class file, or the folder of an export.
    pub class: PathBuf,
    /// Its format.
    pub format: Format,
    /// The course file, if there is one.
    pub course: Option<PathBuf>,
    /// The key file, if the keys do not stand in the class file.
    pub keys: Option<PathBuf>,
    /// Whether a file with keys that other users can read is rejected.
    pub strict: bool,
    /// How many threads read the class file.
    pub threads: Threads,
}

impl Sources {
    /// The same files, read by one thread, so that sessions keep the other processors.
    pub(crate) fn read_in_background(&self) -> Self {
        Self { threads: Threads::ONE, ..self.clone() }
    }

    /// A class file of which nothing else is known.
    pub(crate) fn of_class_file(class: PathBuf) -> Self {
        let threads = reading_threads();
        Self { class, format: Format::AUTO, course: None, keys: None, strict: false, threads }
    }
}

/// How many threads read a class file for which somebody waits.
pub(crate) fn reading_threads() -> Threads {
    /// More would wait for each other: what they read is put together by one.
    const THREADS_MAX: usize = 4;
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Threads::up_to(processors.min(THREADS_MAX))
}
