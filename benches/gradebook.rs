//! What each part of a request costs by itself: `cargo bench --package grade-bench`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot run has no result")]

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use class_files::{ReadLimits, read_class};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use fernet_batch::{Key, Sealer, Timestamp, open};
use gradebook::sealed::{Nonce, ReplayLimits, RequestVerifier, SealedRequest, VerifierConfig};
use gradebook::wire::{self, Grammar, Parsed};
use gradebook::{BatchLimits, Book, Class, EditionNumber, PrivacyPolicy, Requests, UnknownStudent};

const GRAMMAR: Grammar = Grammar { id_digits: 7, line_bytes: 1024, sealed: false };
const LIMITS: BatchLimits = BatchLimits { requests: 64, output_bytes: 1 << 20 };
const READ_LIMITS: ReadLimits = ReadLimits { bytes_max: u64::MAX, rows_max: usize::MAX };
const NOW: Timestamp = Timestamp(1_800_000_000);
const BATCHES: [usize; 3] = [1, 16, 64];

fn main() {
    divan::main();
}

/// The key of the `n`-th invented student.
fn key(n: usize) -> String {
    let mut key = [7; 32];
    key.iter_mut().zip((n + 1).to_be_bytes()).for_each(|(place, byte)| *place = byte);
    URL_SAFE.encode(key)
}

fn class(students: usize) -> String {
    let mut file = String::from("Name,ID Number,Key,Lab 1,Lab 2,Lab 3,Lab 4,Midterm,");
    file.push_str("Exam 1,Exam 2,Exam 3,Exam 4\n");
    for n in 0..students {
        write!(file, "Invented Student {n},{},{}", 2_000_000 + n, key(n)).unwrap();
        writeln!(file, ",{},9,8.5,7,{},3,4,,6", n % 11, n % 21).unwrap();
    }
    file
}

fn book(students: usize) -> Book {
    Book::publish(read(&class(students)), EditionNumber(1).published_at(NOW), PrivacyPolicy::EXACT)
}

fn read(file: &str) -> Class {
    read_class(file.as_bytes(), None, &READ_LIMITS).unwrap()
}

/// A batch of requests with `command`, each by another of so many students.
fn requests(requests: usize, students: usize, command: &str) -> Requests {
    let mut batch = Requests::new(LIMITS);
    for n in 0..requests {
        let line = format!("{} {command}\n", 2_000_000 + n * 7919 % students);
        let Parsed::Request { request, .. } = wire::parse(GRAMMAR, line.as_bytes()) else {
            panic!("{line} is not a request");
        };
        batch.push(request);
    }
    batch
}

#[divan::bench(args = ["2000001 GG\n", "2000001GL1A", "2000001,GEA\r\n", "2000001 AVG Lab 1\n"])]
fn parse(bencher: Bencher<'_, '_>, request: &str) {
    bencher.bench(|| match wire::parse(GRAMMAR, black_box(request.as_bytes())) {
        Parsed::Request { used, .. } => used,
        other => panic!("{other:?}"),
    });
}

/// Looking a batch up and rendering its answers.
#[divan::bench(args = ["GG", "GL1A", "GEA", "REPORT"])]
fn answer(bencher: Bencher<'_, '_>, command: &str) {
    let book = book(1_000);
    bencher
        .counter(ItemsCount::new(16_usize))
        .with_inputs(|| requests(16, 1, command))
        .bench_values(|batch| book.answer(batch, &UnknownStudent::Close, NOW));
}

/// The same in a small class and in a big one, where each lookup misses the processor's cache.
#[divan::bench(args = [1_000, 1_000_000])]
fn answer_in_a_class_of(bencher: Bencher<'_, '_>, students: usize) {
    let book = book(students);
    bencher
        .counter(ItemsCount::new(16_usize))
        .with_inputs(|| requests(16, students, "GG"))
        .bench_values(|batch| book.answer(batch, &UnknownStudent::Close, NOW));
}

#[divan::bench(args = BATCHES)]
fn seal_for_one_student(bencher: Bencher<'_, '_>, requests: usize) {
    seal(bencher, requests, 1);
}

#[divan::bench(args = BATCHES)]
fn seal_for_many_students(bencher: Bencher<'_, '_>, requests: usize) {
    seal(bencher, requests, 64);
}

fn seal(bencher: Bencher<'_, '_>, batch: usize, students: usize) {
    let book = book(64);
    let mut sealer = Sealer::new().unwrap();
    bencher
        .counter(ItemsCount::new(batch))
        .with_inputs(|| book.answer(requests(batch, students, "GG"), &UnknownStudent::Close, NOW))
        .bench_local_values(|answers| answers.seal(&mut sealer));
}

/// Everything that a request costs but the socket: reading, answering, sealing the reply.
#[divan::bench(args = ["GG in clear", "GG sealed"], sample_count = 100, sample_size = 10)]
fn whole(bencher: Bencher<'_, '_>, way: &str) {
    let book = book(64);
    let mut sealer = Sealer::new().unwrap();
    let sealed = way == "GG sealed";
    let grammar = Grammar { sealed, ..GRAMMAR };
    // More requests than are measured, so that none comes again.
    let limits = ReplayLimits { per_student: 256, total: 1_000_000 };
    let mut verifier = RequestVerifier::new(VerifierConfig {
        audience: "bench".into(),
        skew_seconds: u64::MAX,
        replays: limits,
        started_at: Timestamp(0),
    })
    .unwrap();
    let requests: Vec<_> = (0..16 * 4000)
        .map(|nonce| {
            // A batch is by one student, the next by another.
            let student = usize::try_from(nonce / 16 % 64).unwrap();
            let id = (2_000_000 + student).to_string();
            let key = key(student);
            let request =
                SealedRequest { audience: "bench", id: &id, command: "GG", nonce: Nonce(nonce) };
            let key = Key::parse(key.as_bytes()).unwrap();
            match sealed {
                true => format!("{id} {}\n", request.seal(&key, NOW).unwrap()),
                false => format!("{id} GG\n"),
            }
        })
        .collect();
    let mut next = requests.iter();
    bencher.counter(ItemsCount::new(16_usize)).bench_local(|| {
        let mut batch = Requests::new(LIMITS);
        for line in next.by_ref().take(16) {
            if let Parsed::Request { request, .. } = wire::parse(grammar, line.as_bytes()) {
                batch.push(request);
            }
        }
        let answers = match sealed {
            true => book.answer_sealed(batch, &mut verifier, NOW),
            false => book.answer(batch, &UnknownStudent::Close, NOW),
        };
        answers.seal(&mut sealer)
    });
}

/// The same text sealed by the `fernet` crate.
#[divan::bench]
fn seal_with_the_fernet_crate(bencher: Bencher<'_, '_>) {
    let fernet = fernet::Fernet::new(&key(0)).unwrap();
    let text = [b'x'; 104];
    bencher.bench(|| fernet.encrypt_at_time(black_box(&text), NOW.0));
}

#[divan::bench]
fn open_a_token(bencher: Bencher<'_, '_>) {
    let answers = book(1).answer(requests(1, 1, "GG"), &UnknownStudent::Close, NOW);
    let replies = answers.seal(&mut Sealer::new().unwrap());
    let token = std::str::from_utf8(replies.bytes()).unwrap().trim_end();
    let key = Key::parse(key(0).as_bytes()).unwrap();
    bencher.bench(|| open(&key, black_box(token)).unwrap().time);
}

#[divan::bench(args = [20, 100_000], sample_count = 10)]
fn load_a_class_of(bencher: Bencher<'_, '_>, students: usize) {
    let file = class(students);
    bencher.counter(BytesCount::new(file.len())).bench(|| read(black_box(&file)));
}
