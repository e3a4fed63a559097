//! Noticing that the class file has changed.
//!
//! The folder is watched, not the file: a watched file is lost when an editor replaces it by
//! renaming. And since a folder can be replaced too, or be on a file system that tells nothing, the
//! file is also looked at now and then.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify_debouncer_full::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::console::{Console, Notice};

/// How long a file must be left alone before it is read: editors write in several steps.
const SETTLE_TIME: Duration = Duration::from_millis(300);

/// How often to look without having been told.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

type Watcher = Debouncer<RecommendedWatcher, RecommendedCache>;

/// Notifies `wanted` each time the file at `path` has changed, for ever.
pub(crate) async fn watch(path: PathBuf, wanted: Arc<Notify>, console: &Console) {
    let seen = Arc::new(Seen { stamp: Mutex::new(Stamp::of(&path)), path });
    let mut armed: Option<(Watcher, Option<Stamp>)> = None;
    loop {
        let folder = Stamp::of(seen.folder()).map(Stamp::identity);
        if armed.as_ref().is_none_or(|(_, watched)| *watched != folder) {
            let told = armed.is_some();
            armed = match arm(&seen, &wanted) {
                Ok(watcher) => Some((watcher, folder)),
                Err(error) => {
                    if !told {
                        console.notice(&Notice::NotWatched(error.to_string()));
                    }
                    None
                }
            };
        }
        sleep(LOOK_INTERVAL).await;
        let looking = Arc::clone(&seen);
        if tokio::task::spawn_blocking(move || looking.has_changed()).await.unwrap_or(false) {
            wanted.notify_one();
        }
    }
}

fn arm(
    seen: &Arc<Seen>,
    wanted: &Arc<Notify>,
) -> Result<Watcher, notify_debouncer_full::notify::Error> {
    let (looking, wanted) = (Arc::clone(seen), Arc::clone(wanted));
    // What happened, and to which file in the folder, matters less than whether ours has changed:
    // reading a file is an event too, and a rename is two.
    let changed = move |_: DebounceEventResult| {
        if looking.has_changed() {
            wanted.notify_one();
        }
    };
    let mut watcher = new_debouncer(SETTLE_TIME, None, changed)?;
    watcher.watch(seen.folder(), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// The state in which the file was last seen.
struct Seen {
    path: PathBuf,
    stamp: Mutex<Option<Stamp>>,
}

impl Seen {
    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Whether the file is there and differs from when it was last seen; it counts as seen then.
    fn has_changed(&self) -> bool {
        let now = Stamp::of(&self.path);
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = now != *stamp;
        *stamp = now;
        changed
    }
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Only what tells a file from another one.
    fn identity(self) -> Self {
        Self { bytes: 0, modified: (0, 0), changed: (0, 0), ..self }
    }
}
