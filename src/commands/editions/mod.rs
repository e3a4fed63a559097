//! The commands about editions: `diff`, `publish`, `editions`, `rollback`, and `preview` of what is kept.
//!
//! The running server does what they ask for; where none runs, they do it themselves.

pub(crate) mod diff;
pub(crate) mod list;
pub(crate) mod publish;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use grade_actors::event::{EventSink, PublishingEvent, ServerEvent};
use nix::unistd::{Uid, User};

use super::CommandError;
use crate::admin;
use crate::files::load::Sources;
use crate::process::complain;
use crate::publishing::{Done, LockWait, Offer, Publisher, Task, TaskError, read_offer};
use crate::redact::{escape, show_path};
use crate::settings::Settings;

/// Asks the running server, or does it where none runs.
pub(crate) fn ask(
    settings: &Arc<Settings>,
    task: Task,
    offer: Option<&Offer>,
) -> Result<Done, CommandError> {
    let socket = &settings.history()?.socket;
    let who = user_name();
    let wait = LockWait::begin();
    loop {
        let asked = admin::ask(socket, &task, offer, who.as_deref());
        if let Some(done) = asked.map_err(CommandError::failed)? {
            return Ok(done);
        }
        match Publisher::open(Arc::clone(settings), Arc::new(CommandEvents)) {
            Ok(mut publisher) => {
                return publisher.run(task, offer.cloned(), who).map_err(CommandError::failed);
            }
            // A server that starts does not answer yet.
            Err(error) if wait.continues_after(&error) => {}
            Err(error) if error.is_locked() => {
                let text = format!("{error}; it does not answer at {}", show_path(socket));
                return Err(CommandError::failed(text));
            }
            Err(error) => return Err(CommandError::failed(error)),
        }
    }
}

/// The file that a command names, read as the settings say; `None` if it is the configured one.
fn offer(settings: &Settings, file: Option<PathBuf>) -> Result<Option<Offer>, CommandError> {
    let Some(file) = file else { return Ok(None) };
    let is_configured = |path: &Path| {
        path.canonicalize().ok().is_some_and(|path| {
            settings.sources.class.canonicalize().is_ok_and(|configured| configured == path)
        })
    };
    if is_configured(&file) {
        return Ok(None);
    }
    let sources = Sources { class: file, ..settings.sources.clone() };
    let (offer, warnings) = read_offer(settings, &sources).map_err(CommandError::failed)?;
    for warning in warnings {
        complain(&format!("warning: {warning}"));
    }
    Ok(Some(offer))
}

/// Who publishes: the user, also one who became root with sudo.
fn user_name() -> Option<String> {
    /// As long as a name in the history may be.
    const BYTES_MAX: usize = 64;
    let sudo = std::env::var("SUDO_USER").ok().filter(|_| Uid::effective().is_root());
    let sudo = sudo.filter(|name| (1..=BYTES_MAX).contains(&name.len()));
    let user = || User::from_uid(Uid::effective()).ok().flatten().map(|user| user.name);
    let name = sudo.or_else(user)?;
    Some(escape(&name).into_owned()).filter(|name| name.len() <= BYTES_MAX)
}

/// An answer that does not belong to the task.
fn unexpected() -> CommandError {
    CommandError::failed(TaskError("the server gave another answer".to_owned()))
}

/// Prints what a command without a server should say.
struct CommandEvents;

impl EventSink for CommandEvents {
    fn emit(&self, event: &ServerEvent<'_>) {
        match event {
            ServerEvent::Warning(text) => complain(&format!("warning: {text}")),
            ServerEvent::Publishing(PublishingEvent::Pruned(editions)) => {
                let numbers: Vec<_> =
                    editions.iter().map(|edition| edition.0.to_string()).collect();
                complain(&format!("note: removed the oldest editions: {}", numbers.join(", ")));
            }
            _ => {}
        }
    }
}
