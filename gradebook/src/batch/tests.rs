//! Batches that are resolved without a class: each request's assessment name decides its answer.

use fernet_batch::{Key, Sealer, Timestamp};

use super::*;
use crate::request::{Command, Rejection, Request, StudentId};
use crate::roster::Roster;
use crate::values::EditionNumber;

const LIMITS: BatchLimits = BatchLimits { requests: 3, output_bytes: 500 };

fn requests_for(names: &[&str]) -> Requests {
    let mut requests = Requests::new(LIMITS);
    for name in names {
        let id = StudentId::new(b"2100421").unwrap();
        requests.push(Request { id, command: Command::Average(name) });
    }
    requests
}

fn key() -> Key {
    Key::from_bytes([7; 32])
}

/// Answers each request with the name it asks for.
fn reply(requests: Requests) -> Replies {
    let mut batch = requests.resolve(&Roster::default(), EditionNumber::default(), Timestamp(0));
    let key = key();
    while let Some(Unresolved { request, text, .. }) = batch.next() {
        let decision = match request.command {
            Command::Average("silence") => Decision::Silence,
            Command::Average("reject") => {
                text.extend_from_slice(b"begun and given up");
                Decision::Reject(Rejection::UnknownAssessment)
            }
            Command::Average(name) => {
                text.extend_from_slice(name.as_bytes());
                Decision::Disclose((&key).into())
            }
            _ => Decision::Silence,
        };
        batch.decide(decision);
    }
    batch.finish().seal(&mut Sealer::new().unwrap())
}

/// Answers of one batch, before they are sealed.
fn answers(names: &[&str], now: u64) -> Answers {
    let mut batch =
        requests_for(names).resolve(&Roster::default(), EditionNumber::default(), Timestamp(now));
    let key = key();
    while let Some(Unresolved { request, text, .. }) = batch.next() {
        let Command::Average(name) = request.command else { panic!("not asked") };
        text.extend_from_slice(name.as_bytes());
        batch.decide(Decision::Disclose((&key).into()));
    }
    batch.finish()
}

#[test]
fn batches_whose_frames_were_sealed_together_have_the_replies_of_batches_sealed_alone() {
    let mut sealer = Sealer::new().unwrap();
    let mut batches = vec![answers(&["a", "b"], 5), answers(&[], 5), answers(&["c"], 5)];
    let frames: Vec<_> = batches.iter_mut().flat_map(Answers::unsealed).collect();
    assert_eq!(frames.len(), 3);
    sealer.seal(Timestamp(5), frames.into_iter());
    assert!(batches.iter_mut().all(|answers| answers.unsealed().next().is_none()));
    let replies: Vec<_> = batches.into_iter().map(|answers| answers.seal(&mut sealer)).collect();
    let read: Vec<_> = replies.iter().map(texts).collect();
    assert_eq!(read, [vec!["a".to_owned(), "b".to_owned()], vec![], vec!["c".to_owned()]]);
    // What nobody has sealed is sealed with its batch.
    let half = answers(&["d", "e"], 5);
    assert_eq!(texts(&half.seal(&mut sealer)), ["d", "e"]);
}

/// The text of each reply: decrypted, or the line of a rejection.
fn texts(replies: &Replies) -> Vec<String> {
    let parts: Vec<_> = replies.iter().flat_map(|(_, _, reply)| reply.to_vec()).collect();
    assert_eq!(replies.bytes(), parts, "each reply is a part of the bytes");
    let lines = std::str::from_utf8(replies.bytes()).unwrap().lines();
    let text = |line: &str| match fernet_batch::open(&key(), line) {
        Ok(opened) => opened.text,
        Err(_) => line.to_owned(),
    };
    lines.map(text).collect()
}

#[test]
fn replies_keep_the_order_of_the_requests() {
    let mut requests = requests_for(&["a", "reject"]);
    requests.push_rejected(Rejection::TooLong);
    assert!(requests.is_full());
    let replies = reply(requests);
    let texts = texts(&replies);
    assert_eq!(texts[0], "a");
    assert!(texts[1].starts_with("ERR assessment ") && texts[2].starts_with("ERR too-long "));
    assert!(!replies.is_last());
    let outcomes: Vec<_> = replies.iter().map(|(_, outcome, _)| outcome).collect();
    let rejected = [Rejection::UnknownAssessment, Rejection::TooLong].map(Outcome::Rejected);
    assert_eq!(outcomes, [Outcome::Answered, rejected[0], rejected[1]]);
}

#[test]
fn a_batch_is_full_at_its_limit_and_not_before() {
    assert!(!requests_for(&["a", "b"]).is_full());
    assert!(requests_for(&["a", "b", "c"]).is_full());
}

#[test]
fn no_request_after_a_silent_rejection_is_answered() {
    let replies = reply(requests_for(&["a", "silence", "b"]));
    assert_eq!(texts(&replies), ["a"]);
    assert!(replies.is_last());
}

#[test]
fn requests_without_room_are_answered_in_the_next_batch() {
    let long = "x".repeat(200);
    let first = reply(requests_for(&[&long, &long, "c"]));
    assert_eq!(first.iter().count(), 1, "two replies of 361 bytes exceed 500");
    let second = reply(first.into_requests());
    assert_eq!(texts(&second), [&*long], "the next one may be as long");
    let third = reply(second.into_requests());
    assert_eq!(texts(&third), ["c"]);
    assert!(third.into_requests().is_empty());
}

#[test]
fn rejections_need_room_like_answers() {
    let mut requests = Requests::new(BatchLimits { requests: 100, ..LIMITS });
    (0..100).for_each(|_| requests.push_rejected(Rejection::TooLong));
    let mut counted = 0;
    while !requests.is_empty() {
        let replies = reply(requests);
        assert!(replies.bytes().len() <= LIMITS.output_bytes, "{} bytes", replies.bytes().len());
        counted += texts(&replies).len();
        requests = replies.into_requests();
    }
    assert_eq!(counted, 100);
}

#[test]
fn one_reply_is_always_allowed() {
    let long = "x".repeat(2_000);
    assert_eq!(reply(requests_for(&[&long, "b"])).iter().count(), 1);
}

#[test]
fn a_revealed_key_follows_the_last_token_of_its_batch() {
    let mut requests = requests_for(&["a"]);
    let id = StudentId::new(b"2100421").unwrap();
    requests.push_revealing(Request { id, command: Command::Average("b") });
    requests.push(Request { id, command: Command::Average("c") });
    assert_eq!((requests.len(), requests.is_empty()), (3, false));
    let replies = reply(requests);
    assert_eq!(texts(&replies), ["a", "b"]);
    assert!(replies.bytes().ends_with(b"=") && replies.len() == 2 && !replies.is_empty());
    assert_eq!(replies.revealed_key(), key().expose_text().as_bytes());
    let next = replies.into_requests();
    assert_eq!(next.len(), 1, "what stands behind it is not answered");
    let replies = reply(next);
    assert!(replies.revealed_key().is_empty());
    assert!(reply(requests_for(&[])).is_empty());
}

#[test]
fn outcomes_have_words() {
    let words = [
        Outcome::Answered,
        Outcome::Decoy,
        Outcome::Silence,
        Outcome::Declined(Rejection::Replayed),
        Outcome::Rejected(Rejection::TooMany),
    ]
    .map(Outcome::word);
    assert_eq!(words, ["answered", "decoy", "silence", "replayed", "too-many"]);
}

#[test]
fn replies_fill_their_limit_and_not_more() {
    // A line of 249 bytes each.
    let text = "x".repeat(127);
    for (output_bytes, expected) in [(497, 1), (498, 2), (746, 2), (747, 3)] {
        let mut requests = Requests::new(BatchLimits { requests: 4, output_bytes });
        let id = StudentId::new(b"2100421").unwrap();
        for _ in 0..4 {
            requests.push(Request { id, command: Command::Average(&text) });
        }
        let replies = reply(requests);
        assert_eq!(replies.len(), expected, "in {output_bytes} bytes");
        assert_eq!(replies.bytes().len(), expected * 249);
    }
}
