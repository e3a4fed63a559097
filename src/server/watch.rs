//! Watching files for changes.
//!
//! The folder is watched, not the file: a watched file is lost when an editor replaces it by renaming.
//! Since a folder can be replaced too, or be on a file system that reports nothing, the file is also
//! checked from time to time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use grade_actors::event::{EventSink, ServerEvent};
use notify_debouncer_full::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::files::FileState;
use crate::files::private_file::folder_of;

/// How long a file must be left alone before it is read: editors write in several steps.
const SETTLE_TIME: Duration = Duration::from_millis(300);

/// How often the file is checked without an event of its folder.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A file to watch.
pub(super) struct Watched {
    /// Its path.
    pub(super) path: PathBuf,
    /// The state in which it was loaded; `None` if it was not there.
    pub(super) state: Option<FileState>,
}

/// A watcher that works as long as it is kept, and the folder that it watches.
struct ArmedWatcher {
    folder: Option<(u64, u64)>,
    _watcher: Watcher,
}

type Watcher = Debouncer<RecommendedWatcher, RecommendedCache>;

/// Notifies `changed` each time the file differs from its last state, for ever.
pub(super) async fn watch(file: Watched, changed: Arc<Notify>, events: &dyn EventSink) {
    let last_seen = Arc::new(LastSeen { state: Mutex::new(file.state), path: file.path });
    let mut armed = None;
    let mut failure_emitted = false;
    loop {
        let checking = Arc::clone(&last_seen);
        let notifying = Arc::clone(&changed);
        // On another thread, since a file system may be slow.
        let check = move || {
            let armed = keep_armed(armed, &checking, &notifying);
            // A change while no watcher was armed made no event.
            if checking.has_changed() {
                notifying.notify_one();
            }
            armed
        };
        armed = match tokio::task::spawn_blocking(check).await {
            Ok(Ok(watcher)) => {
                failure_emitted = false;
                Some(watcher)
            }
            Ok(Err(error)) if !failure_emitted => {
                failure_emitted = true;
                events.emit(&ServerEvent::WatchFailed(&error.to_string()));
                None
            }
            _ => None,
        };
        sleep(CHECK_INTERVAL).await;
    }
}

/// A watcher of the folder that is there now: the given one, or a new one.
fn keep_armed(
    armed: Option<ArmedWatcher>,
    last_seen: &Arc<LastSeen>,
    changed: &Arc<Notify>,
) -> Result<ArmedWatcher, notify_debouncer_full::notify::Error> {
    let folder = FileState::of_path(folder_of(&last_seen.path)).map(FileState::identity);
    match armed {
        Some(armed) if armed.folder == folder => Ok(armed),
        _ => Ok(ArmedWatcher { folder, _watcher: arm(last_seen, changed)? }),
    }
}

fn arm(
    last_seen: &Arc<LastSeen>,
    changed: &Arc<Notify>,
) -> Result<Watcher, notify_debouncer_full::notify::Error> {
    let checking = Arc::clone(last_seen);
    let changed = Arc::clone(changed);
    // Which event came for which file in the folder matters less than whether ours has changed: reading
    // a file is an event too, and a rename is two.
    let on_event = move |_: DebounceEventResult| {
        if checking.has_changed() {
            changed.notify_one();
        }
    };
    let mut watcher = new_debouncer(SETTLE_TIME, None, on_event)?;
    watcher.watch(folder_of(&last_seen.path), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// The state in which a file was last seen.
struct LastSeen {
    path: PathBuf,
    state: Mutex<Option<FileState>>,
}

impl LastSeen {
    /// Returns true if the file has another state than last time, or is gone. The state is kept.
    fn has_changed(&self) -> bool {
        let now = FileState::of_path(&self.path);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *state, now) != now
    }
}
