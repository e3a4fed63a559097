//! Publishing in the running server: the publisher works on a background thread, one thing at a time, and what it
//! publishes is installed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use grade_actors::Server;
use grade_actors::event::{ServerEvent, SharedSink};
use gradebook::EditionNumber;
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

use super::admin::AdminTask;
use super::background::in_background;
use super::reload::until;
use crate::publishing::{Publisher, TaskError};

/// The publisher of the running server.
pub(super) struct ServedEditions {
    publisher: Arc<Mutex<Publisher>>,
    requested: Arc<Notify>,
    tasks: mpsc::Receiver<AdminTask>,
    events: SharedSink,
}

/// How long to wait before what could not be stored is saved again: a hold must not wait for an operator.
const SAVE_AGAIN_PAUSE: Duration = Duration::from_secs(5);

/// Why the publisher works.
enum Cause {
    Saved,
    Unsaved,
    Release,
    Command(AdminTask),
}

impl ServedEditions {
    /// A publisher that has started, and what commands ask of it.
    pub(super) fn new(
        publisher: Publisher,
        tasks: mpsc::Receiver<AdminTask>,
        events: SharedSink,
    ) -> Self {
        let publisher = Arc::new(Mutex::new(publisher));
        Self { publisher, requested: Arc::default(), tasks, events }
    }

    /// The publisher, which has the history as long as it exists.
    pub(super) fn publisher(&self) -> Arc<Mutex<Publisher>> {
        Arc::clone(&self.publisher)
    }

    /// A handle that requests a reload each time it is notified.
    pub(super) fn requested(&self) -> Arc<Notify> {
        Arc::clone(&self.requested)
    }

    /// Publishes and installs whenever something is saved, due or commanded.
    pub(super) async fn run(mut self, server: &Server) {
        let mut tried = None;
        loop {
            let next_release = self.with(Publisher::next_release);
            let has_unsaved = self.with(Publisher::has_unsaved);
            let cause = tokio::select! {
                () = self.requested.notified() => Cause::Saved,
                () = until(next_release, tried == next_release) => {
                    tried = next_release;
                    Cause::Release
                }
                () = sleep(SAVE_AGAIN_PAUSE), if has_unsaved => Cause::Unsaved,
                Some(task) = self.tasks.recv() => Cause::Command(task),
            };
            match cause {
                Cause::Saved => self.work(server, Publisher::save).await,
                Cause::Unsaved => self.work(server, Publisher::save_again).await,
                Cause::Release => self.work(server, Publisher::release).await,
                Cause::Command(AdminTask { request, reply }) => {
                    let run = move |publisher: &mut Publisher| {
                        let (task, offer, who) =
                            request.into_parts().map_err(|error| TaskError(error.to_string()))?;
                        publisher.run(task, offer, who)
                    };
                    let done = self.work(server, run).await;
                    let failed = || TaskError("the server failed to do it".to_owned());
                    // A command that went away does not wait for its reply.
                    drop(reply.send(done.unwrap_or_else(|| Err(failed()))));
                    continue;
                }
            };
        }
    }

    /// Works on the background thread, and installs what is published. Returns `None` if the work panicked.
    async fn work<T: Send + 'static>(
        &self,
        server: &Server,
        work: impl FnOnce(&mut Publisher) -> T + Send + 'static,
    ) -> Option<T> {
        let publisher = Arc::clone(&self.publisher);
        let worked = in_background(move || {
            let mut publisher = publisher.lock().unwrap_or_else(PoisonError::into_inner);
            let done = work(&mut publisher);
            (done, publisher.take_book())
        });
        let Some((done, book)) = worked.await else {
            self.keep("publishing failed");
            return None;
        };
        if let Some(book) = book
            && let Err(failed) = server.install(book).await
        {
            self.keep(&failed.to_string());
        }
        Some(done)
    }

    fn with<T>(&self, look: impl FnOnce(&Publisher) -> T) -> T {
        look(&self.publisher.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, reason: &str) {
        let edition: EditionNumber = self.with(Publisher::current_number);
        self.events.emit(&ServerEvent::EditionKept { edition, reason });
    }
}
