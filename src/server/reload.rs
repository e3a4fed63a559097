//! Reloading the class file: read and published off the actors' thread, installed only if it is new,
//! valid and not suddenly small.
//!
//! Requests to reload are coalesced: while one reload runs, any number of others is one more. So the
//! last file wins, and an older one never comes back.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fernet_batch::Timestamp;

use grade_actors::Server;
use grade_actors::event::{ServerEvent, SharedSink};
use gradebook::{IdSet, LastEdition};
use tokio::sync::Notify;

use super::background::in_background;
use crate::publishing::in_process::{Publication, PublishError, publish_next, stage};
use crate::settings::Settings;

/// Reloads a class, and knows its current edition.
pub(super) struct Reloader {
    settings: Arc<Settings>,
    events: SharedSink,
    current: Arc<Current>,
    requested: Arc<Notify>,
}

/// The current edition.
struct Current {
    last: LastEdition,
    digests: Vec<u128>,
    exported_at: Option<u64>,
    next_release: Option<Timestamp>,
    ids: IdSet,
}

/// Why a class is read again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Request,
    Release,
}

/// What reading the class file again found.
enum Reread {
    Unchanged,
    /// So many of so many students are missing.
    Shrunk {
        missing: usize,
        students: usize,
    },
    /// The files have changed, which must not be.
    Changed,
    /// The file was exported before the one of the current edition.
    Older {
        exported_at: Timestamp,
        current: Timestamp,
    },
    /// It is published; these are its students.
    New(Box<Publication>, IdSet),
}

impl Reloader {
    /// A reloader that starts from the first edition.
    pub(super) fn new(settings: Arc<Settings>, events: SharedSink, first: &Publication) -> Self {
        let current = Arc::new(Current {
            last: first.last,
            digests: first.digests.clone(),
            exported_at: first.exported_at,
            next_release: first.next_release,
            ids: first.book.id_set(),
        });
        Self { settings, events, current, requested: Arc::default() }
    }

    /// A handle that requests a reload each time it is notified.
    pub(super) fn requested(&self) -> Arc<Notify> {
        Arc::clone(&self.requested)
    }

    /// Reloads whenever that is requested, and when an assessment is released by itself.
    pub(super) async fn run(mut self, server: &Server) {
        let mut tried = None;
        loop {
            let next_release = self.current.next_release;
            let cause = tokio::select! {
                () = self.requested.notified() => Cause::Request,
                () = until(next_release, tried == next_release) => {
                    tried = next_release;
                    Cause::Release
                }
            };
            self.reload(cause, server).await;
        }
    }

    async fn reload(&mut self, cause: Cause, server: &Server) {
        // Whoever does not have the files watched decides when a change is published.
        let unchanged_only = cause == Cause::Release && !self.settings.watch;
        let settings = Arc::clone(&self.settings);
        let current = Arc::clone(&self.current);
        match in_background(move || reread(&settings, &current, unchanged_only)).await {
            Some(Ok(Reread::New(publication, ids))) => {
                self.install(*publication, ids, server).await;
            }
            Some(Ok(Reread::Unchanged)) => {
                self.events.emit(&ServerEvent::ClassUnchanged(self.current.last.number));
            }
            Some(Ok(Reread::Shrunk { missing, students })) => self.keep(&format!(
                "{}: {missing} of {students} students {} missing, more than \
                 gradebook.shrink_percent_max = {}; save the whole file, or raise the setting and \
                 restart",
                self.settings.sources.class.display(),
                if missing == 1 { "is" } else { "are" },
                self.settings.shrink_percent_max
            )),
            Some(Ok(Reread::Changed)) => self.keep(&format!(
                "{}: an assessment is released now, but the files have changed; SIGHUP publishes them",
                self.settings.sources.class.display()
            )),
            Some(Ok(Reread::Older { exported_at, current })) => self.keep(&format!(
                "{}: was exported at {exported_at}, before the file in place, which was exported at \
                 {current}; export it again, or restart the server to publish it",
                self.settings.sources.class.display()
            )),
            Some(Err(error)) => self.keep(&error.to_string()),
            None => self.keep("the class file cannot be read: reading it failed"),
        }
    }

    async fn install(&mut self, publication: Publication, ids: IdSet, server: &Server) {
        let Publication { book, last, digests, exported_at, next_release, warnings, .. } =
            publication;
        if let Err(failed) = server.install(book).await {
            return self.keep(&failed.to_string());
        }
        self.current = Arc::new(Current { last, digests, exported_at, next_release, ids });
        for warning in &warnings {
            self.events.emit(&ServerEvent::Warning(warning));
        }
    }

    fn keep(&self, reason: &str) {
        let edition = self.current.last.number;
        // An event is one line, and a file may have many errors.
        let reason = &reason.replace("\n  ", " | ");
        self.events.emit(&ServerEvent::EditionKept { edition, reason });
    }
}

/// How often the clock is looked at: it may be set, and a machine may sleep.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Waits until a moment, or for ever if there is none. A moment at which a reload was `tried` waits for a
/// while before the next.
pub(super) async fn until(moment: Option<Timestamp>, tried: bool) {
    let Some(Timestamp(seconds)) = moment else { return std::future::pending().await };
    let moment = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let Some(moment) = moment else { return std::future::pending().await };
    if tried {
        tokio::time::sleep(CLOCK_CHECK_INTERVAL).await;
    }
    while let Ok(left) = moment.duration_since(SystemTime::now()) {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(CLOCK_CHECK_INTERVAL)).await;
    }
}

/// Reads the class file, and publishes it if it is new.
fn reread(
    settings: &Settings,
    current: &Current,
    unchanged_only: bool,
) -> Result<Reread, PublishError> {
    let staged = stage(settings, &settings.sources.read_in_background())?;
    if Some(staged.content) == current.last.content {
        return Ok(Reread::Unchanged);
    }
    if unchanged_only && staged.digests != current.digests {
        return Ok(Reread::Changed);
    }
    if let (Some(exported_at), Some(of_current)) = (staged.exported_at, current.exported_at)
        && exported_at < of_current
    {
        let [exported_at, current] = [exported_at, of_current].map(Timestamp);
        return Ok(Reread::Older { exported_at, current });
    }
    let ids = staged.class.id_set();
    let missing = current.ids.missing_from(&ids);
    let students = current.ids.len();
    let missing_max = students.saturating_mul(usize::from(settings.shrink_percent_max));
    if missing.saturating_mul(100) > missing_max {
        return Ok(Reread::Shrunk { missing, students });
    }
    let publication = publish_next(staged, current.last, settings)?;
    Ok(Reread::New(Box::new(publication), ids))
}
