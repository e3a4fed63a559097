//! What publishes in the running server: a publisher with a history, or a reader of the class file without one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use grade_actors::Server;
use grade_actors::event::SharedSink;
use gradebook::Book;
use tokio::sync::{Notify, mpsc};

use super::admin::AdminTask;
use super::editions::ServedEditions;
use super::reload::Reloader;
use super::watch::Watched;
use crate::files::FileState;
use crate::publishing::in_process::publish_first;
use crate::publishing::{LockWait, Publisher, Started};
use crate::settings::Settings;

/// The most commands that wait while another one is at work.
const COMMANDS_MAX: usize = 8;

/// What publishes, before it has published.
pub(super) enum Prepared {
    InProcess,
    History(Box<Publisher>),
}

/// What the server starts with.
pub(super) struct First {
    /// The book of the current edition.
    pub(super) book: Book,
    /// What the operator should know of the files and the class.
    pub(super) warnings: Vec<String>,
    /// The files to watch.
    pub(super) watched: Vec<Watched>,
}

/// What publishes while the server runs.
pub(super) struct Reloading {
    pub(super) reloader: AnyReloader,
    /// Where commands about editions go.
    pub(super) commands: Option<mpsc::Sender<AdminTask>>,
}

pub(super) enum AnyReloader {
    InProcess(Reloader),
    History(ServedEditions),
}

impl Prepared {
    /// Opens the history, if there is to be one.
    ///
    /// # Errors
    /// Returns an error if another server has it, or it cannot be read.
    pub(super) fn open(settings: &Arc<Settings>, events: &SharedSink) -> anyhow::Result<Self> {
        if settings.history.is_none() {
            return Ok(Self::InProcess);
        }
        let wait = LockWait::begin();
        loop {
            match Publisher::open(Arc::clone(settings), Arc::clone(events)) {
                Ok(publisher) => return Ok(Self::History(Box::new(publisher))),
                // A command has the history for a moment.
                Err(error) if wait.continues_after(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Publishes what is to be published at the start.
    ///
    /// # Errors
    /// Returns an error if there is no edition to serve.
    pub(super) fn start(
        self,
        settings: &Arc<Settings>,
        events: &SharedSink,
    ) -> anyhow::Result<(First, Reloading)> {
        // Before the files are read: a change while they are read is noticed then.
        let states = states(settings);
        match self {
            Self::InProcess => {
                let first = publish_first(settings)?;
                let reloader = Reloader::new(Arc::clone(settings), Arc::clone(events), &first);
                let watched = first.files.into_iter().map(watched).collect();
                let first = First { book: first.book, warnings: first.warnings, watched };
                let reloader = AnyReloader::InProcess(reloader);
                Ok((first, Reloading { reloader, commands: None }))
            }
            Self::History(mut publisher) => {
                let Started { book, candidate, warnings } = publisher.start(Arc::clone(events))?;
                let read = candidate.map_or_else(Vec::new, |candidate| candidate.files);
                let unread = states
                    .into_iter()
                    .filter(|(path, _)| read.iter().all(|(read, _)| read != path));
                let unread: Vec<_> = unread.map(|(path, state)| Watched { path, state }).collect();
                let watched = read.iter().cloned().map(watched).chain(unread).collect();
                let (commands, tasks) = mpsc::channel(COMMANDS_MAX);
                let served = ServedEditions::new(*publisher, tasks, Arc::clone(events));
                let reloader = AnyReloader::History(served);
                let first = First { book, warnings, watched };
                Ok((first, Reloading { reloader, commands: Some(commands) }))
            }
        }
    }
}

impl AnyReloader {
    /// The publisher, which has the history as long as it exists.
    pub(super) fn publisher(&self) -> Option<Arc<Mutex<Publisher>>> {
        match self {
            Self::InProcess(_) => None,
            Self::History(served) => Some(served.publisher()),
        }
    }

    /// A handle that requests a reload each time it is notified.
    pub(super) fn requested(&self) -> Arc<Notify> {
        match self {
            Self::InProcess(reloader) => reloader.requested(),
            Self::History(served) => served.requested(),
        }
    }

    /// Reloads whenever that is requested or due.
    pub(super) async fn run(self, server: &Server) {
        match self {
            Self::InProcess(reloader) => reloader.run(server).await,
            Self::History(served) => served.run(server).await,
        }
    }
}

/// The files that the settings name, and their states.
fn states(settings: &Settings) -> Vec<(PathBuf, Option<FileState>)> {
    let sources = &settings.sources;
    let paths = [Some(&sources.class), sources.course.as_ref(), sources.keys.as_ref()];
    let paths = paths.into_iter().flatten();
    paths.map(|path| (path.clone(), FileState::of_path(path))).collect()
}

fn watched((path, state): (PathBuf, FileState)) -> Watched {
    Watched { path, state: Some(state) }
}
