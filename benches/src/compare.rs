//! The comparison: the same load on several servers in turn, A B A B, and the medians of all rounds.

use std::io::{Write, stdout};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use comfy_table::{Table, presets};

use crate::check::Class;
use crate::load::{self, Load, Measured};
use crate::peers::{Peer, PeerConfig};
use crate::running::Running;

#[derive(Args)]
pub(crate) struct Options {
    /// How many students the invented class has.
    #[arg(long, default_value_t = 1_000)]
    students: u32,
    /// How many times each server is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each measurement takes.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "1s")]
    duration: Duration,
    /// How many connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Compare the server with itself: requests in clear, sealed ones, and audited requests.
    #[arg(long, conflicts_with = "tls")]
    own: bool,
    /// Compare sealed requests with Redis over TLS.
    #[arg(long)]
    tls: bool,
    /// Let servers run on processor 0 only, and the load elsewhere.
    #[arg(long)]
    pin: bool,
}

/// One way of asking.
struct Scenario {
    name: &'static str,
    depth: usize,
    connect_per_request: bool,
    mixed: bool,
}

const SCENARIOS: [Scenario; 6] = [
    Scenario { name: "one at a time", depth: 1, connect_per_request: false, mixed: false },
    Scenario { name: "pipelined by 16", depth: 16, connect_per_request: false, mixed: false },
    Scenario { name: "by 16, mixed students", depth: 16, connect_per_request: false, mixed: true },
    Scenario { name: "pipelined by 64", depth: 64, connect_per_request: false, mixed: false },
    Scenario { name: "by 64, mixed students", depth: 64, connect_per_request: false, mixed: true },
    Scenario { name: "connect per request", depth: 1, connect_per_request: true, mixed: false },
];

impl Options {
    /// The servers; the others are compared with the first one.
    fn peers(&self) -> &'static [Peer] {
        match (self.own, self.tls) {
            (true, _) => &[Peer::Ours, Peer::Sealed, Peer::Audited],
            (_, true) => &[Peer::Sealed, Peer::RedisTls, Peer::Redis],
            _ => &[Peer::Ours, Peer::WithoutActors, Peer::Redis, Peer::BareLines],
        }
    }
}

/// Compares the servers and prints a table in Markdown.
///
/// # Errors
/// When a server cannot be started or does not answer, or an answer is wrong.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut config = PeerConfig::of_class(folder.path(), "compared.csv", options.students)?;
    config.server_cpu = options.pin.then_some(0);
    let class = Class::read(&config.class)?;
    config.reply_bytes = reply_bytes(&Peer::Ours.start(&config)?, &class)?;
    let mut servers = Vec::new();
    let mut out = stdout().lock();
    for &peer in options.peers() {
        if !peer.is_installed() {
            writeln!(out, "{} is not installed and is left out.\n", peer.name())?;
            continue;
        }
        let server = peer.start(&config)?;
        if let Peer::Redis | Peer::RedisTls = peer {
            // The value is as long as the token: without its line end.
            server.fill_redis(class.ids(), config.reply_bytes - 1)?;
        }
        servers.push((peer, server));
    }
    writeln!(
        out,
        "Server CPU a reply, {} students, {} connections, replies to GG of {} bytes, medians of {} \
         rounds.\n",
        options.students, options.connections, config.reply_bytes, options.rounds
    )?;
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "load",
        "server",
        "us a reply",
        if options.own { "to the first" } else { "ours to it" },
        "replies/s",
        "p50 us",
        "p99 us",
    ]);
    for scenario in &SCENARIOS {
        let rounds = measure(scenario, &servers, &class, options)?;
        for row in rows(scenario, &servers, &rounds, options.own) {
            table.add_row(row);
        }
    }
    writeln!(out, "{table}")?;
    Ok(())
}

/// Each round's measurements, one for each server.
fn measure(
    scenario: &Scenario,
    servers: &[(Peer, Running)],
    class: &Class,
    options: &Options,
) -> anyhow::Result<Vec<Vec<Measured>>> {
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let mut round = Vec::new();
        for (peer, server) in servers {
            server.begin_audit_file()?;
            let load = Load {
                address: server.address,
                protocol: peer.protocol(),
                tls: server.tls.clone(),
                connections: options.connections,
                depth: scenario.depth,
                connect_per_request: scenario.connect_per_request,
                ids: class.ids().to_vec(),
                keys: class.keys().clone(),
                mixed: scenario.mixed,
                commands: vec!["GG".into()],
                warm_up: options.duration / 4,
                duration: options.duration,
                server: Some(server.process()),
            };
            let measured = load::run(load).with_context(|| peer.name())?;
            if !matches!(peer, Peer::Redis | Peer::RedisTls | Peer::BareLines) {
                class.check(peer.protocol(), &measured.samples).with_context(|| peer.name())?;
            }
            round.push(measured);
        }
        rounds.push(round);
    }
    Ok(rounds)
}

fn rows(
    scenario: &Scenario,
    servers: &[(Peer, Running)],
    rounds: &[Vec<Measured>],
    to_the_first: bool,
) -> Vec<[String; 7]> {
    let cpu = |measured: &Measured| measured.server_cpu_us_per_reply.unwrap_or_default();
    let row = |(n, (peer, _)): (usize, &(Peer, Running))| {
        let of = |what: &dyn Fn(&Measured) -> f64| {
            median(rounds.iter().filter_map(|round| round.get(n)).map(what).collect())
        };
        let ratios = rounds.iter().filter_map(|round| {
            let ours_to_it = cpu(round.first()?) / cpu(round.get(n)?);
            Some(if to_the_first { ours_to_it.recip() } else { ours_to_it })
        });
        let micros = |us: u64| f64::from(u32::try_from(us).unwrap_or(u32::MAX));
        [
            scenario.name.into(),
            peer.name().into(),
            format!("{:.3}", of(&cpu)),
            if n == 0 { String::new() } else { format!("{:.2}x", median(ratios.collect())) },
            format!("{:.0}", of(&|measured| measured.replies_per_second)),
            format!("{:.0}", of(&|measured| micros(measured.latency_us.p50))),
            format!("{:.0}", of(&|measured| micros(measured.latency_us.p99))),
        ]
    };
    servers.iter().enumerate().map(row).collect()
}

/// How long the replies to one student are.
fn reply_bytes(server: &Running, class: &Class) -> anyhow::Result<usize> {
    let probe = Load {
        address: server.address,
        protocol: Peer::Ours.protocol(),
        tls: None,
        connections: 1,
        depth: 1,
        connect_per_request: false,
        ids: class.ids().to_vec(),
        keys: class.keys().clone(),
        mixed: false,
        commands: vec!["GG".into()],
        warm_up: Duration::ZERO,
        duration: Duration::from_millis(50),
        server: None,
    };
    let measured = load::run(probe)?;
    measured.samples.first().map(|sample| sample.reply.len()).context("no reply")
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
