//! Measures memory per session, the effect of a flood on others, big classes, and more threads.

use std::fs::{self, File};
use std::io::{Read, Write, stdout};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use comfy_table::{Table, presets};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::check::Class;
use crate::class;
use crate::load::{self, Load, Measured};
use crate::peers::{Peer, PeerConfig};
use crate::process::Process;
use crate::protocol::Protocol;
use crate::running::Running;

#[derive(Args)]
pub(crate) struct Options {
    /// How many students the big class has.
    #[arg(long, default_value_t = 1_000_000)]
    students: u32,
    /// How many idle sessions.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// How many times each varying figure is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// How long each load is put on.
const DURATION: Duration = Duration::from_secs(1);
const SMALL_CLASS: u32 = 1_000;
const DEAF: usize = 16;
const FLOOD_DEPTH: usize = 8_192;

/// Measures and prints a table in Markdown.
///
/// # Errors
/// When a server cannot be started or does not answer.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let small = PeerConfig::of_class(folder.path(), "small.csv", SMALL_CLASS)?;
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["what", "measured"]);
    let mut row = |what: String, measured: String| {
        table.add_row([what, measured]);
    };
    row(format!("memory of each of {} idle sessions", options.idle), idle(&small, options.idle)?);
    row(format!("memory that {DEAF} clients add who never read"), never_read(&small)?);
    let name = format!("p99 beside a client that pipelines by {FLOOD_DEPTH}");
    row(name, beside_a_flood(&small)?);
    row("CPU a reply with 2 workers to that with 1, by 16".into(), two_workers(&small, options)?);
    let big = PeerConfig::of_class(folder.path(), "big.csv", options.students)?;
    big_class(&small, &big, options, &mut row)?;
    writeln!(stdout(), "{table}")?;
    Ok(())
}

fn idle(config: &PeerConfig, sessions: usize) -> anyhow::Result<String> {
    let server = Peer::Ours.start(config)?;
    let class = Class::read(&config.class)?;
    run_load(&server, &class, 16, 16, false)?;
    let before = server.process().resident_bytes()?;
    let alone = run_load(&server, &class, 16, 16, false)?;
    let sockets: Vec<_> =
        (0..sessions).map(|_| TcpStream::connect(server.address)).collect::<Result<_, _>>()?;
    thread::sleep(DURATION);
    let after = server.process().resident_bytes()?;
    let beside = run_load(&server, &class, 16, 16, false)?;
    let each = float(after.saturating_sub(before)) / float(sockets.len().try_into()?);
    let ratio = cpu(&beside)? / cpu(&alone)?;
    Ok(format!("{each:.0} bytes; the others' CPU a reply is {ratio:.2}x that without them"))
}

/// Clients that ask for as long as the server takes requests, and read no reply.
fn never_read(config: &PeerConfig) -> anyhow::Result<String> {
    let server = Peer::Ours.start(config)?;
    let before = server.process().resident_bytes()?;
    let requests = format!("{} REPORT\n", class::id(1)).repeat(1_000);
    let mut sockets = Vec::new();
    for _ in 0..DEAF {
        let mut socket = TcpStream::connect(server.address)?;
        socket.set_write_timeout(Some(Duration::from_millis(100)))?;
        while socket.write_all(requests.as_bytes()).is_ok() {}
        sockets.push(socket);
    }
    let grown = server.process().resident_bytes()?.saturating_sub(before);
    Ok(format!("{} KiB", grown / 1024))
}

fn beside_a_flood(config: &PeerConfig) -> anyhow::Result<String> {
    let server = Peer::Ours.start(config)?;
    let class = Class::read(&config.class)?;
    let alone = run_load(&server, &class, 1, 1, false)?;
    let flood = load_of(&server, &class, 1, FLOOD_DEPTH, false);
    let flood = thread::spawn(move || load::run(Load { duration: DURATION * 3, ..flood }));
    thread::sleep(DURATION / 2);
    let beside = run_load(&server, &class, 1, 1, false)?;
    flood.join().ok().context("the flood failed")??;
    let p99 = beside.latency_us.p99;
    let alone = alone.latency_us.p99;
    Ok(format!("{p99} us, {:.1}x that without it", float(p99) / float(alone)))
}

fn two_workers(config: &PeerConfig, options: &Options) -> anyhow::Result<String> {
    let class = Class::read(&config.class)?;
    let one = Peer::Ours.start(config)?;
    let two = Peer::Ours.start(&PeerConfig { workers: 2, ..config.clone() })?;
    let (ratio, faster) = ratios(options.rounds, || {
        let of = |server| run_load(server, &class, 64, 16, false);
        let one = of(&one)?;
        let two = of(&two)?;
        Ok((cpu(&two)? / cpu(&one)?, two.replies_per_second / one.replies_per_second))
    })?;
    Ok(format!(
        "{ratio:.2}x, for {faster:.2}x the replies a second (the load shares the processors)"
    ))
}

fn big_class(
    small: &PeerConfig,
    big: &PeerConfig,
    options: &Options,
    row: &mut dyn FnMut(String, String),
) -> anyhow::Result<()> {
    let students = options.students;
    let (ratio, check) = ratios(options.rounds, || {
        let reading = on_one_processor(|| children_cpu(|| drop(Peer::Ours.check(big))))??;
        let memchr = own_cpu(|| {
            let bytes = fs::read(&big.class).unwrap_or_default();
            memchr::memchr_iter(b'\n', &bytes).count()
        })?;
        Ok((reading.as_secs_f64() / memchr.as_secs_f64(), reading.as_secs_f64()))
    })?;
    let cost = format!("{ratio:.1}x ({check:.2} s)");
    row(format!("CPU to check {students} students to that of one memchr pass"), cost);
    let (ratio, check) = ratios(options.rounds, || {
        let one = on_one_processor(|| wall(|| Peer::Ours.check(big)))??;
        let all = wall(|| Peer::Ours.check(big))?;
        Ok((all.as_secs_f64() / one.as_secs_f64(), all.as_secs_f64()))
    })?;
    let processors = thread::available_parallelism()?;
    let time = format!("{ratio:.2}x ({check:.2} s)");
    row(format!("time to check them on {processors} processors to that on one"), time);
    let few = Peer::Ours.start(small)?;
    let many = Peer::Ours.start(big)?;
    let few_class = Class::read(&small.class)?;
    let many_class = Class::read(&big.class)?;
    let resident = |server: &Running| server.process().resident_bytes();
    let grown = resident(&many)?.saturating_sub(resident(&few)?);
    let each = (float(grown) - float(name_bytes(&big.class)?)) / f64::from(students - SMALL_CLASS);
    row("memory of each of them, beside the names".into(), format!("{each:.0} bytes"));
    let (ratio, _) = ratios(options.rounds, || {
        let few = run_load(&few, &few_class, 16, 16, true)?;
        let many = run_load(&many, &many_class, 16, 16, true)?;
        Ok((cpu(&many)? / cpu(&few)?, 0.0))
    })?;
    let name = format!("CPU a reply, each to another of them, to that in a class of {SMALL_CLASS}");
    row(name, format!("{ratio:.2}x"));
    let probe = load_of(&many, &many_class, 2, 1, false);
    let probe = thread::spawn(move || load::run(Load { duration: DURATION * 6, ..probe }));
    for _ in 0..5 {
        thread::sleep(DURATION);
        // A class file that is the same would not be taken up.
        writeln!(File::options().append(true).open(&big.class)?)?;
        many.reload()?;
    }
    let measured = probe.join().ok().context("the probe failed")??;
    let longest = format!("{} us, of {} answers", measured.latency_us.max, measured.replies);
    row("longest answer during 5 reloads of that class".into(), longest);
    Ok(())
}

fn load_of(server: &Running, class: &Class, connections: usize, depth: usize, mixed: bool) -> Load {
    Load {
        address: server.address,
        protocol: Protocol::Grades,
        tls: None,
        connections,
        depth,
        connect_per_request: false,
        ids: class.ids().to_vec(),
        keys: class.keys().clone(),
        mixed,
        commands: vec!["GG".into()],
        warm_up: DURATION / 4,
        duration: DURATION,
        server: Some(server.process()),
    }
}

fn run_load(
    server: &Running,
    class: &Class,
    connections: usize,
    depth: usize,
    mixed: bool,
) -> anyhow::Result<Measured> {
    load::run(load_of(server, class, connections, depth, mixed))
}

/// The medians of two ratios that are measured in each round.
fn ratios(
    rounds: usize,
    mut measure: impl FnMut() -> anyhow::Result<(f64, f64)>,
) -> anyhow::Result<(f64, f64)> {
    let measured = (0..rounds).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    let (one, other): (Vec<_>, Vec<_>) = measured.into_iter().unzip();
    Ok((crate::compare::median(one), crate::compare::median(other)))
}

fn cpu(measured: &Measured) -> anyhow::Result<f64> {
    measured.server_cpu_us_per_reply.context("the server's CPU time is not known")
}

fn own_cpu<T>(work: impl FnOnce() -> T) -> anyhow::Result<Duration> {
    let this = Process(std::process::id());
    let before = this.cpu()?;
    drop(work());
    Ok(this.cpu()?.saturating_sub(before))
}

/// How long `work` takes.
fn wall(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let started_at = Instant::now();
    work()?;
    Ok(started_at.elapsed())
}

/// Does some work on one processor, with all that it starts.
fn on_one_processor<T>(work: impl FnOnce() -> T) -> anyhow::Result<T> {
    let all = sched_getaffinity(None)?;
    let first = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).context("no processor")?;
    let mut one = CpuSet::new();
    one.set(first);
    sched_setaffinity(None, &one)?;
    let done = work();
    sched_setaffinity(None, &all)?;
    Ok(done)
}

/// How long child processes ran that `work` starts and waits for.
fn children_cpu(work: impl FnOnce()) -> anyhow::Result<Duration> {
    let this = Process(std::process::id());
    let before = this.children_cpu()?;
    work();
    Ok(this.children_cpu()?.saturating_sub(before))
}

/// How many bytes the names in a class file take.
fn name_bytes(class: &Path) -> anyhow::Result<u64> {
    let mut text = String::new();
    File::open(class)?.read_to_string(&mut text)?;
    let names = text.lines().skip(1).filter_map(|line| line.split(',').next());
    Ok(names.map(|name| name.len().try_into().unwrap_or(0_u64)).sum())
}

#[expect(clippy::cast_precision_loss, reason = "nothing measured comes near 2^53")]
fn float(n: u64) -> f64 {
    n as f64
}
