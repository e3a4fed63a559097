//! Verifying requests: which are answered, and what the others cost.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use fernet_batch::Key;

use super::*;
use crate::sealed::Nonce;
use crate::wire::{REQUEST_TEXT_BYTES, REQUEST_TOKEN_BYTES};

const NOW: Timestamp = Timestamp(1_800_000_000);
const LIMITS: ReplayLimits = ReplayLimits { per_student: 1_000, total: 10_000 };

fn key(n: u8) -> Key {
    Key::from_bytes([n; 32])
}

fn verifier() -> RequestVerifier {
    RequestVerifier::new(VerifierConfig {
        audience: "nets-2026".into(),
        skew_seconds: 300,
        replays: LIMITS,
        started_at: Timestamp(0),
    })
    .unwrap()
}

fn sealed(key: &Key, audience: &str, id: &str, nonce: u64, time: u64) -> String {
    let request = SealedRequest { audience, id, command: "GG", nonce: Nonce(nonce) };
    request.seal(key, Timestamp(time)).unwrap()
}

const ID: &str = "2100001";

/// A token that names the student with [`ID`], who has this key. One key is tried.
fn credentials<'a>(key: Option<KeyRef<'a>>, token: &'a str) -> Credentials<'a> {
    Credentials { id: ID, key, old_key: None, tries_two: false, replays_max: 9, token }
}

/// Opens a request and verifies it.
fn verify<'v>(
    verifier: &'v mut RequestVerifier,
    credentials: &Credentials<'_>,
) -> Verification<'v> {
    verify_at(NOW, verifier, credentials)
}

fn verify_at<'v>(
    now: Timestamp,
    verifier: &'v mut RequestVerifier,
    credentials: &Credentials<'_>,
) -> Verification<'v> {
    verifier.begin(now, false);
    verifier.open(std::iter::once(*credentials));
    verifier.verify(credentials, now)
}

/// The reply's status, or that the token is not authentic.
fn status(verifier: &mut RequestVerifier, known: Option<&Key>, token: &str) -> String {
    status_at(NOW, verifier, known, token)
}

fn status_at(
    now: Timestamp,
    verifier: &mut RequestVerifier,
    known: Option<&Key>,
    token: &str,
) -> String {
    match verify_at(now, verifier, &credentials(known.map(KeyRef::from), token)) {
        Verification::Unauthenticated(_) => "unauthenticated".into(),
        Verification::Authentic { request, status, .. } => {
            assert_eq!((request.id, request.command), ("2100001", "GG"));
            status.map_or_else(Rejection::word, |()| "ok").into()
        }
    }
}

#[test]
fn a_request_is_remembered_until_its_time_has_passed() {
    let (mut verifier, key) = (verifier(), key(1));
    let token = |nonce, time| sealed(&key, "nets-2026", "2100001", nonce, time);
    let early = token(0, NOW.0 - 100);
    assert_eq!(status(&mut verifier, Some(&key), &early), "ok");
    for nonce in 1..9 {
        assert_eq!(status(&mut verifier, Some(&key), &token(nonce, NOW.0 - 100)), "ok");
    }
    let mut status_at = |seconds, token: &str| {
        status_at(Timestamp(NOW.0 + seconds), &mut verifier, Some(&key), token)
    };
    assert_eq!(status_at(200, &early), "replayed");
    assert_eq!(status_at(200, &token(10, NOW.0 + 200)), "busy", "the share is full");
    assert_eq!(status_at(201, &token(11, NOW.0 + 201)), "ok");
    assert_eq!(status_at(201, &early), "clock");
}

#[test]
fn what_requests_said_is_wiped() {
    let (mut verifier, key) = (verifier(), key(1));
    let is_wiped =
        |verifier: &RequestVerifier| verifier.opened.frames.iter().all(|f| *f == EMPTY_FRAME);
    let token = |nonce| sealed(&key, "nets-2026", "2100001", nonce, NOW.0);
    assert_eq!(status(&mut verifier, Some(&key), &token(1)), "ok");
    assert!(!is_wiped(&verifier));
    verifier.end(std::iter::empty());
    assert!(is_wiped(&verifier), "when the batch ends");
    assert_eq!(status(&mut verifier, Some(&key), &token(2)), "ok");
    verifier.begin(NOW, false);
    assert!(is_wiped(&verifier), "when the next one begins, if the last one failed");
}

#[test]
fn an_authentic_request_is_answered_once() {
    let (mut verifier, key) = (verifier(), key(1));
    let token = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
    assert_eq!(status(&mut verifier, Some(&key), &token), "ok");
    assert_eq!(status(&mut verifier, Some(&key), &token), "replayed");
    let again = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
    assert_eq!(status(&mut verifier, Some(&key), &again), "ok", "the same text sealed again");
}

#[test]
fn a_student_may_use_the_new_key_or_the_one_before() {
    let (mut verifier, new, old) = (verifier(), key(1), key(2));
    let mut with = |by: &Key, tries_two| {
        let token = sealed(by, "nets-2026", "2100001", 1, NOW.0);
        let (key, old_key) = (Some((&new).into()), Some((&old).into()).filter(|_| tries_two));
        let credentials = Credentials { old_key, tries_two, ..credentials(key, &token) };
        match verify(&mut verifier, &credentials) {
            Verification::Unauthenticated(_) => None,
            Verification::Authentic { with_old_key, status, .. } => Some((status, with_old_key)),
        }
    };
    assert_eq!(with(&new, true), Some((Ok(()), false)));
    assert_eq!(with(&old, true), Some((Ok(()), true)));
    assert_eq!(with(&key(3), true), None);
    assert_eq!(with(&old, false), None);
}

/// The number of keys expanded while an outsider sends forged requests for a student.
fn keys_expanded(known: Option<(&Key, Option<&Key>)>, tries_two: bool) -> u64 {
    let mut verifier = verifier();
    let forged = sealed(&key(7), "nets-2026", "2100001", 1, NOW.0);
    for _ in 0..5 {
        let (key, old_key) = known.unzip();
        let old_key = old_key.flatten().map(KeyRef::from);
        let key = key.map(KeyRef::from);
        let credentials = Credentials { old_key, tries_two, ..credentials(key, &forged) };
        let verification = verify(&mut verifier, &credentials);
        assert!(matches!(verification, Verification::Unauthenticated(_)));
    }
    verifier.verifiers.iter().map(BatchVerifier::keys_expanded).sum()
}

#[test]
fn a_forged_request_costs_as_much_for_a_student_with_one_key_or_two_as_for_an_unknown_id() {
    let (new, old) = (key(1), key(2));
    assert_eq!(keys_expanded(None, false), 1);
    assert_eq!(keys_expanded(Some((&new, None)), false), 1);
    assert_eq!(keys_expanded(None, true), 2);
    assert_eq!(keys_expanded(Some((&new, None)), true), 2);
    assert_eq!(keys_expanded(Some((&new, Some(&old))), true), 2);
}

#[test]
fn a_request_that_is_sent_again_costs_as_much_as_a_forged_one() {
    let (new, old) = (key(1), key(2));
    for (by, tries_two) in [(&new, false), (&new, true), (&old, true)] {
        let mut verifier = verifier();
        let expanded = |verifier: &RequestVerifier| {
            verifier.verifiers.each_ref().map(BatchVerifier::keys_expanded)
        };
        let mut ask = |token: &str| {
            let old_key = Some(KeyRef::from(&old)).filter(|_| tries_two);
            let key = Some((&new).into());
            let credentials = Credentials { old_key, tries_two, ..credentials(key, token) };
            let _ = verify(&mut verifier, &credentials);
            expanded(&verifier)
        };
        let token = sealed(by, "nets-2026", "2100001", 1, NOW.0);
        ask(&token);
        let replayed = ask(&token);
        assert_eq!(replayed, [1, u64::from(tries_two)], "both keys are tried");
        let forged = sealed(&key(7), "nets-2026", "2100001", 1, NOW.0);
        assert_eq!(ask(&forged), replayed, "neither is expanded again");
    }
}

#[test]
fn requests_from_before_the_start_of_the_process_are_not_answered() {
    let (mut verifier, key) = (verifier(), key(1));
    verifier.config.started_at = Timestamp(NOW.0 - 10);
    for (time, expected) in [(NOW.0 - 11, "clock"), (NOW.0 - 10, "clock"), (NOW.0 - 9, "ok")] {
        let token = sealed(&key, "nets-2026", "2100001", 1, time);
        assert_eq!(status(&mut verifier, Some(&key), &token), expected, "{time}");
    }
}

#[test]
fn requests_that_the_next_process_could_answer_again_are_not_answered_at_the_end() {
    let (mut verifier, key) = (verifier(), key(1));
    let status_at = |nonce, time, verifier: &mut RequestVerifier| {
        let token = sealed(&key, "nets-2026", ID, nonce, time);
        status(verifier, Some(&key), &token)
    };
    assert_eq!(status_at(1, NOW.0 + 5, &mut verifier), "ok");
    verifier.refuse_after(NOW);
    // What ends has ended.
    verifier.refuse_after(Timestamp(NOW.0 + 9));
    assert_eq!(status_at(2, NOW.0, &mut verifier), "ok");
    assert_eq!(status_at(3, NOW.0 + 1, &mut verifier), "busy");
    assert_eq!(
        status_at(1, NOW.0 + 5, &mut verifier),
        "busy",
        "it is not said that it was answered"
    );
}

#[test]
fn a_class_shares_the_remembered_requests() {
    assert_eq!(verifier().replays_max(100), 100);
    assert_eq!(verifier().replays_max(2), 1_000);
}

#[test]
fn a_student_s_share_is_the_student_s_alone() {
    let (mut verifier, key) = (verifier(), key(1));
    for nonce in 0..9 {
        let token = sealed(&key, "nets-2026", "2100001", nonce, NOW.0);
        assert_eq!(status(&mut verifier, Some(&key), &token), "ok");
    }
    let token = sealed(&key, "nets-2026", "2100001", 9, NOW.0);
    assert_eq!(status(&mut verifier, Some(&key), &token), "busy");
}

#[test]
fn a_token_that_the_student_did_not_make_is_unauthenticated_like_an_unknown_student_s() {
    let (mut verifier, key, other) = (verifier(), key(1), key(2));
    let token = sealed(&other, "nets-2026", "2100001", 1, NOW.0);
    assert_eq!(status(&mut verifier, Some(&key), &token), "unauthenticated", "another key");
    assert_eq!(status(&mut verifier, None, &token), "unauthenticated", "of no student");
    let token = sealed(&key, "nets-2026", "2100002", 1, NOW.0);
    assert_eq!(status(&mut verifier, Some(&key), &token), "unauthenticated", "about someone else");
    let fernet = fernet::Fernet::new(&key.expose_text()).unwrap();
    let mut reply = b"R1\t2100001\tGG\t0000000000000001\t1\t1800000000\tok\t".to_vec();
    reply.resize(REQUEST_TEXT_BYTES, b' ');
    let reflected = fernet.encrypt_at_time(&reply, NOW.0);
    assert_eq!(reflected.len(), REQUEST_TOKEN_BYTES);
    assert_eq!(
        status(&mut verifier, Some(&key), &reflected),
        "unauthenticated",
        "a reply sent back"
    );
    let unpadded = "A".repeat(REQUEST_TOKEN_BYTES);
    assert_eq!(
        status(&mut verifier, Some(&key), &unpadded),
        "unauthenticated",
        "longer once decoded"
    );
    for text in [0, 16, 254, 256, 300] {
        let token = fernet.encrypt_at_time(&vec![b' '; text], NOW.0);
        assert_eq!(status(&mut verifier, Some(&key), &token), "unauthenticated", "{text} bytes");
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_is_unauthenticated_and_never_a_replay() {
    let (mut verifier, key) = (verifier(), key(1));
    let token = sealed(&key, "nets-2026", "2100001", 1, NOW.0);
    let bytes = URL_SAFE.decode(&token).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = URL_SAFE.encode(bytes);
        assert_eq!(status(&mut verifier, Some(&key), &changed), "unauthenticated", "bit {bit}");
    }
    for cut in 0..token.len() {
        assert_eq!(
            status(&mut verifier, Some(&key), token.get(..cut).unwrap()),
            "unauthenticated",
            "cut at {cut}"
        );
    }
    assert_eq!(status(&mut verifier, Some(&key), &token), "ok");
}

#[test]
fn only_the_student_learns_that_time_or_audience_is_wrong() {
    let (mut verifier, key) = (verifier(), key(1));
    for (time, expected) in [
        (NOW.0 - 300, "ok"),
        (NOW.0 + 300, "ok"),
        (NOW.0 - 301, "clock"),
        (NOW.0 + 301, "clock"),
        (0, "clock"),
        (u64::MAX, "clock"),
    ] {
        let token = sealed(&key, "nets-2026", "2100001", 1, time);
        assert_eq!(status(&mut verifier, Some(&key), &token), expected, "{time}");
    }
    let token = sealed(&key, "nets-2025", "2100001", 1, NOW.0);
    assert_eq!(status(&mut verifier, Some(&key), &token), "audience");
    assert_eq!(status(&mut verifier, Some(&key), &token), "audience", "and is no replay");
}
