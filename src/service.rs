//! The running server: what main starts and signals steer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use grade_actors::audit::SharedAudit;
use grade_actors::event::SharedSink;
use grade_actors::{Profile, Server, ServerConfig, bind};
use gradebook::{Book, EditionNumber, Sealer, Timestamp};
use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::audit::{self, AuditLog};
use crate::console::{Console, Notice};
use crate::fanout::Fanout;
use crate::file_limit::raise_nofile_limit;
use crate::loading::{LoadedClass, load};
use crate::reload::Reloader;
use crate::settings::Settings;
use crate::signals::{SignalAction, Signals};
use crate::state;
use crate::watch::{Watched, watch};
use futures_util::future::join_all;

/// How the service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was told to stop.
    Stopped,
    /// Its parts failed too often.
    TooManyRestarts,
}

/// Serves the class until a signal ends it. It runs in an actix system.
///
/// # Errors
/// When it cannot start: the class file is refused, or the port is taken.
pub async fn serve(settings: Settings, console: Arc<Console>) -> anyhow::Result<Outcome> {
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let (before, last) =
        settings.state_file.as_deref().map(state::read).transpose()?.unwrap_or_default();
    let edition = first_edition(&settings, last);
    let first = load(&settings.sources, &settings.read, edition, &before)?;
    let socket = listen(&settings)?;
    let address = socket.local_addr().context("the listening socket has no address")?;
    if settings.session_config.reveal_pause.is_some() && !address.ip().is_loopback() {
        bail!(
            "lab.reveal_key sends every key in clear, so it works on loopback only, not on {address}"
        );
    }
    if !settings.may_be_remote && !address.ip().is_loopback() {
        bail!(
            "requests in clear from other machines tell who asks, so {address} needs server.profile = \
             \"sealed\", or server.allow_clear_requests = true"
        );
    }
    let reloader = Reloader::new(
        settings.sources.clone(),
        settings.read,
        settings.shrink_percent_max,
        settings.state_file.clone(),
        &first,
    );
    if let Some(path) = &settings.state_file {
        state::write(path, first.book.release_history(), first.book.edition())?;
    }
    let fanout = Arc::new(Fanout { audit: open_audit(&settings, &console)?, console });
    fanout.notice(&Notice::ClassFile(&settings.sources.class, &first.book));
    let watched = first.files.iter().filter(|_| settings.watch).cloned();
    let watched = watched.map(|(path, state)| Watched { path, state }).collect();
    let drain = settings.drain;
    let server = open(settings, socket, address, first, &fanout)?;
    notify_manager(&[NotifyState::Ready]);
    let end = until_stopped(&server, reloader, watched, &mut signals, &fanout).await;
    if end == Outcome::Stopped {
        notify_manager(&[NotifyState::Stopping]);
        tokio::select! {
            _ = server.drain(Instant::now() + drain) => server.close(),
            // Told twice: whoever is still waiting is cut off now.
            () = signals.stop() => {}
        }
    }
    if let Some(audit) = &fanout.audit {
        audit.close(match end {
            Outcome::Stopped => "stopped",
            Outcome::TooManyRestarts => "too many restarts",
        });
    }
    Ok(end)
}

/// Runs until a signal or the failure of the server ends it, reloading whenever that is wanted.
async fn until_stopped(
    server: &Server,
    reloader: Reloader,
    watched: Vec<Watched>,
    signals: &mut Signals,
    fanout: &Fanout,
) -> Outcome {
    let wanted = reloader.wanted();
    let reloads = reloader.run(server, fanout);
    let watching = async {
        let each = watched.into_iter().map(|file| watch(file, Arc::clone(&wanted), fanout));
        join_all(each).await;
        std::future::pending::<()>().await;
    };
    tokio::pin!(reloads, watching);
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                SignalAction::Stop => return Outcome::Stopped,
                SignalAction::Reload => wanted.notify_one(),
                SignalAction::Reopen => {
                    if let Some(audit) = &fanout.audit {
                        audit.reopen();
                    }
                }
            },
            () = server.exceeded() => return Outcome::TooManyRestarts,
            () = &mut reloads => {}
            () = &mut watching => {}
        }
    }
}

/// The number of the first edition: above those of earlier runs, if that is known. Clients of sealed
/// replies see to it that editions never run back, so there it is the time in milliseconds at least, and
/// reading a class file takes longer than one.
fn first_edition(settings: &Settings, last: EditionNumber) -> EditionNumber {
    let time = match settings.profile {
        Profile::Clear(_) => 1,
        Profile::Sealed(_) => Timestamp::of(SystemTime::now()).0.saturating_mul(1_000),
    };
    EditionNumber(time.max(last.0.saturating_add(1)))
}

/// The audit, if there is to be one.
fn open_audit(
    settings: &Settings,
    console: &Arc<Console>,
) -> Result<Option<Arc<AuditLog>>, audit::OpenError> {
    let profile = match settings.profile {
        Profile::Clear(_) => "lab",
        Profile::Sealed(_) => "sealed",
    };
    let (connections, console) = (settings.connections.total, Arc::clone(console));
    let Some(options) = &settings.audit else { return Ok(None) };
    AuditLog::open(options, profile, connections, console).map(|audit| Some(Arc::new(audit)))
}

/// The listening socket: one that a service manager hands over, or one of our own.
fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    if let Some(socket) = ListenFd::from_env().take_tcp_listener(0)? {
        socket.set_nonblocking(true)?;
        return TcpListener::from_std(socket).context("the socket handed over is not usable");
    }
    let listen = settings.listen;
    bind(listen).with_context(|| {
        format!("cannot listen on {listen} (server.listen); is another server on this port?")
    })
}

fn open(
    settings: Settings,
    socket: TcpListener,
    address: SocketAddr,
    first: LoadedClass,
    fanout: &Arc<Fanout>,
) -> anyhow::Result<Server> {
    let Settings { session_config, mut connections, workers, restarts_max, profile, read, .. } =
        settings;
    let fitting = raise_nofile_limit(connections.total, workers);
    if fitting < connections.total {
        let text = format!(
            "limits.connections = {} is lowered to {fitting}, all that the limit of open \
             descriptors has room for; raise that (ulimit -n, LimitNOFILE=)",
            connections.total
        );
        fanout.notice(&Notice::Warning(&text));
        connections.total = fitting;
    }
    if session_config.reveal_pause.is_some() {
        fanout.notice(&Notice::Warning(
            "lab.reveal_key = true sends each answer's key behind it, since the student report's \
             clients expect it; nothing is secret",
        ));
    } else if !address.ip().is_loopback() && matches!(profile, Profile::Clear(_)) {
        fanout.notice(&Notice::Warning(
            "requests travel in clear: whoever listens on the way learns who asks, though no mark",
        ));
    }
    if let Some(warning) = &first.warning {
        fanout.notice(&Notice::Warning(warning));
    }
    if !read.policy.applies() {
        fanout.notice(&Notice::Warning(
            "gradebook.population_min = 1 tells averages of any number of marks, which can give single \
             ones away; 5 is safe",
        ));
    }
    let events: SharedSink = Arc::<Fanout>::clone(fanout);
    let audit = fanout.audit.clone().map(|audit| -> SharedAudit { audit });
    let config = ServerConfig {
        socket,
        book: first.book,
        profile,
        session_config,
        connections,
        workers,
        restarts_max,
        audit,
        events,
        answer: Book::answer,
        seal: Sealer::seal,
    };
    Server::open(config).context("cannot start")
}

/// Tells systemd, if it is there.
pub(crate) fn notify_manager(state: &[NotifyState<'_>]) {
    // A manager that cannot be told is none.
    drop(sd_notify::notify(state));
}
