//! Serving a class from the start to the signal that ends it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use fernet_batch::Timestamp;
use futures_util::future::join_all;
use grade_actors::audit::SharedAudit;
use grade_actors::event::{EventSink, ServerEvent, SharedSink};
use grade_actors::{ConnectionLimits, Server, ServerConfig};
use gradebook::{Answers, Book};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::admin::AdminSocket;
use super::file_limit::raise_nofile_limit;
use super::http::{self, HttpServer, PreparedHttp};
use super::listen::{addresses, listen};
use super::prepare::{First, Prepared, Reloading};
use super::signals::{Signal, Signals};
use super::warnings::start_warnings;
use super::watch::{Watched, watch};
use crate::audit::AuditLog;
use crate::events::{Console, Fanout, Systemd};
use crate::files::FileState;
use crate::settings::Settings;

/// How the service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServeOutcome {
    /// By a signal.
    Stopped,
    /// Its parts failed too often.
    TooManyRestarts,
}

/// Serves the class until a signal ends the service. It runs in an actix system.
///
/// # Errors
/// Returns an error if the service cannot start: a file is invalid, or the port is taken.
pub async fn serve(settings: Settings, console: &Console) -> anyhow::Result<ServeOutcome> {
    // Dropped last: as long as this server may answer, no other one has its history.
    let _history_in_use;
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let settings = Arc::new(settings);
    let outputs: SharedSink = Arc::new(Fanout::new(vec![console.sink(), Arc::new(Systemd)]));
    // Taken before anything is published: a server that still runs publishes until it ends.
    let prepared = Prepared::open(&settings, &outputs)?;
    let (sockets, http) = listen_soon(&settings).await?;
    // What an earlier server answered, it received before this one had the history and the ports.
    let started_at = Timestamp::of(SystemTime::now());
    if settings.profile.is_sealed() {
        until_after(started_at).await;
    }
    let audit = open_audit(&settings, &outputs)?;
    let events: SharedSink = match &audit {
        Some(audit) => Arc::new(Fanout::new(vec![outputs, Arc::<AuditLog>::clone(audit)])),
        None => outputs,
    };
    let admin = settings.history.as_ref().map(|history| AdminSocket::bind(&history.socket));
    let admin = admin.transpose()?;
    let (first, reloading) = prepared.start(&settings, &events)?;
    _history_in_use = reloading.reloader.publisher();
    let watched = if settings.watch { first.watched } else { Vec::new() };
    let connections = connection_limits(&settings);
    let first = First { watched: Vec::new(), ..first };
    let server =
        start(&settings, started_at, (sockets, connections), first, audit.clone(), &events)?;
    let http = HttpServer::start(http, &settings, connections.total, &server, &events)?;
    let mut run = Run {
        settings: &settings,
        server: &server,
        http: &http,
        admin: admin.as_ref(),
        audit: audit.as_deref(),
        events: &*events,
    };
    let outcome = run.until_end(reloading, watched, &mut signals).await;
    if outcome == ServeOutcome::Stopped {
        tokio::select! {
            () = drain(&server, &http, Instant::now() + settings.drain) => {
                http.close();
                server.close();
            }
            // A second signal to stop cuts off the sessions that are still open.
            () = signals.stop() => {}
        }
    }
    if let Some(audit) = &audit {
        audit.close(match outcome {
            ServeOutcome::Stopped => "stopped",
            ServeOutcome::TooManyRestarts => "too many restarts",
        });
    }
    Ok(outcome)
}

/// What runs while the service does.
struct Run<'a> {
    settings: &'a Settings,
    server: &'a Server,
    http: &'a HttpServer,
    admin: Option<&'a AdminSocket>,
    audit: Option<&'a AuditLog>,
    events: &'a dyn EventSink,
}

impl Run<'_> {
    /// Says that a reload does not apply settings that were changed since the start.
    fn warn_of_changed_settings(&self) {
        if let Some((path, state)) = &self.settings.file
            && FileState::of_path(path) != Some(*state)
        {
            self.events.emit(&ServerEvent::Warning(&format!(
                "{}: changed since the start; SIGHUP reloads the class file, the key file and the certificate only, and a \
                 restart applies settings",
                path.display()
            )));
        }
    }

    /// Reloads when that is requested, until a signal or too many failures end the service.
    async fn until_end(
        &mut self,
        reloading: Reloading,
        watched: Vec<Watched>,
        signals: &mut Signals,
    ) -> ServeOutcome {
        let Reloading { reloader, commands } = reloading;
        let reload_requested = reloader.requested();
        let mut watches = Vec::new();
        for file in watched {
            watches.push(watch(file, Arc::clone(&reload_requested), self.events));
        }
        let watching = async {
            join_all(watches).await;
            std::future::pending::<()>().await;
        };
        let reloading = reloader.run(self.server);
        let admin = self.admin.zip(commands);
        let commanding = async {
            match admin {
                Some((admin, commands)) => admin.serve(commands).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(reloading, watching, commanding);
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop => return ServeOutcome::Stopped,
                    Signal::Reload => {
                        self.warn_of_changed_settings();
                        self.http.reload_certificate(self.events);
                        reload_requested.notify_one();
                    }
                    Signal::Reopen => {
                        if let Some(audit) = self.audit {
                            audit.reopen();
                        }
                    }
                },
                () = self.server.too_many_restarts() => return ServeOutcome::TooManyRestarts,
                () = self.http.failed() => return ServeOutcome::TooManyRestarts,
                () = &mut reloading => {}
                () = &mut watching => {}
                () = &mut commanding => {}
            }
        }
    }
}

/// Ends the sessions and the service of the page.
async fn drain(server: &Server, http: &HttpServer, deadline: Instant) {
    tokio::join!(server.drain(deadline), http.drain(deadline));
}

/// The number of connections that the limit of open descriptors allows, raised as far as possible: so many
/// to sessions, and so many to the page.
fn connection_limits(settings: &Settings) -> ConnectionLimits {
    let listeners = settings.listeners();
    let threads = settings.workers.saturating_mul(listeners);
    let wanted = settings.connections.total.saturating_mul(listeners);
    let total = raise_nofile_limit(wanted, threads) / listeners;
    ConnectionLimits { total: total.max(1), ..settings.connections }
}

/// The audit log, if there is to be one.
fn open_audit(settings: &Settings, outputs: &SharedSink) -> anyhow::Result<Option<Arc<AuditLog>>> {
    let Some(options) = &settings.audit else { return Ok(None) };
    let sessions_max = settings.connections.total;
    let profile = settings.profile.name();
    let log = AuditLog::open(options, profile, sessions_max, Arc::clone(outputs))?;
    Ok(Some(Arc::new(log)))
}

/// How long a port may be in use by a server that was just told to stop, and how often it is tried.
const RELEASE_MAX: Duration = Duration::from_secs(1);
const RELEASE_PAUSE: Duration = Duration::from_millis(50);

/// Listens on all addresses, once they are free.
async fn listen_soon(
    settings: &Settings,
) -> anyhow::Result<(Vec<TcpListener>, Option<PreparedHttp>)> {
    let give_up = Instant::now() + RELEASE_MAX;
    loop {
        let listening =
            listen(settings).and_then(|sockets| Ok((sockets, http::prepare(settings)?)));
        let is_in_use = |error: &anyhow::Error| {
            let error = error.downcast_ref::<io::Error>();
            error.is_some_and(|error| error.kind() == ErrorKind::AddrInUse)
        };
        match listening {
            Err(error) if is_in_use(&error) && Instant::now() < give_up => {
                sleep(RELEASE_PAUSE).await;
            }
            done => return done,
        }
    }
}

/// Waits until the second of this time is over, by the wall clock.
async fn until_after(time: Timestamp) {
    const SECOND: Duration = Duration::from_secs(1);
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(time.0) + SECOND;
    // If the clock was set back since, waiting longer would not help: requests are then answered as
    // soon as it reaches that second.
    let left = end.duration_since(SystemTime::now()).unwrap_or_default().min(SECOND);
    sleep(left).await;
}

fn start(
    settings: &Settings,
    started_at: Timestamp,
    (sockets, connections): (Vec<TcpListener>, ConnectionLimits),
    first: First,
    audit: Option<Arc<AuditLog>>,
    events: &SharedSink,
) -> anyhow::Result<Server> {
    let path = &settings.sources.class;
    events.emit(&ServerEvent::ClassRead { path, book: &first.book });
    for warning in start_warnings(settings, &first.warnings, &addresses(&sockets)?) {
        events.emit(&ServerEvent::Warning(&warning));
    }
    let config = ServerConfig {
        sockets,
        book: first.book,
        started_at,
        profile: settings.profile.clone(),
        session: settings.session.clone(),
        connections,
        proxies: settings.proxies.clone(),
        workers: settings.workers,
        restarts_max: settings.restarts_max,
        audit: audit.map(|audit| -> SharedAudit { audit }),
        events: Arc::clone(events),
        answer: Book::answer,
        seal: Answers::seal,
    };
    Server::start(config).context("cannot start")
}

/// Checks what a start needs beside the class: addresses, audit file. It changes nothing.
///
/// # Errors
/// Returns the first reason for which a start would fail now.
pub(crate) fn check_start(settings: &Settings) -> anyhow::Result<Vec<SocketAddr>> {
    // All sockets at once: two listeners cannot have one port.
    let sockets = grade_actors::run(async {
        let sockets = listen(settings)?;
        let _http = http::prepare(settings)?;
        anyhow::Ok(addresses(&sockets)?)
    })?;
    if let Some(options) = &settings.audit {
        AuditLog::check(options)?;
    }
    Ok(sockets)
}
