//! The log: one line or one JSON object for each event, through `tracing`.
//!
//! It prints no key, no mark and no text of a line that is not a request.

use grade_actors::event::{CloseReason, EventSink, PublishingEvent, ServerEvent};
use tracing::{Level, debug, error, info, warn};
use tracing_subscriber::EnvFilter;

use super::printer::Printer;
use super::text::{ACCEPT, PUBLISH, numbers, page_address, part_name, rejection_text};
use crate::command_line::CommandLine;
use crate::redact::{escape, redact_id};

/// Logs events. The variable `RUST_LOG` sets the level, `info` by default.
pub(super) struct LogConsole(CommandLine);

impl LogConsole {
    /// One text line for each event.
    pub(super) fn text(printer: Printer, command_line: CommandLine) -> Self {
        // A second console in one process, as in a test, leaves the first one in place.
        drop(subscriber(printer).try_init());
        Self(command_line)
    }

    /// One JSON object for each event.
    pub(super) fn json(printer: Printer, command_line: CommandLine) -> Self {
        drop(subscriber(printer).json().flatten_event(true).try_init());
        Self(command_line)
    }
}

type Subscriber = tracing_subscriber::fmt::SubscriberBuilder<
    tracing_subscriber::fmt::format::DefaultFields,
    tracing_subscriber::fmt::format::Format,
    EnvFilter,
    Printer,
>;

fn subscriber(printer: Printer) -> Subscriber {
    let filter = EnvFilter::builder().with_default_directive(Level::INFO.into()).from_env_lossy();
    // The HTTP library reports every malformed request as an error.
    let quiet = ["actix_http=off", "actix_web=off"].iter().filter_map(|part| part.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false)
        .with_writer(printer)
}

impl EventSink for LogConsole {
    fn emit(&self, event: &ServerEvent<'_>) {
        match event {
            ServerEvent::ClassRead { path, book } => {
                let assessments = book.assessments().count();
                let file = path.to_string_lossy();
                let students = book.students();
                info!(file = %escape(&file), students, assessments, "class file read");
            }
            ServerEvent::Listening(addresses) => {
                for address in *addresses {
                    info!(%address, port = address.port(), "listening");
                }
            }
            ServerEvent::PageServed { address, is_secure, hash } => {
                let url = page_address(*address, *is_secure);
                info!(%address, port = address.port(), url, sha256 = hash, "serving the page");
            }
            ServerEvent::CertificateExchanged => info!("certificate exchanged"),
            ServerEvent::Accepted { session, peer } => {
                debug!(%session, %peer, "connection accepted");
            }
            ServerEvent::ConnectionRejected(peer) => {
                debug!(%peer, "connection rejected: too many from its source");
            }
            ServerEvent::Answered { session, request: Ok(request), outcome, .. } => {
                let id = &*redact_id(&request.id, *outcome);
                let command = request.command.word();
                debug!(%session, id, command, outcome = outcome.word(), "request");
            }
            ServerEvent::Answered { session, request: Err(rejection), .. } => {
                let what = rejection_text(*rejection);
                debug!(%session, refusal = rejection.word(), what, "request rejected");
            }
            ServerEvent::Ended { session, reason: CloseReason::Panicked, requests } => {
                error!(%session, requests, "session failed");
            }
            ServerEvent::Ended { session, reason, requests } => {
                debug!(%session, requests, ending = %reason, "connection ended");
            }
            ServerEvent::AcceptPaused(error) => warn!(%error, "cannot accept connections"),
            ServerEvent::AcceptFailed(error) => error!(%error, "the listening socket failed"),
            ServerEvent::AcceptResumed(failures) => {
                info!(failures, "connections are accepted again");
            }
            ServerEvent::Panicked(part) => {
                error!(part = part_name(*part), "a part failed and restarts");
            }
            ServerEvent::TooManyRestarts => error!("too many restarts; the server ends"),
            ServerEvent::Installed { edition, students } => {
                info!(edition = edition.0, students, "class file installed");
            }
            ServerEvent::ClassUnchanged(edition) => {
                info!(edition = edition.0, "class file unchanged");
            }
            ServerEvent::EditionKept { edition, reason } => {
                warn!(edition = edition.0, why = %escape(reason), "class file not installed");
            }
            ServerEvent::KeysExchanged(students) => info!(students, "keys exchanged"),
            ServerEvent::Publishing(event) => log_publishing(event, &self.0),
            ServerEvent::WatchFailed(reason) => {
                warn!(why = %escape(reason), "class file not watched, read from time to time");
            }
            ServerEvent::Warning(text) => warn!("{text}"),
            ServerEvent::AuditFailed(reason) => {
                let why = escape(reason);
                error!(%why, "refusing requests: cannot write the audit log");
            }
            ServerEvent::AuditResumed(refused) => {
                info!(refused, "writing the audit log again, and answering requests");
            }
            ServerEvent::Draining(open) => info!(open, "stopping"),
            ServerEvent::Drained(cut_off) => info!(cut_off, "stopped"),
        }
    }

    fn wants_requests(&self) -> bool {
        tracing::enabled!(Level::DEBUG)
    }
}

fn log_publishing(event: &PublishingEvent<'_>, command_line: &CommandLine) {
    match event {
        PublishingEvent::Published { edition, by, of: None } => {
            info!(edition = edition.0, by, "edition published");
        }
        PublishingEvent::Published { edition, by, of: Some(of) } => {
            info!(edition = edition.0, by, of = of.0, "edition published");
        }
        PublishingEvent::Held { edition, rules, reason } => {
            let why = &*escape(reason);
            let command = &*command_line.with(ACCEPT);
            warn!(edition = edition.0, rules, why, command, "class file held");
        }
        PublishingEvent::Staged { edition, digest } => {
            let command = &*command_line.with(PUBLISH);
            info!(edition = edition.0, digest, command, "class file staged");
        }
        PublishingEvent::Pruned(editions) => {
            let editions = &*numbers(editions);
            info!(editions, "oldest editions removed");
        }
    }
}
