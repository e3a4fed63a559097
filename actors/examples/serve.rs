//! Serves a class file on a free port of this machine, and asks for one student's marks.
//!
//! Run it with `cargo run --package grade-actors --example serve -- settings/example_class.csv`.

use std::error::Error;
use std::fs::File;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use class_files::{ReadLimits, read_class};
use fernet_batch::Timestamp;
use grade_actors::event::{EventSink, ServerEvent};
use grade_actors::{
    ConnectionLimits, LabProfile, Profile, Proxies, Server, ServerConfig, SessionLimits, Timeouts,
    bind, run,
};
use gradebook::{Answers, BatchLimits, Book, EditionNumber, PrivacyPolicy, UnknownStudent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Prints where the server listens, and ignores every other event.
struct PrintAddress;

impl EventSink for PrintAddress {
    fn emit(&self, event: &ServerEvent<'_>) {
        if let ServerEvent::Listening(addresses) = event {
            let _ = writeln!(stdout(), "listening on {addresses:?}");
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a class file")?;
    let limits = ReadLimits { bytes_max: 1 << 20, rows_max: 1_000 };
    let class = read_class(File::open(path)?, None, &limits)?;
    let student = class.ids().next().ok_or("no students")?.to_owned();
    let edition = EditionNumber(1).published_at(Timestamp::of(SystemTime::now()));
    let book = Book::publish(class, edition, PrivacyPolicy::EXACT);
    run(async {
        let server = Server::start(config(book)?)?;
        let mut socket = TcpStream::connect(server.addresses()).await?;
        socket.write_all(format!("{student} GG\n").as_bytes()).await?;
        socket.shutdown().await?;
        let mut token = String::new();
        socket.read_to_string(&mut token).await?;
        writeln!(stdout(), "{student} GG\n  {token}")?;
        server.drain(Instant::now() + Duration::from_secs(1)).await;
        server.close();
        Ok(())
    })
}

fn config(book: Book) -> std::io::Result<ServerConfig> {
    let wait = Duration::from_secs(30);
    Ok(ServerConfig {
        sockets: vec![bind(([127, 0, 0, 1], 0).into())?],
        book,
        started_at: Timestamp::of(SystemTime::now()),
        profile: Profile::Lab(LabProfile {
            id_digits: 7,
            unknown_student: UnknownStudent::Close,
            reveal_pause: None,
            allow_remote: false,
        }),
        session: SessionLimits {
            line_bytes: 1024,
            batch: BatchLimits { requests: 64, output_bytes: 32 * 1024 },
            timeouts: Timeouts { request: wait, idle: wait, write: wait, linger: wait },
            rate: None,
        },
        connections: ConnectionLimits { total: 100, per_source: 100 },
        proxies: Proxies::default(),
        workers: 1,
        restarts_max: 5,
        audit: None,
        events: Arc::new(PrintAddress),
        answer: Book::answer,
        seal: Answers::seal,
    })
}
