//! The guard over an in-memory pipe, in virtual time.

use std::time::Duration;

use futures_util::FutureExt;
use grade_actors::event::SessionNumber;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{pause, sleep};

use super::*;

const TIMEOUTS: Timeouts = Timeouts {
    request: Duration::from_secs(30),
    idle: Duration::from_secs(600),
    write: Duration::from_secs(20),
    linger: Duration::from_secs(2),
};

/// A guarded connection, and the client's end of it.
fn connection(bytes: usize) -> (Guarded<DuplexStream>, DuplexStream) {
    let (client, server) = duplex(bytes);
    let peer = "127.0.0.1:60001".parse().unwrap();
    let connection = Rc::new(Connection::new(SessionNumber(1), peer, false, true, false));
    (Guarded::new(server, connection, TIMEOUTS), client)
}

/// Reads a head, as the HTTP library would, and answers it.
async fn answer_one(guard: &mut Guarded<DuplexStream>) {
    assert!(guard.read(&mut [0; 1024]).await.unwrap() > 0);
    guard.connection().handle();
    guard.connection().answer(false);
    guard.connection().take_body();
    guard.write_all(b"answer").await.unwrap();
    guard.flush().await.unwrap();
}

async fn received(client: &mut DuplexStream) -> String {
    let mut bytes = vec![0; 4096];
    let read = client.read(&mut bytes).await.unwrap();
    String::from_utf8(bytes[..read].to_vec()).unwrap()
}

#[tokio::test]
async fn silence_ends_without_a_byte_at_the_idle_limit() {
    pause();
    let (mut guard, _client) = connection(1024);
    let start = Instant::now();
    assert_eq!(guard.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(start.elapsed().as_secs(), 600);
    assert_eq!(guard.connection().close_reason(), Some(CloseReason::Idle));
}

#[tokio::test]
async fn a_slow_head_ends_at_the_request_limit_also_the_second_one() {
    pause();
    let (mut guard, mut client) = connection(1024);
    for is_second in [false, true] {
        if is_second {
            let (other, its_client) = connection(1024);
            (guard, client) = (other, its_client);
            client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            answer_one(&mut guard).await;
            assert_eq!(received(&mut client).await, "answer");
            sleep(Duration::from_secs(100)).await;
        }
        let start = Instant::now();
        client.write_all(b"GET /").await.unwrap();
        assert_eq!(guard.read(&mut [0; 1024]).await.unwrap(), 5);
        sleep(Duration::from_secs(20)).await;
        client.write_all(b" HTTP").await.unwrap();
        assert_eq!(guard.read(&mut [0; 1024]).await.unwrap(), 5, "another byte is no new request");
        assert_eq!(guard.read(&mut [0; 1024]).await.unwrap(), 0);
        assert_eq!(start.elapsed().as_secs(), 30);
        assert_eq!(guard.connection().close_reason(), Some(CloseReason::TooSlow));
        assert!(received(&mut client).await.starts_with("HTTP/1.1 408 "));
    }
}

#[tokio::test]
async fn an_endless_head_is_cut_and_one_of_the_greatest_length_is_not() {
    let (mut guard, mut client) = connection(64 * 1024);
    client.write_all(&vec![b'x'; 20 * 1024]).await.unwrap();
    let mut head = vec![0; HEAD_BYTES_MAX];
    guard.read_exact(&mut head).await.unwrap();
    // The library is given time to read the head that it has; here it finds no end.
    assert_eq!(guard.read(&mut [0; 1024]).await.unwrap(), 0);
    assert_eq!(guard.connection().close_reason(), Some(CloseReason::TooLong));
    assert!(received(&mut client).await.starts_with("HTTP/1.1 431 "));

    let (mut guard, mut client) = connection(64 * 1024);
    client.write_all(&vec![b'x'; 20 * 1024]).await.unwrap();
    guard.read_exact(&mut head).await.unwrap();
    guard.connection().handle();
    let mut body = vec![0; 4 * 1024];
    guard.read_exact(&mut body).await.unwrap();
    assert_eq!(guard.connection().close_reason(), None, "what follows is the body");
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_reset_at_the_write_limit() {
    pause();
    let (mut guard, _client) = connection(16);
    let start = Instant::now();
    let error = guard.write_all(&[0; 1024]).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (ErrorKind::TimedOut, 20));
    assert_eq!(guard.connection().close_reason(), Some(CloseReason::NotReading));
}

#[tokio::test]
async fn a_client_that_reads_byte_by_byte_does_not_move_the_write_limit() {
    pause();
    let (mut guard, mut client) = connection(16);
    let start = Instant::now();
    let reading = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            client.read_u8().await.unwrap();
        }
    };
    tokio::select! {
        written = guard.write_all(&[0; 1024]) => assert!(written.is_err()),
        () = reading => {}
    }
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test]
async fn the_end_of_the_client_is_its_own() {
    let (mut guard, client) = connection(16);
    drop(client);
    assert_eq!(guard.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(guard.connection().close_reason(), Some(CloseReason::Closed));
}

#[tokio::test]
async fn a_response_in_pieces_is_written_whole_before_the_connection_ends() {
    let (mut guard, mut client) = connection(16);
    client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert!(guard.read(&mut [0; 1024]).await.unwrap() > 0);
    let connection = Rc::clone(guard.connection());
    connection.handle();
    connection.answer(true);
    let writing = async {
        for piece in 0..4_u8 {
            guard.write_all(&[piece; 40]).await.unwrap();
            if piece == 3 {
                connection.take_body();
            }
            guard.flush().await.unwrap();
        }
        // Now the client sees the end, and the library too.
        assert!(guard.read(&mut [0; 8]).await.is_err());
    };
    let mut response = Vec::new();
    let reading = async {
        client.read_to_end(&mut response).await.unwrap();
        drop(client);
    };
    tokio::join!(writing, reading);
    assert_eq!(response.len(), 160, "nothing is cut off");
}

#[tokio::test]
async fn the_limits_of_a_head_do_not_hold_while_a_response_is_written() {
    pause();
    let (mut guard, mut client) = connection(64 * 1024);
    client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert!(guard.read(&mut [0; 1024]).await.unwrap() > 0);
    guard.connection().handle();
    guard.connection().answer(false);
    guard.write_all(b"a piece").await.unwrap();
    guard.flush().await.unwrap();
    client.write_all(&vec![b'x'; 40 * 1024]).await.unwrap();
    let mut ahead = vec![0; 40 * 1024];
    guard.read_exact(&mut ahead).await.unwrap();
    assert_eq!(guard.connection().close_reason(), None, "requests are read ahead");
}

#[tokio::test]
async fn the_input_pauses_so_that_no_buffer_of_the_library_grows() {
    let (mut guard, mut client) = connection(64 * 1024);
    client.write_all(&vec![b'x'; 14 * 1024]).await.unwrap();
    let mut most = 0;
    let mut read = 0;
    while read < 14 * 1024 {
        let mut since_pause = 0;
        let mut bytes = [0; 1024];
        while let Some(more) = guard.read(&mut bytes).now_or_never() {
            since_pause += more.unwrap();
        }
        read += since_pause;
        most = most.max(since_pause);
    }
    assert_eq!(most, READ_BYTES);
}
