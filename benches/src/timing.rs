//! Whether the time of replies reveals who is enrolled, or that a recorded request is genuine: bursts of
//! forged sealed requests for a student of the class, beside bursts for an unknown ID and beside genuine
//! requests that are sent again; and bursts in clear for a student, beside bursts for an unknown ID, to a server that
//! answers with decoys.

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
    #[arg(long, default_value_t = 1_000)]
    rounds: usize,
    /// The requests of a burst.
    #[arg(long, default_value_t = 400)]
    requests: u64,
}

const STUDENTS: u32 = 1_000;
/// The student who is asked about: the one with the genuine key.
const STUDENT: u32 = 0;

/// Measures and prints a table in Markdown.
///
/// # Errors
/// Returns an error if a server cannot be started or does not answer.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "class",
        "student to unknown ID, both forged",
        "sent again to forged",
        "student to unknown ID, in clear",
    ]);
    for (name, two_keys) in [("one key each", false), ("one student with two keys", true)] {
        let folder = tempfile::tempdir()?;
        let config = PeerConfig::of_class(folder.path(), "class.csv", STUDENTS)?;
        if two_keys {
            class::add_old_key(&config.class)?;
        }
        let genuine_key = class::key(&config.class)?;
        let sealed = Peer::Sealed.start(&config)?;
        let bursts = sealed_bursts(&genuine_key, options.requests)?;
        let [student, unknown, sent_again] = fastest(&sealed, &bursts, options)?;
        drop(sealed);
        let in_clear = Peer::Decoys.start(&config)?;
        let [in_clear, decoy] = fastest(&in_clear, &bursts_in_clear(options.requests), options)?;
        table.add_row([
            name.to_owned(),
            format!("{:.2}", student.as_secs_f64() / unknown.as_secs_f64()),
            format!("{:.2}", sent_again.as_secs_f64() / student.as_secs_f64()),
            format!("{:.2}", in_clear.as_secs_f64() / decoy.as_secs_f64()),
        ]);
    }
    writeln!(stdout(), "{table}")?;
    Ok(())
}

/// The fastest time for each burst. The bursts are interleaved.
fn fastest<const BURSTS: usize>(
    server: &Running,
    bursts: &[String; BURSTS],
    options: &Options,
) -> anyhow::Result<[Duration; BURSTS]> {
    // Genuine requests that are sent again have been answered once before.
    for burst in bursts {
        time(server, burst, options.requests)?;
    }
    let mut fastest = [Duration::MAX; BURSTS];
    for _ in 0..options.rounds {
        for (fastest, burst) in fastest.iter_mut().zip(bursts) {
            *fastest = time(server, burst, options.requests)?.min(*fastest);
        }
    }
    Ok(fastest)
}

/// Sealed requests: forged for a student, forged for an unknown ID, and genuine ones of the student.
fn sealed_bursts(genuine: &Key, requests: u64) -> anyhow::Result<[String; 3]> {
    let forger = Key::generate()?;
    let [student, unknown] = [STUDENT, STUDENTS + 1].map(|n| class::id(n).to_string());
    Ok([
        burst(&student, &forger, requests)?,
        burst(&unknown, &forger, requests)?,
        burst(&student, genuine, requests)?,
    ])
}

/// Requests in clear: for a student, and for an unknown ID.
fn bursts_in_clear(requests: u64) -> [String; 2] {
    [STUDENT, STUDENTS + 1]
        .map(|n| (0..requests).map(|_| format!("{} GG\n", class::id(n))).collect())
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
