//! Reloading the class file: read and published off the actors' thread, installed only if it is new,
//! valid and not suddenly small.
//!
//! Requests to reload are coalesced: while one reload runs, any number of others is one more. So the
//! last file wins, and an older one never comes back.

use std::sync::Arc;

use grade_actors::Server;
use grade_actors::event::{ServerEvent, SharedSink};
use gradebook::{IdSet, LastEdition, ReleaseHistory};
use tokio::sync::Notify;

use super::background::in_background;
use super::publish::{Publication, PublishError, publish_next};
use crate::files::load::load;
use crate::files::state;
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
    ids: Arc<IdSet>,
    history: ReleaseHistory,
}

/// What reading the class file again found.
enum Reread {
    Unchanged,
    /// So many of so many students are missing.
    Shrunk {
        missing: usize,
        students: usize,
    },
    New(Box<Publication>),
}

impl Reloader {
    /// A reloader that starts from the first edition.
    pub(super) fn new(settings: Arc<Settings>, events: SharedSink, first: &Publication) -> Self {
        let current = Arc::new(Current {
            last: first.last,
            digests: first.digests.clone(),
            ids: Arc::clone(&first.ids),
            history: first.book.release_history().clone(),
        });
        Self { settings, events, current, requested: Arc::default() }
    }

    /// A handle that requests a reload each time it is notified.
    pub(super) fn requested(&self) -> Arc<Notify> {
        Arc::clone(&self.requested)
    }

    /// Reloads whenever that is requested.
    pub(super) async fn run(mut self, server: &Server) {
        loop {
            self.requested.notified().await;
            self.reload(server).await;
        }
    }

    async fn reload(&mut self, server: &Server) {
        let settings = Arc::clone(&self.settings);
        let current = Arc::clone(&self.current);
        match in_background(move || reread(&settings, &current)).await {
            Some(Ok(Reread::New(publication))) => self.install(*publication, server).await,
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
            Some(Err(error)) => self.keep(&error.to_string()),
            None => self.keep("the class file cannot be read: reading it failed"),
        }
    }

    async fn install(&mut self, publication: Publication, server: &Server) {
        let Publication { book, ids, digests, last, warnings, .. } = publication;
        let history = book.release_history().clone();
        if let Err(failed) = server.install(book).await {
            return self.keep(&failed.to_string());
        }
        self.current = Arc::new(Current { last, digests, ids, history });
        for warning in &warnings {
            self.events.emit(&ServerEvent::Warning(warning));
        }
    }

    fn keep(&self, reason: &str) {
        let edition = self.current.last.number;
        self.events.emit(&ServerEvent::EditionKept { edition, reason });
    }
}

/// Reads the class file, and publishes it if it is new.
fn reread(settings: &Settings, current: &Current) -> Result<Reread, PublishError> {
    let loaded = load(&settings.sources, &settings.read_limits)?;
    if loaded.digests == current.digests {
        return Ok(Reread::Unchanged);
    }
    let missing = current.ids.missing_from(&loaded.class.id_set());
    let students = current.ids.len();
    let missing_max = students.saturating_mul(usize::from(settings.shrink_percent_max));
    if missing.saturating_mul(100) > missing_max {
        return Ok(Reread::Shrunk { missing, students });
    }
    let publication = publish_next(loaded, current.last, &current.history, settings)?;
    if let Some(path) = &settings.state_file {
        state::write(path, publication.book.release_history(), publication.last)?;
    }
    Ok(Reread::New(Box::new(publication)))
}
