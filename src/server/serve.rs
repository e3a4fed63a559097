//! Serving a class from the start to the signal that ends it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use fernet_batch::Timestamp;
use futures_util::future::join_all;
use grade_actors::audit::SharedAudit;
use grade_actors::event::{EventSink, ServerEvent, SharedSink};
use grade_actors::{LabProfile, Profile, Server, ServerConfig, bind};
use gradebook::{Answers, Book};
use listenfd::ListenFd;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::file_limit::raise_nofile_limit;
use super::publish::{Publication, publish_first};
use super::reload::Reloader;
use super::signals::{Signal, Signals};
use super::watch::{Watched, watch};
use crate::audit::AuditLog;
use crate::events::{Console, Fanout, Systemd};
use crate::files::state;
use crate::settings::{Settings, exposure_text};

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
    let started_at = Timestamp::of(SystemTime::now());
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let first = publish_first(&settings)?;
    if settings.profile.is_sealed() {
        until_after(started_at).await;
    }
    let socket = listen(&settings)?;
    let address = socket.local_addr().context("the listening socket has no address")?;
    // A socket from the service manager may have another address than the settings.
    if let Err(exposure) = settings.profile.check_exposure(address.ip()) {
        bail!("cannot listen on {address}: {}", exposure_text(exposure));
    }
    if let Some(path) = &settings.state_file {
        state::write(path, first.book.release_history(), first.book.edition())?;
    }
    let outputs: SharedSink = Arc::new(Fanout::new(vec![console.sink(), Arc::new(Systemd)]));
    let audit = open_audit(&settings, &outputs)?;
    let events: SharedSink = match &audit {
        Some(audit) => Arc::new(Fanout::new(vec![outputs, Arc::<AuditLog>::clone(audit)])),
        None => outputs,
    };
    let settings = Arc::new(settings);
    let reloader = Reloader::new(Arc::clone(&settings), Arc::clone(&events), &first);
    let watched = watched_files(&settings, &first);
    let server = start(&settings, started_at, socket, address, first, audit.clone(), &events)?;
    let mut run = Run { server: &server, audit: audit.as_deref(), events: &*events };
    let outcome = run.until_end(reloader, watched, &mut signals).await;
    if outcome == ServeOutcome::Stopped {
        tokio::select! {
            _ = server.drain(Instant::now() + settings.drain) => server.close(),
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
    server: &'a Server,
    audit: Option<&'a AuditLog>,
    events: &'a dyn EventSink,
}

impl Run<'_> {
    /// Reloads when that is requested, until a signal or too many failures end the service.
    async fn until_end(
        &mut self,
        reloader: Reloader,
        watched: Vec<Watched>,
        signals: &mut Signals,
    ) -> ServeOutcome {
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
        tokio::pin!(reloading, watching);
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop => return ServeOutcome::Stopped,
                    Signal::Reload => reload_requested.notify_one(),
                    Signal::Reopen => {
                        if let Some(audit) = self.audit {
                            audit.reopen();
                        }
                    }
                },
                () = self.server.too_many_restarts() => return ServeOutcome::TooManyRestarts,
                () = &mut reloading => {}
                () = &mut watching => {}
            }
        }
    }
}

/// The listening socket: one from the service manager, or one of our own.
fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    if let Some(socket) = ListenFd::from_env().take_tcp_listener(0)? {
        socket.set_nonblocking(true)?;
        let socket = TcpListener::from_std(socket);
        return socket.context("the socket from the service manager is not usable");
    }
    let address = settings.listen;
    bind(address).map_err(|error| {
        let remedy = listen_remedy(error.kind());
        anyhow::Error::new(error)
            .context(format!("cannot listen on {address} (server.listen); {remedy}"))
    })
}

/// What to do if the server cannot listen.
const fn listen_remedy(error: ErrorKind) -> &'static str {
    match error {
        ErrorKind::AddrInUse => "stop the other server on this port, or choose another port",
        ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege: choose a port from 1024 on, or let systemd open it"
        }
        ErrorKind::AddrNotAvailable => "choose an address of this machine",
        _ => "check the address",
    }
}

/// The audit log, if there is to be one.
fn open_audit(settings: &Settings, outputs: &SharedSink) -> anyhow::Result<Option<Arc<AuditLog>>> {
    let Some(options) = &settings.audit else { return Ok(None) };
    let sessions_max = settings.connections.total;
    let profile = settings.profile.name();
    let log = AuditLog::open(options, profile, sessions_max, Arc::clone(outputs))?;
    Ok(Some(Arc::new(log)))
}

fn watched_files(settings: &Settings, first: &Publication) -> Vec<Watched> {
    if !settings.watch {
        return Vec::new();
    }
    let files = first.files.iter().cloned();
    files.map(|(path, state)| Watched { path, state }).collect()
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
    socket: TcpListener,
    address: SocketAddr,
    first: Publication,
    audit: Option<Arc<AuditLog>>,
    events: &SharedSink,
) -> anyhow::Result<Server> {
    let path = &settings.sources.class;
    events.emit(&ServerEvent::ClassRead { path, book: &first.book });
    let mut connections = settings.connections;
    let possible = raise_nofile_limit(connections.total, settings.workers);
    let mut warnings = settings.warnings.clone();
    if possible < connections.total {
        warnings.push(format!(
            "limits.connections = {} is lowered to {possible}, the most that the limit of open \
             descriptors allows; raise that limit (ulimit -n, LimitNOFILE=)",
            connections.total
        ));
        connections.total = possible;
    }
    warnings.extend(profile_warning(&settings.profile, address).map(str::to_owned));
    warnings.extend(first.warnings);
    if !settings.policy.applies() {
        warnings.push(
            "gradebook.population_min = 1 releases averages of any number of marks, which can reveal \
             single marks; 5 is safe"
                .to_owned(),
        );
    }
    for warning in &warnings {
        events.emit(&ServerEvent::Warning(warning));
    }
    let config = ServerConfig {
        socket,
        book: first.book,
        started_at,
        profile: settings.profile.clone(),
        session: settings.session.clone(),
        connections,
        workers: settings.workers,
        restarts_max: settings.restarts_max,
        audit: audit.map(|audit| -> SharedAudit { audit }),
        events: Arc::clone(events),
        answer: Book::answer,
        seal: Answers::seal,
    };
    Server::start(config).context("cannot start")
}

/// What a profile exposes on an address.
fn profile_warning(profile: &Profile, address: SocketAddr) -> Option<&'static str> {
    match profile {
        Profile::Lab(LabProfile { reveal_pause: Some(_), .. }) => Some(
            "lab.reveal_key = true sends each answer's key behind it, as the student report's clients \
             expect; nothing is secret",
        ),
        Profile::Lab(_) if !address.ip().is_loopback() => {
            Some("requests travel in clear: anyone on the way sees who asks, but no mark")
        }
        _ => None,
    }
}
