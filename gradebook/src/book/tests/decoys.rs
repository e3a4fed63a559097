//! Decoys take as long as answers: the same is computed for a student as for an unknown ID.

use super::*;
use crate::decoy_key::DECOY_KEYS_MADE;
use crate::sealed::{Nonce, ReplayLimits, RequestVerifier, SealedRequest, VerifierConfig};

const STUDENT: &str = "s1";
const UNKNOWN: &str = "nobody";

/// The key of a student. No two have the same.
fn key_of(student: u32) -> Key {
    let mut bytes = [7; Key::BYTES];
    bytes[..4].copy_from_slice(&student.to_le_bytes());
    Key::from_bytes(bytes)
}

/// A class of so many students, from `s0` on.
fn book_of_size(students: u32) -> Book {
    let mut builder = RosterBuilder::new(["Lab 1".to_owned()]);
    for n in 0..students {
        let id = format!("s{n}");
        let id = StudentId::new(id.as_bytes()).unwrap();
        let mark = Mark::parse("7").unwrap();
        builder.add(&id, "Invented", StudentKeys::new(key_of(n)), [mark]).unwrap();
    }
    let class = builder.finish().unwrap_or_else(|duplicate| panic!("{duplicate:?}"));
    Book::publish(class, EditionNumber(7).published_at(NOW), PrivacyPolicy::EXACT)
}

fn decoys() -> UnknownStudent {
    UnknownStudent::Decoy(DecoyKeys::new().unwrap())
}

fn requests<'a>(asked: impl IntoIterator<Item = (&'a str, Command<&'a str>)>) -> Requests {
    let mut requests = Requests::new(LIMITS);
    for (id, command) in asked {
        let id = StudentId::new(id.as_bytes()).unwrap();
        requests.push(Request { id, command });
    }
    requests
}

#[test]
fn a_student_s_answer_in_clear_costs_a_decoy_key_too() {
    let book = book_of_size(3);
    let made = |unknown: &UnknownStudent, id| {
        DECOY_KEYS_MADE.set(0);
        book.answer(requests([(id, Command::Grades)]), unknown, NOW);
        DECOY_KEYS_MADE.get()
    };
    let unknown = decoys();
    assert_eq!([made(&unknown, STUDENT), made(&unknown, UNKNOWN)], [1, 1]);
    assert_eq!(made(&UnknownStudent::Error, STUDENT), 0, "nobody gets a decoy");
}

#[test]
fn decoy_keys_have_mac_states_if_the_keys_of_students_have_which_a_small_class_keeps() {
    for (students, are_kept) in [(4_096, true), (4_097, false)] {
        let book = book_of_size(students);
        // Each in a batch of its own: a batch has the states of all keys or of none.
        for id in [STUDENT, UNKNOWN] {
            let in_clear = book.answer(requests([(id, Command::Grades)]), &decoys(), NOW);
            assert_eq!(in_clear.have_mac_states(), [are_kept], "{students} students, {id}");
        }
        let mut verifier = RequestVerifier::new(VerifierConfig {
            audience: "nets".into(),
            skew_seconds: 300,
            replays: ReplayLimits { per_student: 1_000, total: 1_000_000 },
            started_at: Timestamp(0),
        })
        .unwrap();
        let seal = |id, by: u32| {
            let request = SealedRequest { audience: "nets", id, command: "GG", nonce: Nonce(1) };
            request.seal(&key_of(by), NOW).unwrap()
        };
        for (id, by) in [(STUDENT, 1), (STUDENT, 2), (UNKNOWN, 1)] {
            let token = seal(id, by);
            let asked = requests([(id, Command::Sealed(token.as_str()))]);
            let sealed = book.answer_sealed(asked, &mut verifier, NOW);
            assert_eq!(sealed.have_mac_states(), [are_kept], "{students} students, {id} by {by}");
        }
    }
}

#[test]
fn nothing_of_a_student_s_answer_is_left_in_a_decoy() {
    let book = book_of(CLASS, 1);
    let keys = DecoyKeys::new().unwrap();
    let unknown = UnknownStudent::Decoy(keys.clone());
    for id in ["9", "99", "999", "9999"] {
        for command in [Command::Grades, Command::Report, lab("GMA")] {
            let answers = book.answer(requests([(id, command)]), &unknown, NOW);
            let replies = answers.seal(&mut Sealer::new().unwrap());
            let token = str::from_utf8(replies.bytes()).unwrap().trim_end();
            let opened = fernet_batch::open(&keys.key_for(id), token).ok().unwrap();
            assert_eq!(opened.text.trim_end_matches(' '), "", "{id}, {command:?}");
        }
    }
}
