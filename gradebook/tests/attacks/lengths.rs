//! Lengths: an observer who sees only how long a reply is learns nothing of a student's marks.

use std::collections::BTreeSet;

use fernet_batch::{DecoyKeys, Timestamp};
use gradebook::sealed::{Nonce, ReplayLimits, RequestVerifier, SealedRequest, VerifierConfig};

use fernet_batch::{Key, Sealer, StudentKeys};
use gradebook::{
    BatchLimits, Book, Class, Command, EditionNumber, Mark, PrivacyPolicy, Request, Requests,
    RosterBuilder, StudentId, UnknownStudent,
};
use std::fmt::Write as _;

use super::class::{NOW, key};

const ASSESSMENTS: usize = 30;
const STUDENTS: usize = 40;

/// One student has a long ID.
fn id(n: usize) -> String {
    if n == 7 { format!("{}@class.example", "i".repeat(50)) } else { (2_100_000 + n).to_string() }
}

/// A class in which the first student has no mark, the last one long marks, and the others some.
fn class() -> String {
    let mut file = "Name,ID Number,Key".to_owned();
    for column in 0..ASSESSMENTS {
        write!(file, ",Quiz {column}").unwrap();
    }
    for n in 0..STUDENTS {
        let name = match n {
            3 => "Ada \\\\\\\\ \u{1} of A",
            4 => "A Name of twenty bytes",
            5 => "Two \"\"\"\"\"\" of a kind",
            _ => "Bo",
        };
        let id = id(n);
        write!(file, "\n{name},{id},{}", key(n)).unwrap();
        for column in 0..ASSESSMENTS {
            match (n, column) {
                (0, _) => file.push(','),
                (39, _) => file.push_str(",10.125"),
                _ if (n + column) % 3 == 0 => file.push(','),
                _ => write!(file, ",{}", (n + column) % 11).unwrap(),
            }
        }
    }
    file
}

/// Reads a class file without quotes.
fn read(file: &str) -> Class {
    let mut lines = file.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let mut builder = RosterBuilder::new(header[3..].iter().map(ToString::to_string));
    for cells in lines {
        let id = StudentId::new(cells[1].as_bytes()).unwrap();
        let keys = StudentKeys::new(Key::parse(cells[2].as_bytes()).unwrap());
        let marks = cells[3..].iter().map(|mark| Mark::parse(mark).unwrap());
        builder.add(&id, cells[0], keys, marks).unwrap();
    }
    builder.finish().ok().unwrap()
}

fn published(population_min: u32) -> Book {
    let policy = PrivacyPolicy { population_min, ..PrivacyPolicy::EXACT };
    Book::publish(read(&class()), EditionNumber(1).published_at(NOW), policy)
}

const COMMANDS: [&str; 5] = ["GG", "AVG Quiz 3", "STATS Quiz 29", "REPORT", "AVG Nothing"];

/// The lengths of the replies to a command, over all students and an ID that no student has.
fn sealed_lengths(book: &Book, command: &str) -> BTreeSet<usize> {
    let mut verifier = RequestVerifier::new(VerifierConfig {
        audience: "nets".into(),
        skew_seconds: 10,
        replays: ReplayLimits { per_student: 100, total: 10_000 },
        started_at: Timestamp(0),
    })
    .unwrap();
    let mut sealer = Sealer::new().unwrap();
    let mut lengths = BTreeSet::new();
    for n in 0..STUDENTS {
        let id = id(n);
        let request = SealedRequest { audience: "nets", id: &id, command, nonce: Nonce(7) };
        let token = request.seal(&Key::parse(key(n).as_bytes()).unwrap(), NOW).unwrap();
        let mut requests = Requests::new(BatchLimits { requests: 1, output_bytes: 1 << 20 });
        let id = StudentId::new(id.as_bytes()).unwrap();
        requests.push(Request { id, command: Command::Sealed(&token) });
        let answers = book.answer_sealed(requests, &mut verifier, NOW);
        let replies = answers.seal(&mut sealer);
        lengths.insert(replies.bytes().len());
        assert!(replies.bytes().len() <= book.sealed_reply_bytes_max());
    }
    lengths
}

#[test]
fn all_sealed_answers_to_a_command_have_one_length() {
    for population_min in [1, 5, 50] {
        let book = published(population_min);
        for command in COMMANDS {
            let lengths = sealed_lengths(&book, command);
            assert_eq!(lengths.len(), 1, "{command}: {lengths:?}");
        }
        assert_eq!(sealed_lengths(&book, "AVG Nothing"), [589].into(), "the shortest reply");
    }
}

#[test]
fn answers_and_decoys_in_clear_have_one_length() {
    let unknown = UnknownStudent::Decoy(DecoyKeys::new().unwrap());
    for population_min in [1, 5, 50] {
        let book = published(population_min);
        for command in COMMANDS {
            let mut lengths = BTreeSet::new();
            for id in (0..STUDENTS).map(id).chain(["7".into()]) {
                let mut requests =
                    Requests::new(BatchLimits { requests: 1, output_bytes: 1 << 20 });
                let id = StudentId::new(id.as_bytes()).unwrap();
                requests.push(Request { id, command: Command::parse(command).unwrap() });
                let answers = book.answer(requests, &unknown, NOW);
                let replies = answers.seal(&mut Sealer::new().unwrap());
                lengths.insert(replies.bytes().len());
                assert!(replies.bytes().len() <= book.clear_reply_bytes_max());
            }
            assert_eq!(lengths.len(), 1, "{command}: {lengths:?}");
        }
    }
}

/// Under private statistics, a class differs from another one in the marks of one student alone: every student's
/// replies to every command have the lengths that they had. All marks of the student differ, because padding would
/// hide the characters of a single one.
#[test]
fn no_length_depends_on_another_student_s_marks_under_private_statistics() {
    let reply_lengths = |mark: &str| -> Vec<BTreeSet<usize>> {
        let file = class().replace(",10.125", &format!(",{mark}"));
        let stamp = EditionNumber(1).published_at(NOW);
        let book = Book::publish(read(&file), stamp, super::class::policy("4"));
        COMMANDS.iter().map(|command| sealed_lengths(&book, command)).collect()
    };
    let expected = reply_lengths("1");
    for mark in ["9", "10", "10.5", "10.125", "-3", "8.333333333333334", "123456789012.1234567"] {
        assert_eq!(reply_lengths(mark), expected, "{mark}");
    }
}
