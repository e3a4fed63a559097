//! The newest edition that each course has answered with, so that an older one is noticed: somebody on
//! the way could hold answers back, or run an old copy of the server.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gradebook::EditionNumber;

/// The editions that have been seen, in a file of the user's state folder.
#[derive(Debug)]
pub(super) struct Editions {
    file: Option<PathBuf>,
    /// By audience and student ID, and apart for numbers of each kind.
    seen: Mutex<BTreeMap<String, u64>>,
    /// Says something to the user.
    notice: fn(&str),
}

/// The editions seen before cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: cannot be read, so an old answer could pass for a new one: {error}; remove the file to begin \
     again",
    path.display()
)]
pub(super) struct EditionsError {
    path: PathBuf,
    error: io::Error,
}

impl Editions {
    /// The editions that earlier runs have seen: none if there is no such file or folder. `notice` is called
    /// if a server numbers its editions in another way than before.
    ///
    /// # Errors
    /// Returns an error if there is a file that cannot be read.
    pub(super) fn load(notice: fn(&str)) -> Result<Self, EditionsError> {
        let file = state_folder().map(|folder| folder.join("grade-client/editions.json"));
        let mut seen = BTreeMap::new();
        if let Some(path) = &file {
            seen = read(path).map_err(|error| EditionsError { path: path.clone(), error })?;
        }
        Ok(Self { file, seen: Mutex::new(seen), notice })
    }

    /// Records an edition.
    ///
    /// # Errors
    /// Returns the newer edition, if one has been seen.
    pub(super) fn record(
        &self,
        audience: &str,
        id: &str,
        edition: EditionNumber,
    ) -> Result<(), EditionNumber> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let [by_clock, counted] = [format!("{audience}/{id}"), format!("{audience}/{id} counted")];
        let is_from_clock = edition.is_from_clock();
        let (same, other) = if is_from_clock { (by_clock, counted) } else { (counted, by_clock) };
        if seen.contains_key(&other) && !seen.contains_key(&same) {
            (self.notice)(match is_from_clock {
                true => {
                    "notice: the server now numbers its editions by its clock, and no longer counts them"
                }
                false => {
                    "notice: the server now counts its editions, and no longer numbers them by its clock"
                }
            });
        }
        let newest = seen.entry(same).or_default();
        if *newest > edition.0 {
            return Err(EditionNumber(*newest));
        }
        if *newest < edition.0 {
            *newest = edition.0;
            // If the folder cannot be written, the next run starts without this edition.
            drop(self.save(&seen));
        }
        Ok(())
    }

    /// The file, if there is a folder for it.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    fn save(&self, seen: &BTreeMap<String, u64>) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        // Another client of this user may have seen newer editions meanwhile.
        let mut all = seen.clone();
        for (key, edition) in read(file).unwrap_or_default() {
            let newest = all.entry(key).or_default();
            *newest = edition.max(*newest);
        }
        let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(folder)?;
        // Renamed into place, so that the file is never incomplete.
        let temp = folder.join(format!("editions.{}.tmp", std::process::id()));
        let mut out = fs::File::create(&temp)?;
        out.write_all(serde_json::to_string(&all)?.as_bytes())?;
        fs::rename(&temp, file)
    }
}

/// The folder for the state of programs: `XDG_STATE_HOME`, or `.local/state` in the home folder.
fn state_folder() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    state
        .filter(|path| path.is_absolute())
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")))
}

/// The content of the file; empty if there is none.
fn read(file: &Path) -> io::Result<BTreeMap<String, u64>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editions() -> Editions {
        Editions { file: None, seen: Mutex::default(), notice: |_| {} }
    }

    #[test]
    fn an_edition_below_one_of_its_kind_is_old_and_kinds_are_not_compared() {
        let editions = editions();
        let record = |number| editions.record("a", "1", EditionNumber(number));
        let by_clock = 1_800_000_000_000;
        assert_eq!(record(by_clock), Ok(()));
        assert_eq!(record(3), Ok(()), "the server counts now");
        assert_eq!(record(2), Err(EditionNumber(3)));
        assert_eq!(record(by_clock - 1), Err(EditionNumber(by_clock)));
        assert_eq!(record(4), Ok(()));
        assert_eq!(editions.record("a", "2", EditionNumber(1)), Ok(()), "of another student");
        assert_eq!(editions.record("b", "1", EditionNumber(1)), Ok(()), "of another course");
    }

    #[test]
    fn a_change_of_kind_is_noticed_once() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NOTICES: AtomicUsize = AtomicUsize::new(0);
        let notice = |text: &str| {
            assert!(text.contains("now counts its editions"));
            NOTICES.fetch_add(1, Ordering::SeqCst);
        };
        let editions = Editions { notice, ..editions() };
        for number in [1_800_000_000_000, 1, 2, 1_800_000_000_001, 3] {
            assert_eq!(editions.record("a", "1", EditionNumber(number)), Ok(()));
        }
        assert_eq!(NOTICES.load(Ordering::SeqCst), 1);
    }
}
