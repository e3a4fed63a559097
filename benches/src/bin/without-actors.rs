//! The same code without actors: a socket loop that calls the book and the sealer as functions. What
//! the actors cost is the difference between this and `grade-actor-server`.

use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use clap::Parser;
use class_files::{ReadLimits, read_class};
use fernet_batch::{Sealer, Timestamp};
use gradebook::wire::{self, Grammar, Parsed};
use gradebook::{
    BatchLimits, Book, EditionNumber, PrivacyPolicy, Rejection, Requests, UnknownStudent,
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
    let limits = ReadLimits { bytes_max: u64::MAX, rows_max: usize::MAX };
    let class = read_class(File::open(class)?, None, &limits)?;
    let book = Book::publish(
        class,
        EditionNumber(1).published_at(Timestamp::default()),
        PrivacyPolicy::EXACT,
    );
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

/// Answers until the client closes, or sends a line that is too long or an unknown ID.
async fn serve(mut socket: TcpStream, shared: Rc<Shared>) {
    let mut received = vec![0; 8 * 1024];
    let mut buffered = Vec::new();
    let mut batch = Requests::new(BATCH);
    while let Ok(read @ 1..) = socket.read(&mut received).await {
        buffered.extend_from_slice(received.get(..read).unwrap_or_default());
        loop {
            decode(&mut buffered, &mut batch);
            if batch.is_empty() {
                break;
            }
            let now = Timestamp::of(SystemTime::now());
            let answers = shared.book.answer(batch, &UnknownStudent::Close, now);
            let replies = answers.seal(&mut shared.sealer.borrow_mut());
            if socket.write_all(replies.bytes()).await.is_err() || replies.is_last() {
                return;
            }
            batch = replies.into_requests();
        }
    }
}

/// Moves complete requests from the buffered bytes into the batch.
fn decode(buffered: &mut Vec<u8>, batch: &mut Requests) {
    let mut taken = 0;
    while !batch.is_full() {
        taken += match wire::parse(GRAMMAR, buffered.get(taken..).unwrap_or_default()) {
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
    buffered.drain(..taken);
}
