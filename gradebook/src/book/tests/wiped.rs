//! Texts with marks are written in memory that grows in one place only, which wipes what it leaves.

use fernet_batch::frame::HEADER_BYTES;

use super::sealed::verifier;
use super::*;
use crate::batch::{Answers, RESERVED};
use crate::sealed::{Nonce, SealedRequest};

/// Classes with a report of many pages, and grades that must be cut to fit an answer: in one of them, the parts of
/// grades are ready to be copied, in the other they are too long for that.
fn long_books() -> [Book; 2] {
    ["Quiz", "A rather long assessment"].map(|name| {
        let names: Vec<_> = (1..=400).map(|n| format!("{name} {n}")).collect();
        book_of(&[&names.join(","), &format!("Ada,2100001{}", ",7.25".repeat(400))], 1)
    })
}

fn sealed(command: &str, nonce: u64) -> String {
    let request = SealedRequest { audience: "nets", id: "2100001", command, nonce: Nonce(nonce) };
    request.seal(&key(1), NOW).unwrap()
}

fn asked(commands: &[Command<&str>]) -> Requests {
    let mut requests = Requests::new(LIMITS);
    for command in commands {
        let id = StudentId::new(b"2100001").unwrap();
        requests.push(Request { id, command: *command });
    }
    requests
}

/// Asserts that an answer has so many bytes, and that its memory grew in one place only.
#[track_caller]
fn assert_grown_in_one_place(answers: &Answers, bytes: usize) {
    let capacity = answers.frames_capacity();
    assert!(capacity > bytes, "{capacity} bytes: the text is long");
    assert_eq!(capacity, RESERVED.get(), "the memory grew by itself, and left marks behind");
}

/// The commands with long answers, and the bytes that writing these needs at least.
const LONG: [(Command<&str>, &str, usize); 2] =
    [(Command::Report, "REPORT", 100_000), (Command::Grades, "GG", 10_000)];

fn cases() -> impl Iterator<Item = (Book, (Command<&'static str>, &'static str, usize))> {
    LONG.into_iter().flat_map(|long| long_books().map(|book| (book, long)))
}

#[test]
fn a_long_answer_leaves_no_copy_behind() {
    for (book, (command, word, bytes)) in cases() {
        for unknown in [UnknownStudent::Close, UnknownStudent::Decoy(DecoyKeys::new().unwrap())] {
            assert_grown_in_one_place(&book.answer(asked(&[command]), &unknown, NOW), bytes);
        }
        let token = sealed(word, 1);
        let requests = asked(&[Command::Sealed(&token)]);
        assert_grown_in_one_place(&book.answer_sealed(requests, &mut verifier(), NOW), bytes);
    }
}

#[test]
fn a_long_decoy_leaves_no_copy_behind() {
    for (book, (command, _, bytes)) in cases() {
        let mut requests = Requests::new(LIMITS);
        requests.push(Request { id: StudentId::new(b"9").unwrap(), command });
        let unknown = UnknownStudent::Decoy(DecoyKeys::new().unwrap());
        assert_grown_in_one_place(&book.answer(requests, &unknown, NOW), bytes);
    }
}

#[test]
fn there_is_room_for_every_answer_with_its_padding_and_the_rest_of_its_frame() {
    // A report that is one byte too long for a length of replies is padded to the next one.
    for name_bytes in 0..600 {
        let student = format!("{},2100001,7", "x".repeat(name_bytes));
        let book = book_of(&["Lab 1", &student], 1);
        for command in [Command::Report, Command::Grades, Command::Statistics("Lab 1")] {
            let room = book.room(book.topic(command).unwrap());
            let unknown = UnknownStudent::Decoy(DecoyKeys::new().unwrap());
            let in_clear = book.answer(asked(&[command]), &unknown, NOW);
            let word = match command {
                Command::Report => "REPORT",
                Command::Grades => "GG",
                _ => "STATS Lab 1",
            };
            let token = sealed(word, 1);
            let requests = asked(&[Command::Sealed(&token)]);
            let replied = book.answer_sealed(requests, &mut verifier(), NOW);
            for answers in [in_clear, replied] {
                let taken = answers.frames_bytes() - HEADER_BYTES;
                assert!(taken <= room, "{taken} bytes, {command:?}, name of {name_bytes} bytes");
            }
        }
    }
}
