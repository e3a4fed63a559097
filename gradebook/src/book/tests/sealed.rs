//! Sealed requests in batches: each is answered as if it had come alone.

use super::*;
use crate::decoy_key::DECOY_KEYS_MADE;
use crate::sealed::{Nonce, ReplayLimits, RequestVerifier, SealedRequest, VerifierConfig};

const REQUESTS: usize = 60;
/// The old key of the third student.
const OLD_KEY: u8 = 13;

pub(super) fn verifier() -> RequestVerifier {
    RequestVerifier::new(VerifierConfig {
        audience: "nets".into(),
        skew_seconds: 300,
        replays: ReplayLimits { per_student: 1_000, total: 1_000_000 },
        started_at: Timestamp(0),
    })
    .unwrap()
}

/// The `n`-th request: its student ID, its token, and how it ends.
fn request(n: usize) -> (String, String, Outcome) {
    let student = u8::try_from(n / 6 % 3 + 1).unwrap();
    let id = format!("210000{student}");
    let nonce = Nonce(u64::try_from(n).unwrap());
    let seal = |by: u8, audience: &str, id: &str| {
        SealedRequest { audience, id, command: "GG", nonce }.seal(&key(by), NOW).unwrap()
    };
    match n % 6 {
        // The old key is as good as the new one.
        0 | 1 => {
            let by = if n % 6 == 1 && student == 3 { OLD_KEY } else { student };
            (id.clone(), seal(by, "nets", &id), Outcome::Answered)
        }
        2 => (id.clone(), seal(student + 1, "nets", &id), Outcome::Decoy),
        3 => ("7".into(), seal(student, "nets", "7"), Outcome::Decoy),
        4 => {
            let declined = Outcome::Declined(Rejection::WrongAudience);
            (id.clone(), seal(student, "law", &id), declined)
        }
        _ => (id.clone(), seal(student, "nets", "2100009"), Outcome::Decoy),
    }
}

/// A class in which the third student has a new key and an old one.
fn book_with_old_key() -> Book {
    let mut builder = RosterBuilder::new(["Lab 1".to_owned()]);
    for n in 1..=3 {
        let id = format!("210000{n}");
        let current = key(n).expose_text().to_string();
        let cell = match n {
            3 => format!("{current};{}", *key(OLD_KEY).expose_text()),
            _ => current,
        };
        let keys = StudentKeys::parse(cell.as_bytes()).unwrap();
        let id = StudentId::new(id.as_bytes()).unwrap();
        builder.add(&id, "Invented", keys, [Mark::parse("7").unwrap()]).unwrap();
    }
    let class = builder.finish().unwrap_or_else(|duplicate| panic!("{duplicate:?}"));
    Book::publish(class, EditionNumber(7).published_at(NOW), PrivacyPolicy::EXACT)
}

/// How requests end that come in batches of `size`, whose replies have so many bytes at most. A line that is no
/// request stands before each.
fn end_of_each(
    book: &Book,
    sealed: &[(String, String, Outcome)],
    size: usize,
    output_bytes: usize,
) -> Vec<Outcome> {
    let (mut verifier, mut sealer) = (verifier(), Sealer::new().unwrap());
    let mut outcomes = Vec::new();
    for batch in sealed.chunks(size) {
        let mut requests = Requests::new(BatchLimits { requests: 64, output_bytes });
        for (id, token, _) in batch {
            let id = StudentId::new(id.as_bytes()).unwrap();
            requests.push_rejected(Rejection::TooLong);
            requests.push(Request { id, command: Command::Sealed(token) });
        }
        while !requests.is_empty() {
            let replies = book.answer_sealed(requests, &mut verifier, NOW).seal(&mut sealer);
            let found = replies.iter().map(|(_, outcome, _)| outcome);
            outcomes.extend(found.filter(|found| *found != Outcome::Rejected(Rejection::TooLong)));
            requests = replies.into_requests();
        }
    }
    outcomes
}

#[test]
fn sealed_requests_end_in_a_batch_of_any_size_as_they_do_alone() {
    let book = book_with_old_key();
    let mut sealed: Vec<_> = (0..REQUESTS).map(request).collect();
    let expected: Vec<_> = sealed.iter().map(|(.., outcome)| *outcome).collect();
    // All of them once more: what was answered is a replay now, and some of it in the same batch.
    let again = sealed.clone().into_iter().map(|(id, token, outcome)| match outcome {
        Outcome::Answered => (id, token, Outcome::Declined(Rejection::Replayed)),
        other => (id, token, other),
    });
    sealed.extend(again);
    let replayed: Vec<_> = sealed[REQUESTS..].iter().map(|(.., outcome)| *outcome).collect();
    // Room for some of the replies only, so that the other requests wait for the next batch; or for all.
    for output_bytes in [500, 9_000, 21_000, 1 << 20] {
        for size in [1, 7, 9, 10, 16, 17, 40, 64] {
            let found = end_of_each(&book, &sealed, size, output_bytes);
            let (first, second) = found.split_at(REQUESTS);
            assert_eq!(first, expected, "batches of {size}, {output_bytes} bytes");
            assert_eq!(second, replayed, "batches of {size}, {output_bytes} bytes, again");
        }
    }
    // The same request twice in one batch.
    let twice: Vec<_> = sealed[..20].iter().flat_map(|one| [one.clone(), one.clone()]).collect();
    let found = end_of_each(&book, &twice, 40, 1 << 20);
    for (pair, (.., outcome)) in found.chunks(2).zip(&sealed) {
        let second = match outcome {
            Outcome::Answered => Outcome::Declined(Rejection::Replayed),
            other => *other,
        };
        assert_eq!(pair, [*outcome, second]);
    }
}

/// The decoy keys made while a batch with a student's own report is answered, behind which four requests come that have
/// no room in it at first.
fn decoy_keys_made(id: &str, token: &str) -> u64 {
    let (book, mut verifier, mut sealer) =
        (book_with_old_key(), verifier(), Sealer::new().unwrap());
    let own = SealedRequest { audience: "nets", id: "2100001", command: "REPORT", nonce: Nonce(0) };
    let own = own.seal(&key(1), NOW).unwrap();
    // Room for the shortest reply twice, and for a report once.
    let mut requests = Requests::new(BatchLimits { requests: 64, output_bytes: 1_300 });
    let own_id = StudentId::new(b"2100001").unwrap();
    requests.push(Request { id: own_id, command: Command::Sealed(&own) });
    for _ in 0..4 {
        let id = StudentId::new(id.as_bytes()).unwrap();
        requests.push(Request { id, command: Command::Sealed(token) });
    }
    let mut batches = 0;
    DECOY_KEYS_MADE.set(0);
    while !requests.is_empty() {
        let replies = book.answer_sealed(requests, &mut verifier, NOW).seal(&mut sealer);
        batches += 1;
        if batches == 1 {
            let report_bytes = replies.bytes().len();
            assert!(replies.len() == 1 && report_bytes > 650, "{report_bytes} bytes");
        }
        requests = replies.into_requests();
    }
    DECOY_KEYS_MADE.get()
}

#[test]
fn a_forged_request_makes_as_many_decoy_keys_for_a_student_as_for_an_unknown_id_wherever_a_batch_ends()
 {
    let forged = |id| {
        let request = SealedRequest { audience: "nets", id, command: "GG", nonce: Nonce(1) };
        decoy_keys_made(id, &request.seal(&key(9), NOW).unwrap())
    };
    let unknown = forged("2100009");
    // One for each request, and one for the request that was opened and had no room.
    assert_eq!(unknown, 5);
    assert_eq!(forged("2100002"), unknown);
    assert_eq!(forged("2100003"), unknown, "with an old key, too");
}
