//! Seals three texts under two keys in step, and opens them again.
//!
//! Run it with `cargo run --package fernet-batch --example seal`.

use std::error::Error;
use std::io::{Write, stdout};
use std::time::SystemTime;

use fernet_batch::token::write_token;
use fernet_batch::{Key, PlainFrame, Sealer, Timestamp, frame, open};

fn main() -> Result<(), Box<dyn Error>> {
    let (ada, bo) = (Key::generate()?, Key::generate()?);
    let texts = [(&ada, "Lab 1: 7"), (&bo, "Lab 1: 9.5"), (&ada, "Lab 1 average: 8.25")];
    let mut frames = Vec::new();
    for (_, text) in texts {
        let mut bytes = Vec::new();
        let start = frame::begin_frame(&mut bytes);
        bytes.extend_from_slice(text.as_bytes());
        frame::end_frame(&mut bytes, start);
        frames.push(bytes);
    }
    let plain = texts.iter().zip(&mut frames).map(|((key, _), bytes)| PlainFrame::new(*key, bytes));
    Sealer::new()?.seal(Timestamp::of(SystemTime::now()), plain);
    for ((key, _), frame) in texts.iter().zip(&frames) {
        let mut token = Vec::new();
        write_token(&mut token, frame);
        let token = String::from_utf8(token)?;
        let opened = open(key, &token)?;
        writeln!(stdout(), "{token}\n  {} at {}", opened.text, opened.time)?;
    }
    Ok(())
}
