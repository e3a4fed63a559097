//! Whether the time of replies reveals who is enrolled, or that a recorded request is genuine: bursts of
//! forged sealed requests for a student of the class, beside bursts for an unknown ID and beside genuine
//! requests that are sent again.

use std::io::{BufRead, BufReader, Write, stdout};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use comfy_table::{Table, presets};
use fernet_batch::{Key, Timestamp};
use gradebook::sealed::{Nonce, SealedRequest};

use crate::class;
use crate::peers::{Peer, PeerConfig};
use crate::protocol::AUDIENCE;
use crate::running::Running;

#[derive(Args)]
pub(crate) struct Options {
    /// How many times each burst is sent. Only the fastest counts: nothing else disturbed it.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// The requests of a burst.
    #[arg(long, default_value_t = 400)]
    requests: u64,
}

const STUDENTS: u32 = 1_000;

/// Measures and prints a table in Markdown.
///
/// # Errors
/// Returns an error if a server cannot be started or does not answer.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["class", "student to unknown ID, both forged", "sent again to forged"]);
    for (name, two_keys) in [("one key each", false), ("one student with two keys", true)] {
        let folder = tempfile::tempdir()?;
        let config = PeerConfig::of_class(folder.path(), "class.csv", STUDENTS)?;
        if two_keys {
            class::add_old_key(&config.class)?;
        }
        let genuine_key = class::key(&config.class)?;
        let server = Peer::Sealed.start(&config)?;
        let [student, unknown, sent_again] = fastest(&server, &genuine_key, options)?;
        table.add_row([
            name.to_owned(),
            format!("{:.2}", student.as_secs_f64() / unknown.as_secs_f64()),
            format!("{:.2}", sent_again.as_secs_f64() / student.as_secs_f64()),
        ]);
    }
    writeln!(stdout(), "{table}")?;
    Ok(())
}

/// The fastest time for each burst: forged for a student, forged for an unknown ID, and genuine but
/// answered before.
fn fastest(server: &Running, key: &Key, options: &Options) -> anyhow::Result<[Duration; 3]> {
    let requests = options.requests;
    let forger = Key::generate()?;
    let bursts = [
        burst(&class::id(0).to_string(), &forger, requests)?,
        burst(&class::id(STUDENTS + 1).to_string(), &forger, requests)?,
        burst(&class::id(0).to_string(), key, requests)?,
    ];
    let [.., genuine] = &bursts;
    time(server, genuine, requests)?;
    let mut fastest = [Duration::MAX; 3];
    for _ in 0..options.rounds {
        for (fastest, burst) in fastest.iter_mut().zip(&bursts) {
            *fastest = time(server, burst, requests)?.min(*fastest);
        }
    }
    Ok(fastest)
}

/// Requests under a key.
fn burst(id: &str, key: &Key, requests: u64) -> anyhow::Result<String> {
    let now = Timestamp::of(SystemTime::now());
    let mut lines = String::new();
    for nonce in 0..requests {
        let request = SealedRequest { audience: AUDIENCE, id, command: "GG", nonce: Nonce(nonce) };
        lines.push_str(&format!("{id} {}\n", request.seal(key, now)?));
    }
    Ok(lines)
}

/// How long all replies to a burst take.
fn time(server: &Running, burst: &str, requests: u64) -> anyhow::Result<Duration> {
    let mut socket = TcpStream::connect(server.address)?;
    socket.set_nodelay(true)?;
    let replies = BufReader::new(socket.try_clone()?);
    let start = Instant::now();
    socket.write_all(burst.as_bytes())?;
    socket.shutdown(Shutdown::Write)?;
    let mut received = 0;
    for reply in replies.lines() {
        reply?;
        received += 1;
    }
    let elapsed = start.elapsed();
    anyhow::ensure!(received == requests, "{received} replies to {requests} requests");
    Ok(elapsed)
}
