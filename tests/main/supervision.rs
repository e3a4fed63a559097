//! Failures of one actor, and their effect on the others.

use std::cell::Cell;
use std::sync::Arc;

use crate::harness::pipe::{
    AlwaysReady, TestServer, edition, next_reply, remaining_replies, say, session_config,
};
use crate::harness::{ADA, ADA_GRADES, BO, BO_GRADES};
use fernet_batch::{Sealer, Timestamp};
use futures_util::FutureExt;
use futures_util::future::join_all;
use grade_actors::event::{CloseReason, SessionNumber};
use grade_actors::messages::{Failed, Install, Lookup};
use gradebook::{
    Answers, Book, Command, EditionNumber, Replies, Request, Requests, StudentId, UnknownStudent,
};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::time::{Duration, advance, pause};

thread_local! {
    /// How many of the next batches fail. Each test has a thread of its own.
    static FAILURES: Cell<u32> = const { Cell::new(0) };
}

fn fail_if_due() {
    if let Some(left) = FAILURES.get().checked_sub(1) {
        FAILURES.set(left);
        panic!("a fault injected by a test");
    }
}

fn answer(book: &Book, requests: Requests, unknown: &UnknownStudent, now: Timestamp) -> Answers {
    fail_if_due();
    book.answer(requests, unknown, now)
}

fn seal(answers: Answers, sealer: &mut Sealer) -> Replies {
    fail_if_due();
    answers.seal(sealer)
}

const BUSY: &str = "ERR busy the server could not answer this request; send it again";
const PIPE_BYTES: usize = 1 << 20;

/// A batch with one request by Ada.
fn one_request() -> Requests {
    let mut requests = Requests::new(session_config().batch);
    let id = StudentId::new(ADA.0.as_bytes()).unwrap();
    requests.push(Request { id, command: Command::Grades });
    requests
}

/// Each request of the batch that fails gets an error; the next batch is answered.
async fn only_the_failing_batch_pays(server: &TestServer) {
    let (_session, mut client) = server.connect(PIPE_BYTES);
    let (_other_session, mut other) = server.connect(PIPE_BYTES);
    FAILURES.set(1);
    say(&mut client, "2100001 GG\n2100002 GG\n2100001 GG\n").await;
    for _ in 0..3 {
        assert_eq!(next_reply(&mut client).await, BUSY);
    }
    say(&mut client, "2100001 GG\n").await;
    assert_eq!(ADA.opens(&next_reply(&mut client).await), ADA_GRADES);
    say(&mut other, "2100002 GG\n").await;
    assert_eq!(BO.opens(&next_reply(&mut other).await), BO_GRADES);
}

#[actix_rt::test]
async fn a_panic_in_the_store_fails_one_batch_and_the_restarted_store_keeps_its_book() {
    let server = TestServer::with(session_config(), answer, Answers::seal);
    only_the_failing_batch_pays(&server).await;
    assert_eq!(server.events.count("Panicked(GradeStore)"), 1);
}

#[actix_rt::test]
async fn a_panic_in_an_encryptor_fails_one_batch() {
    let server = TestServer::with(session_config(), Book::answer, seal);
    only_the_failing_batch_pays(&server).await;
    assert_eq!(server.events.count("Panicked(Encryptor)"), 1);
}

#[actix_rt::test]
async fn a_failed_batch_affects_only_its_own_session() {
    for server in [
        TestServer::with(session_config(), answer, Answers::seal),
        TestServer::with(session_config(), Book::answer, seal),
    ] {
        let mut clients: Vec<_> = (0..5).map(|_| server.connect(PIPE_BYTES)).collect();
        FAILURES.set(1);
        // Neighbours are different students, so no reply can be taken for another's.
        let (ada, bo) = ((ADA, ADA_GRADES), (BO, BO_GRADES));
        let students = [ada, bo, ada, bo, ada];
        for ((_, client), (student, _)) in clients.iter_mut().zip(students) {
            say(client, &format!("{} GG\n", student.0)).await;
        }
        let mut failed = 0;
        for ((_, client), (student, grades)) in clients.iter_mut().zip(students) {
            match next_reply(client).await {
                line if line == BUSY => failed += 1,
                token => assert_eq!(student.opens(&token), grades),
            }
        }
        assert_eq!(failed, 1);
        // No request of the next round fails.
        say(&mut clients[0].1, &format!("{} GG\n", ADA.0)).await;
        assert_eq!(ADA.opens(&next_reply(&mut clients[0].1).await), ADA_GRADES);
    }
}

#[actix_rt::test]
async fn a_restart_of_the_store_keeps_its_queue() {
    let server = TestServer::with(session_config(), answer, Answers::seal);
    FAILURES.set(2);
    let asked = (0..10).map(|_| server.store.send(Lookup(vec![one_request()])));
    let answered: Vec<_> = join_all(asked).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(answered.len(), 10);
    assert_eq!(answered.iter().filter(|answers| answers.is_err()).count(), 2);
    assert!(answered[2..].iter().all(Result::is_ok));
}

#[actix_rt::test]
async fn the_sixth_restart_within_a_minute_stops_the_service() {
    pause();
    let server = TestServer::with(session_config(), answer, Answers::seal);
    let fail_once = async || {
        FAILURES.set(1);
        let answered = server.store.send(Lookup(vec![one_request()])).await.unwrap();
        assert!(matches!(answered[..], [Err(Failed)]));
    };
    for _ in 0..5 {
        fail_once().await;
    }
    advance(Duration::from_secs(61)).await;
    for _ in 0..5 {
        fail_once().await;
    }
    assert!(server.restart_limit.exceeded().now_or_never().is_none(), "five a minute are borne");
    assert_eq!(server.events.count("TooManyRestarts"), 0);
    fail_once().await;
    assert!(server.restart_limit.exceeded().now_or_never().is_some());
    assert_eq!(server.events.count("TooManyRestarts"), 1);
}

#[actix_rt::test]
async fn a_session_that_panics_releases_its_permit_and_affects_no_other_session() {
    let mut server = TestServer::open(session_config());
    let (_other_session, mut other) = server.connect(PIPE_BYTES);
    let permits = Arc::new(Semaphore::new(1));
    server.spawn_session_with(
        AlwaysReady(|_| panic!("a fault injected by a test")),
        SessionNumber(7),
        &permits,
    );
    let ended = server.ended.recv().await.unwrap();
    assert_eq!((ended.session, ended.reason), (SessionNumber(7), CloseReason::Panicked));
    drop(permits.acquire().await.unwrap());
    say(&mut other, "2100001 GG").await;
    assert_eq!(ADA.opens(&next_reply(&mut other).await), ADA_GRADES);
}

#[actix_rt::test]
async fn a_book_is_installed_by_a_restart_that_loses_no_request() {
    let server = TestServer::open(session_config());
    let (_session, mut client) = server.connect(PIPE_BYTES);
    say(&mut client, "2100001 REPORT\n".repeat(2_000)).await;
    client.shutdown().await.unwrap();
    let install = async {
        for number in 2..=9 {
            let book = edition(number, |text| text.replace(",17,", &format!(",{number},")));
            let old = server.store.send(Install(book)).await.unwrap().unwrap();
            assert_eq!(old.edition(), EditionNumber(number - 1), "the old book comes back");
        }
    };
    let ((), replies) = tokio::join!(install, remaining_replies(&mut client));
    assert_eq!(replies.len(), 2_000);
    let mut last = 0;
    for reply in &replies {
        let report: serde_json::Value = serde_json::from_str(&ADA.opens(reply)).unwrap();
        let edition = report["edition"].as_u64().unwrap();
        let midterm = report["assessments"][4]["mark"].as_u64().unwrap();
        assert_eq!(midterm, if edition == 1 { 17 } else { edition }, "a reply is of one edition");
        assert!(last <= edition, "editions never run back");
        last = edition;
    }
    assert_eq!(last, 9);
    assert_eq!(server.events.count("Installed"), 8);
}

#[actix_rt::test]
async fn an_older_book_is_returned_and_never_installed() {
    let server = TestServer::open(session_config());
    let install = async |number: u64| {
        let book = edition(number, str::to_owned);
        server.store.send(Install(book)).await.unwrap().unwrap().edition()
    };
    assert_eq!(install(5).await, EditionNumber(1));
    assert_eq!(install(4).await, EditionNumber(4));
    assert_eq!(install(5).await, EditionNumber(5), "with other keys, perhaps");
    assert_eq!(install(6).await, EditionNumber(5));
}

#[actix_rt::test]
async fn concurrent_installs_are_all_answered_in_order() {
    let server = TestServer::open(session_config());
    let installs =
        (2..=20).map(|number| server.store.send(Install(edition(number, str::to_owned))));
    let lookups = (0..20).map(|_| server.store.send(Lookup(vec![one_request()])));
    let (old, answered) = tokio::join!(join_all(installs), join_all(lookups));
    let old: Vec<_> = old.into_iter().map(|old| old.unwrap().unwrap().edition().0).collect();
    assert_eq!(old, (1..=19).collect::<Vec<_>>());
    assert_eq!(answered.into_iter().flat_map(Result::unwrap).filter(Result::is_ok).count(), 20);
}
