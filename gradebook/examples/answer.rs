//! Publishes a class of one student, answers a line of the wire, and opens the answer as the student.
//!
//! Run it with `cargo run --package gradebook --example answer`.

use std::error::Error;
use std::io::{Write, stdout};
use std::time::SystemTime;

use fernet_batch::{Key, Sealer, StudentKeys, Timestamp, open};
use gradebook::wire::{Grammar, Parsed, parse};
use gradebook::{
    BatchLimits, Book, EditionNumber, Mark, PrivacyPolicy, Requests, RosterBuilder, StudentId,
    UnknownStudent,
};

fn main() -> Result<(), Box<dyn Error>> {
    let key = Key::generate()?;
    let id = StudentId::new(b"2100001").ok_or("not a student ID")?;
    let mut builder = RosterBuilder::new(["Lab 1", "Midterm"].map(str::to_owned));
    let marks = [Mark::parse("7")?, Mark::parse("15.5")?];
    let added = builder.add(&id, "Ada Invented", StudentKeys::new(key.clone()), marks);
    added.map_err(|error| format!("{error:?}"))?;
    let class = builder.finish().map_err(|duplicate| format!("{duplicate:?}"))?;
    let now = Timestamp::of(SystemTime::now());
    let edition = EditionNumber(1).published_at(now);
    let book = Book::publish(class, edition, PrivacyPolicy::EXACT);

    let grammar = Grammar { id_digits: 7, line_bytes: 1024, sealed: false };
    let mut requests = Requests::new(BatchLimits { requests: 16, output_bytes: 32 * 1024 });
    if let Parsed::Request { request, .. } = parse(grammar, b"2100001 GG") {
        requests.push(request);
    }
    let answers = book.answer(requests, &UnknownStudent::Close, now);
    let replies = answers.seal(&mut Sealer::new()?);

    let token = std::str::from_utf8(replies.bytes())?.trim_end();
    writeln!(stdout(), "{token}\n  {}", open(&key, token)?.text)?;
    Ok(())
}
