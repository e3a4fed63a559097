//! Reloading the class file: read and checked off the actors' thread, installed only when it is new,
//! valid and not suddenly small.
//!
//! Requests for a reload are coalesced: while one is under way, any number of others is one more.
//! So the last file wins, and an older one never comes back.

use std::path::PathBuf;
use std::sync::Arc;

use grade_actors::Server;
use gradebook::{EditionNumber, IdSet, ReadOptions, ReleaseHistory};
use tokio::sync::Notify;

use crate::console::Notice;
use crate::fanout::Fanout;
use crate::loading::{LoadError, LoadedClass, Sources, load};
use crate::state::{self, StateError};

/// The class file, with the file of keys if there is one, and what is known of its current edition.
pub(crate) struct Reloader {
    /// Where it is.
    sources: Sources,
    /// What it may be.
    options: ReadOptions,
    /// The most of the students, in percent, that may be missing from a new edition.
    shrink_percent_max: u8,
    /// Where what is told is kept, before it is told.
    state_file: Option<PathBuf>,
    current: Current,
    wanted: Arc<Notify>,
}

/// The edition that answers.
#[derive(Clone)]
struct Current {
    edition: EditionNumber,
    digests: Vec<u128>,
    id_set: Arc<IdSet>,
    /// What this edition and those before it have told.
    history: ReleaseHistory,
}

/// Why there is no new edition.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum Refused {
    Load(#[from] LoadError),
    State(#[from] StateError),
}

/// What became of reading the file again.
enum Read {
    Unchanged,
    Shrunk { lost: usize, of: usize },
    New(Box<LoadedClass>, Arc<IdSet>),
}

impl Reloader {
    /// A reloader that starts from what has been loaded first.
    pub(crate) fn new(
        sources: Sources,
        options: ReadOptions,
        shrink_percent_max: u8,
        state_file: Option<PathBuf>,
        first: &LoadedClass,
    ) -> Self {
        let current = Current {
            edition: first.book.edition(),
            digests: first.digests.clone(),
            id_set: Arc::new(first.book.id_set()),
            history: first.book.release_history().clone(),
        };
        Self { sources, options, shrink_percent_max, state_file, current, wanted: Arc::default() }
    }

    /// A handle that asks for a reload each time it is notified.
    pub(crate) fn wanted(&self) -> Arc<Notify> {
        Arc::clone(&self.wanted)
    }

    /// Reloads whenever it is wanted.
    pub(crate) async fn run(mut self, server: &Server, fanout: &Fanout) {
        loop {
            self.wanted.notified().await;
            self.reload(server, fanout).await;
        }
    }

    async fn reload(&mut self, server: &Server, fanout: &Fanout) {
        let (sources, options) = (self.sources.clone(), self.options);
        let (current, shrink_percent_max) = (self.current.clone(), self.shrink_percent_max);
        let state_file = self.state_file.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let read = read_again(&sources, options, &current, shrink_percent_max)?;
            if let (Some(path), Read::New(loaded, _)) = (&state_file, &read) {
                state::write(path, loaded.book.release_history(), loaded.book.edition())?;
            }
            Ok::<_, Refused>(read)
        });
        let kept = |why: String| Notice::Kept(self.current.edition, why);
        let notice = match reading.await {
            Ok(Ok(Read::New(loaded, id_set))) => {
                let LoadedClass { book, digests, warning, .. } = *loaded;
                let (edition, history) = (book.edition(), book.release_history().clone());
                match server.install(book).await {
                    Ok(()) => {
                        self.current = Current { edition, digests, id_set, history };
                        if let Some(warning) = warning {
                            fanout.notice(&Notice::Warning(&warning));
                        }
                        return;
                    }
                    Err(failed) => kept(failed.to_string()),
                }
            }
            Ok(Ok(Read::Unchanged)) => Notice::Unchanged(self.current.edition),
            Ok(Ok(Read::Shrunk { lost, of })) => kept(format!(
                "{}: {lost} of {of} students are missing, more than gradebook.shrink_percent_max = \
                 {shrink_percent_max}; save the whole file, or raise the setting and restart",
                self.sources.class.display()
            )),
            Ok(Err(error)) => kept(error.to_string()),
            Err(_) => kept("the class file could not be read: reading it failed".to_owned()),
        };
        fanout.notice(&notice);
    }
}

fn read_again(
    sources: &Sources,
    options: ReadOptions,
    current: &Current,
    shrink_percent_max: u8,
) -> Result<Read, LoadError> {
    let edition = EditionNumber(current.edition.0.saturating_add(1));
    let loaded = load(sources, &options, edition, &current.history)?;
    if loaded.digests == current.digests {
        return Ok(Read::Unchanged);
    }
    let id_set = loaded.book.id_set();
    let (lost, of) = (current.id_set.missing_from(&id_set), current.id_set.len());
    if lost.saturating_mul(100) > of.saturating_mul(usize::from(shrink_percent_max)) {
        return Ok(Read::Shrunk { lost, of });
    }
    Ok(Read::New(Box::new(loaded), Arc::new(id_set)))
}
