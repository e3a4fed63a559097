//! How sessions close: what a rejected client still receives, and the stop of the service.

use std::cell::Cell;

use super::*;

#[actix_rt::test]
async fn a_rejected_client_that_keeps_sending_is_read_up_to_a_limit() {
    pause();
    let mut server = TestServer::open(session_config());
    thread_local!(static SENT: Cell<usize> = const { Cell::new(0) });
    let _session = server.spawn_session(AlwaysReady(|buffer| {
        buffer.put_slice(&[b'9'; 1000]);
        SENT.set(SENT.get() + 1000);
    }));
    assert_eq!(server.ended.recv().await.unwrap().reason, CloseReason::TooLong);
    assert!((8 << 20..9 << 20).contains(&SENT.get()), "{} bytes were read", SENT.get());
}

#[actix_rt::test]
async fn a_rejected_client_that_keeps_sending_still_receives_the_reason() {
    pause();
    let mut server = TestServer::open(session_config());
    let (_session, client) = server.connect(256);
    let (mut reader, mut writer) = tokio::io::split(client);
    let start = Instant::now();
    let flood = async {
        while writer.write_all(&[b'9'; 100]).await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let next_reply = async {
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        text
    };
    let flood_until_cut = async {
        tokio::select! {
            () = flood => {}
            ended = server.ended.recv() => assert_eq!(ended.unwrap().reason, CloseReason::TooLong),
        }
    };
    let (text, ()) = tokio::join!(next_reply, flood_until_cut);
    assert_eq!(text, "ERR too-long the line is too long; the connection closes\n");
    assert_eq!(start.elapsed().as_secs(), 2, "and is not listened to for ever");
}

fn soon() -> Drain {
    Drain { deadline: Instant::now() + seconds(10) }
}

#[actix_rt::test]
async fn a_stop_closes_an_idle_session_at_once() {
    pause();
    let mut server = TestServer::open(session_config());
    let (session, mut client) = server.connect(PIPE_BYTES);
    say(&mut client, "2100001 GG").await;
    next_reply(&mut client).await;
    let start = Instant::now();
    session.send(soon()).await.unwrap();
    assert_eq!(remaining_replies(&mut client).await, Vec::<String>::new());
    drop(client);
    assert_eq!(server.ended.recv().await.unwrap().reason, CloseReason::Drained);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[actix_rt::test]
async fn a_stop_answers_complete_requests_and_no_incomplete_one() {
    let mut server = TestServer::open(session_config());
    let (session, mut client) = server.connect(PIPE_BYTES);
    // More than one batch, and then half a request.
    say(&mut client, "2100001 GG\n".repeat(100) + "2100001 G").await;
    session.send(soon()).await.unwrap();
    let replies = remaining_replies(&mut client).await;
    assert_eq!(replies.len(), 100);
    drop(client);
    let ended = server.ended.recv().await.unwrap();
    assert_eq!((ended.reason, ended.requests), (CloseReason::Drained, 100));
}

#[actix_rt::test]
async fn a_stop_does_not_wait_for_a_client_that_keeps_asking() {
    pause();
    let mut server = TestServer::open(session_config());
    let (session, client) = server.connect(512);
    let (mut reader, mut writer) = tokio::io::split(client);
    let ask = async {
        while writer.write_all(b"2100001 GG\n").await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let read = async {
        let mut buffer = [0; 512];
        while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    };
    let end = async {
        session.send(soon()).await.unwrap();
        server.ended.recv().await.unwrap().reason
    };
    let ((), (), reason) = tokio::join!(ask, read, end);
    assert_eq!(reason, CloseReason::Drained);
}
