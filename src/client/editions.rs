//! The newest edition that each course has answered with, so that an old one is noticed: somebody on
//! the way could keep a server's answers back, or run an old copy of it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gradebook::EditionNumber;

/// What has been seen, in a file of the user's state folder.
#[derive(Debug)]
pub struct Editions {
    file: Option<PathBuf>,
    /// By audience and student ID.
    seen: Mutex<BTreeMap<String, u64>>,
}

/// What was seen before cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: cannot be read, so old answers would pass for new ones: {why}; remove it to begin anew",
    path.display()
)]
pub struct Damaged {
    path: PathBuf,
    why: io::Error,
}

impl Editions {
    /// What earlier runs have seen: nothing, where there is no such file or no such folder.
    ///
    /// # Errors
    /// [`Damaged`] when there is a file that does not say it.
    pub fn of_user() -> Result<Self, Damaged> {
        let state =
            env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        let file = state.or_else(home).map(|folder| folder.join("grade-client/editions.json"));
        let seen = match file.as_deref().map(|path| (path, read(path))) {
            Some((path, Err(why))) => return Err(Damaged { path: path.to_owned(), why }),
            Some((_, Ok(seen))) => seen,
            None => BTreeMap::new(),
        };
        Ok(Self { file, seen: Mutex::new(seen) })
    }

    /// Takes down an edition.
    ///
    /// # Errors
    /// The newer edition that has been seen already.
    pub fn see(
        &self,
        audience: &str,
        id: &str,
        edition: EditionNumber,
    ) -> Result<(), EditionNumber> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = seen.entry(format!("{audience}/{id}")).or_default();
        if *newest > edition.0 {
            return Err(EditionNumber(*newest));
        }
        if *newest < edition.0 {
            *newest = edition.0;
            // A folder that cannot be written makes the next run forget, and this one go on.
            drop(self.save(&seen));
        }
        Ok(())
    }

    fn save(&self, seen: &BTreeMap<String, u64>) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        // Another client of this user may have seen newer ones meanwhile.
        let mut all = seen.clone();
        for (key, edition) in read(file).unwrap_or_default() {
            let newest = all.entry(key).or_default();
            *newest = edition.max(*newest);
        }
        let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(folder)?;
        // Renamed into place, so that it is never half there.
        let fresh = folder.join(format!("editions.{}.tmp", std::process::id()));
        let mut out = fs::File::create(&fresh)?;
        out.write_all(serde_json::to_string(&all)?.as_bytes())?;
        fs::rename(&fresh, file)
    }
}

/// What a file says that has been seen: nothing, if it is not there.
fn read(file: &Path) -> io::Result<BTreeMap<String, u64>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}
