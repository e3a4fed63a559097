//! Publishes a class of one student, answers a line of the wire, and opens the answer as the student.
//!
//! Run it with `cargo run --package gradebook --example answer`.

use std::error::Error;
use std::io::{Write, stdout};
use std::time::SystemTime;

use class_files::{ReadLimits, read_class};
use fernet_batch::{Key, Sealer, Timestamp, open};
use gradebook::wire::{Grammar, Parsed, parse};
use gradebook::{
    BatchLimits, Book, EditionNumber, PrivacyPolicy, ReleaseHistory, ReplyForm, Requests,
    UnknownStudent,
};

fn main() -> Result<(), Box<dyn Error>> {
    let key = Key::generate()?;
    let file = format!(
        "Name,ID Number,Key,Lab 1,Midterm\nAda Invented,2100001,{},7,15.5\n",
        key.expose_text().as_str()
    );
    let limits = ReadLimits { bytes_max: 1 << 20, rows_max: 10 };
    let class = read_class(file.as_bytes(), None, &limits)?;
    let history = ReleaseHistory::default();
    let book = Book::publish(class, EditionNumber(1), &history, PrivacyPolicy::NONE);

    let grammar = Grammar { id_digits: 7, line_bytes: 1024, sealed: false };
    let mut requests = Requests::new(BatchLimits { requests: 16, output_bytes: 32 * 1024 });
    if let Parsed::Request { request, .. } = parse(grammar, b"2100001 GG") {
        requests.push(request);
    }
    let now = Timestamp::of(SystemTime::now());
    let answers = book.answer(requests, &UnknownStudent::Close, now);
    let replies = answers.seal(&mut Sealer::new()?, ReplyForm::Line);

    let token = std::str::from_utf8(replies.bytes())?.trim_end();
    writeln!(stdout(), "{token}\n  {}", open(&key, token)?.text)?;
    Ok(())
}
