//! The same code without actors: a socket loop that calls the book and the sealer as functions. What
//! the actors cost is the difference between this and `grade-actor-server`.

use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use clap::Parser;
use gradebook::wire::{self, Grammar, Parsed};
use gradebook::{
    BatchLimits, Book, EditionNumber, PrivacyPolicy, ReadOptions, Rejection, ReleaseHistory,
    Requests, Sealer, Timestamp, UnknownStudent, read_class_file,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

const GRAMMAR: Grammar = Grammar { id_digits: 7, line_bytes: 1024, sealed: false };
const BATCH: BatchLimits = BatchLimits { requests: 64, output_bytes: 32 * 1024 };

#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    listen: String,
    /// The class file.
    class: PathBuf,
}

/// What all connections share.
struct Shared {
    book: Book,
    sealer: RefCell<Sealer>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { listen, class } = Arguments::parse();
    let options =
        ReadOptions { bytes_max: u64::MAX, rows_max: usize::MAX, policy: PrivacyPolicy::NONE };
    let book = read_class_file(
        File::open(class)?,
        &options,
        EditionNumber(1),
        &ReleaseHistory::default(),
    )?;
    let shared = Rc::new(Shared { book, sealer: RefCell::new(Sealer::new()?) });
    let listener = TcpListener::bind(listen).await?;
    LocalSet::new()
        .run_until(async {
            loop {
                let (socket, _) = listener.accept().await?;
                socket.set_nodelay(true)?;
                spawn_local(serve(socket, Rc::clone(&shared)));
            }
        })
        .await
}

/// Answers until the client closes, or says what is too long or from nobody.
async fn serve(mut socket: TcpStream, shared: Rc<Shared>) {
    let mut buffer = vec![0; 8 * 1024];
    let mut held = Vec::new();
    let mut batch = Requests::new(BATCH);
    while let Ok(read @ 1..) = socket.read(&mut buffer).await {
        held.extend_from_slice(buffer.get(..read).unwrap_or_default());
        loop {
            take_in(&mut held, &mut batch);
            if batch.is_empty() {
                break;
            }
            let now = Timestamp::of(SystemTime::now());
            let answers = shared.book.answer(batch, &UnknownStudent::Close, now);
            let replies = shared.sealer.borrow_mut().seal(answers);
            if socket.write_all(replies.bytes()).await.is_err() || replies.is_last() {
                return;
            }
            batch = replies.into_requests();
        }
    }
}

/// Moves complete requests from the held bytes into the batch.
fn take_in(held: &mut Vec<u8>, batch: &mut Requests) {
    let mut taken = 0;
    while !batch.is_full() {
        taken += match wire::parse(GRAMMAR, held.get(taken..).unwrap_or_default()) {
            Parsed::Request { request, used } => {
                batch.push(request);
                used
            }
            Parsed::Malformed { malformed, used } => {
                batch.push_rejected(Rejection::Malformed(malformed));
                used
            }
            Parsed::Incomplete { blank } => {
                taken += blank;
                break;
            }
            Parsed::TooLong => break,
        };
    }
    held.drain(..taken);
}
