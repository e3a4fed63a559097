//! The servers that are compared, started and stopped.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::class;
use crate::protocol::{AUDIENCE, Protocol};
use crate::running::Running;
use crate::tls;

/// Which servers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// `grade-actor-server` itself.
    Ours,
    /// The same with sealed requests.
    Sealed,
    /// The same with an audit.
    Audited,
    /// The same with decoys for unknown students.
    Decoys,
    /// `without-actors`: the same code as plain functions.
    WithoutActors,
    /// Redis, answering `GET` with a value as long as a token.
    Redis,
    /// The same over TLS.
    RedisTls,
    /// `bare-line-server`: the same line to everyone.
    BareLines,
}

/// What servers need to know to start.
#[derive(Clone, Debug)]
pub(crate) struct PeerConfig {
    /// The class file.
    pub(crate) class: PathBuf,
    /// Where servers may leave files.
    pub(crate) folder: PathBuf,
    /// The length of a reply, its line end included.
    pub(crate) reply_bytes: usize,
    /// The processor that servers run on.
    pub(crate) server_cpu: Option<usize>,
    /// How many threads of sessions our server has.
    pub(crate) workers: usize,
}

impl PeerConfig {
    /// With an invented class of so many students, written to a file of this name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn of_class(folder: &Path, name: &str, students: u32) -> anyhow::Result<Self> {
        const COLUMNS: u32 = 9;
        let class = folder.join(name);
        let private =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&class)?;
        class::write(private, students, COLUMNS)?;
        let folder = folder.to_owned();
        Ok(Self { class, folder, reply_bytes: 1, server_cpu: None, workers: 1 })
    }
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "grade-actor-server",
            Self::Sealed => "grade-actor-server, sealed requests",
            Self::Audited => "grade-actor-server with an audit",
            Self::Decoys => "grade-actor-server with decoys",
            Self::WithoutActors => "the same code without actors",
            Self::Redis => "Redis GET",
            Self::RedisTls => "Redis GET over TLS",
            Self::BareLines => "bare tokio line server",
        }
    }

    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::Redis | Self::RedisTls => Protocol::Redis,
            Self::Sealed => Protocol::Sealed,
            Self::Ours | Self::Audited | Self::Decoys | Self::WithoutActors | Self::BareLines => {
                Protocol::Grades
            }
        }
    }

    /// Whether its program is on this machine.
    pub(crate) fn is_installed(self) -> bool {
        self.program().is_ok()
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be started, or does not answer in time.
    pub(crate) fn start(self, config: &PeerConfig) -> anyhow::Result<Running> {
        let address = free_address()?;
        let mut tls = None;
        let mut plain = address;
        let mut audit = None;
        let mut command = Command::new(self.program()?);
        match self {
            Self::Ours | Self::Sealed | Self::Audited | Self::Decoys => {
                let file = config.folder.join(format!("server-{}.toml", address.port()));
                let more = match self {
                    Self::Sealed => format!(
                        "server.profile = \"sealed\"\n\
                         sealed.audience = \"{AUDIENCE}\"\n\
                         sealed.replays_per_student = 100000000\n\
                         sealed.replays = 1000000000\n"
                    ),
                    Self::Audited => {
                        let name = format!("audit-{}.jsonl", address.port());
                        audit = Some(config.folder.join(&name));
                        format!("audit.file = \"{name}\"\n")
                    }
                    Self::Decoys => "lab.unknown_student = \"decoy\"\n".to_owned(),
                    _ => String::new(),
                };
                fs::write(&file, settings(address, config) + &more)?;
                command.arg("--config").arg(file);
            }
            Self::WithoutActors => {
                command.arg(address.to_string()).arg(&config.class);
            }
            Self::BareLines => {
                let reply_bytes = config.reply_bytes.to_string();
                command.args([&address.to_string(), "--reply-bytes", &reply_bytes]);
            }
            Self::Redis | Self::RedisTls => {
                if self == Self::RedisTls {
                    plain = free_address()?;
                    tls = Some(tls::certify(&config.folder)?);
                    let port = address.port().to_string();
                    command.args(["--tls-port", &port, "--tls-auth-clients", "no"]);
                    command.args(["--tls-cert-file", "redis.crt", "--tls-key-file", "redis.key"]);
                    command.args(["--tls-ca-cert-file", "redis.crt"]);
                }
                let port = plain.port().to_string();
                command.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
                command.args(["--appendonly", "no", "--loglevel", "warning"]);
                // Redis listens on loopback only, but its protected mode rejects 127.0.0.2.
                command.args(["--protected-mode", "no"]);
            }
        }
        command.stdout(Stdio::null()).stdin(Stdio::null()).current_dir(&config.folder);
        let child = on_cpu(config.server_cpu, || command.spawn())?;
        let mut running = Running { child, address, tls, plain, audit };
        running.wait_until_answering(self.name())?;
        Ok(running)
    }

    /// Lets our server check its class file and end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn check(self, config: &PeerConfig) -> anyhow::Result<()> {
        let file = config.folder.join("check.toml");
        fs::write(&file, settings(free_address()?, config))?;
        let mut command = Command::new(self.program()?);
        command.arg("--check").arg("--config").arg(file).stdout(Stdio::null()).status()?;
        Ok(())
    }

    fn program(self) -> anyhow::Result<PathBuf> {
        let own = |name: &str| -> anyhow::Result<PathBuf> {
            let path = env::current_exe()?.with_file_name(name);
            match path.exists() {
                true => Ok(path),
                false => bail!(
                    "{} is missing; build it: cargo build --release --workspace",
                    path.display()
                ),
            }
        };
        match self {
            Self::Ours | Self::Sealed | Self::Audited | Self::Decoys => own("grade-actor-server"),
            Self::WithoutActors => own("without-actors"),
            Self::BareLines => own("bare-line-server"),
            Self::Redis | Self::RedisTls => {
                let folders = env::var_os("PATH").unwrap_or_default();
                let found = env::split_paths(&folders).map(|folder| folder.join("redis-server"));
                found
                    .into_iter()
                    .find(|path| path.exists())
                    .context("redis-server is not installed")
            }
        }
    }
}

/// Runs `work` on one processor, for what it starts inherits that.
pub(crate) fn on_cpu<T>(
    cpu: Option<usize>,
    work: impl FnOnce() -> std::io::Result<T>,
) -> anyhow::Result<T> {
    let Some(cpu) = cpu else { return Ok(work()?) };
    let before = rustix::thread::sched_getaffinity(None)?;
    let mut only = rustix::thread::CpuSet::new();
    only.set(cpu);
    rustix::thread::sched_setaffinity(None, &only)?;
    let done = work();
    rustix::thread::sched_setaffinity(None, &before)?;
    Ok(done?)
}

fn settings(address: SocketAddr, config: &PeerConfig) -> String {
    // A path may contain characters that TOML escapes.
    let file = serde_json::Value::from(config.class.display().to_string());
    format!(
        "server.listen = \"{address}\"\n\
         gradebook.file = {file}\n\
         server.workers = {}\n\
         gradebook.rows_max = 10000000\n\
         gradebook.bytes_max = \"2GiB\"\n\
         limits.connections = 20000\n\
         limits.connections_per_source = 20000\n\
         console.style = \"quiet\"\n",
        config.workers
    )
}

/// A port that is free now.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
