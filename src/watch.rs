//! Noticing that the class file has changed.
//!
//! The folder is watched, not the file: a watched file is lost when an editor replaces it by
//! renaming. And since a folder can be replaced too, or be on a file system that tells nothing, the
//! file is also looked at now and then.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify_debouncer_full::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::console::Notice;
use crate::fanout::Fanout;
use crate::loading::FileState;

/// How long a file must be left alone before it is read: editors write in several steps.
const SETTLE_TIME: Duration = Duration::from_millis(300);

/// How often to look without having been told.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The file to watch.
pub(crate) struct Watched {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The state in which it was loaded.
    pub(crate) state: FileState,
}

/// A watcher that works as long as it is held, and the folder that it watches.
struct Armed {
    folder: Option<(u64, u64)>,
    _watcher: Watcher,
}

type Watcher = Debouncer<RecommendedWatcher, RecommendedCache>;

/// Notifies `wanted` each time the file has changed, for ever; first against the state in which it
/// was loaded.
pub(crate) async fn watch(file: Watched, wanted: Arc<Notify>, fanout: &Fanout) {
    let seen = Arc::new(Seen { state: Mutex::new(Some(file.state)), path: file.path });
    let mut armed = None;
    let mut told = false;
    loop {
        let (looking, waking) = (Arc::clone(&seen), Arc::clone(&wanted));
        // Files are looked at on another thread, since a file system may take its time.
        let look = move || {
            let armed = keep_armed(armed, &looking, &waking);
            // What changed while no watcher was armed has gone unheard.
            if looking.has_changed() {
                waking.notify_one();
            }
            armed
        };
        armed = match tokio::task::spawn_blocking(look).await {
            Ok(Ok(watcher)) => {
                told = false;
                Some(watcher)
            }
            Ok(Err(error)) if !told => {
                told = true;
                fanout.notice(&Notice::NotWatched(error.to_string()));
                None
            }
            _ => None,
        };
        sleep(LOOK_INTERVAL).await;
    }
}

/// A watcher of the folder that is there now: the one at hand, or a new one.
fn keep_armed(
    armed: Option<Armed>,
    seen: &Arc<Seen>,
    wanted: &Arc<Notify>,
) -> Result<Armed, notify_debouncer_full::notify::Error> {
    let folder = state(seen.folder()).map(FileState::identity);
    match armed {
        Some(armed) if armed.folder == folder => Ok(armed),
        _ => Ok(Armed { folder, _watcher: arm(seen, wanted)? }),
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
    state: Mutex<Option<FileState>>,
}

impl Seen {
    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Whether the file differs from when it was last seen, or is gone; it counts as seen then.
    fn has_changed(&self) -> bool {
        let now = state(&self.path);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = now != *state;
        *state = now;
        changed
    }
}

fn state(path: &Path) -> Option<FileState> {
    path.metadata().ok().map(|metadata| FileState::of(&metadata))
}
