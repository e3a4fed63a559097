//! Sessions over an in-memory pipe, in virtual time.

mod close;
mod proxy;

use std::time::Duration;

use crate::harness::pipe::{
    AlwaysReady, TestServer, next_reply, remaining_replies, say, session_config,
};
use crate::harness::{ADA, ADA_GRADES, BO, BO_GRADES};
use grade_actors::event::CloseReason;
use grade_actors::messages::Drain;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, pause, sleep, timeout};

const PIPE_BYTES: usize = 64 * 1024;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[actix_rt::test]
async fn a_request_is_answered_and_the_connection_stays_open() {
    let mut server = TestServer::open(session_config());
    let (_session, mut client) = server.connect(PIPE_BYTES);
    for _ in 0..3 {
        say(&mut client, "2100001 GG").await;
        assert_eq!(ADA.opens(&next_reply(&mut client).await), ADA_GRADES);
    }
    drop(client);
    let ended = server.ended.recv().await.unwrap();
    assert_eq!((ended.reason, ended.requests), (CloseReason::Closed, 3));
}

/// The bytes that one read takes.
const READ_BYTES: usize = 8 * 1024;

/// The replies to these bytes, behind as many blanks as make the first read end `cut` bytes into them: what each
/// rejection says, and `token` for a token.
async fn replies_cut_at(bytes: &str, cut: usize) -> Vec<String> {
    let server = TestServer::open(session_config());
    let (_session, mut client) = server.connect(PIPE_BYTES);
    say(&mut client, " ".repeat(READ_BYTES - cut) + bytes).await;
    client.shutdown().await.unwrap();
    let replies = remaining_replies(&mut client).await.into_iter();
    replies.map(|reply| if reply.starts_with("ERR") { reply } else { "token".into() }).collect()
}

#[actix_rt::test]
async fn where_a_read_ends_does_not_decide_how_a_line_is_read() {
    for line in [
        "2100001 GGX\n",
        "2100001 GG extra\n",
        "2100001 GG\0\n",
        "2100001 GL1A2100002\n",
        "GG 2100001GG\r\n",
        "2100001 GG\n",
        "2100001 GG2100002 GG",
        "2100001 GG",
    ] {
        let lines = format!("{line}{line}");
        let whole = replies_cut_at(&lines, READ_BYTES).await;
        for cut in 0..=lines.len() {
            assert_eq!(replies_cut_at(&lines, cut).await, whole, "{lines:?} cut at {cut}");
        }
    }
}

#[actix_rt::test]
async fn a_request_without_a_line_end_is_answered_where_a_read_ends() {
    pause();
    let server = TestServer::open(session_config());
    let (_session, mut client) = server.connect(PIPE_BYTES);
    let request = "2100001 GG";
    say(&mut client, " ".repeat(READ_BYTES - request.len()) + request).await;
    // The client waits for the reply before it sends more.
    let reply = timeout(seconds(1), next_reply(&mut client)).await.unwrap();
    assert_eq!(ADA.opens(&reply), ADA_GRADES);
}

#[actix_rt::test]
async fn an_idle_connection_is_closed_at_the_idle_limit() {
    pause();
    let mut server = TestServer::open(session_config());
    let (_session, mut client) = server.connect(PIPE_BYTES);
    let start = Instant::now();
    assert_eq!(remaining_replies(&mut client).await, Vec::<String>::new(), "without a word");
    assert_eq!(start.elapsed().as_secs(), 600);
    assert_eq!(server.ended.recv().await.unwrap().reason, CloseReason::Idle);
}

#[actix_rt::test]
async fn only_a_complete_request_resets_the_idle_limit() {
    pause();
    let server = TestServer::open(session_config());
    let (_session, mut client) = server.connect(PIPE_BYTES);
    sleep(seconds(500)).await;
    say(&mut client, "2100001 GG").await;
    assert_eq!(ADA.opens(&next_reply(&mut client).await), ADA_GRADES);
    let start = Instant::now();
    for _ in 0..50 {
        sleep(seconds(10)).await;
        say(&mut client, " \r\n").await;
    }
    assert_eq!(remaining_replies(&mut client).await, Vec::<String>::new());
    assert_eq!(start.elapsed().as_secs(), 600);
}

#[actix_rt::test]
async fn slow_bytes_do_not_extend_the_limit_for_a_request() {
    pause();
    let mut server = TestServer::open(session_config());
    let (_session, client) = server.connect(PIPE_BYTES);
    let (mut reader, mut writer) = tokio::io::split(client);
    sleep(seconds(100)).await;
    let start = Instant::now();
    let dribble = async {
        for byte in std::iter::repeat(b'2') {
            if writer.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(seconds(1)).await;
        }
    };
    let next_reply = async {
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        (text, start.elapsed().as_secs())
    };
    let (_, (text, after)) = tokio::join!(dribble, next_reply);
    assert_eq!(text, "ERR too-slow the request was not complete in time; the connection closes\n");
    assert_eq!(after, 30);
    assert_eq!(server.ended.recv().await.unwrap().reason, CloseReason::TooSlow);
}

#[actix_rt::test]
async fn a_flood_of_blank_lines_counts_as_idle_and_does_not_delay_others() {
    let mut session_config = session_config();
    session_config.timeouts.idle = Duration::from_millis(50);
    let mut server = TestServer::open(session_config);
    let _flood = server.spawn_session(AlwaysReady(|buffer| buffer.put_slice(&[b' '; 1000])));
    let (_session, mut client) = server.connect(PIPE_BYTES);
    say(&mut client, "2100001 GG").await;
    assert_eq!(ADA.opens(&next_reply(&mut client).await), ADA_GRADES);
    // Both the flooding client and the idle client are closed.
    for _ in 0..2 {
        let ended =
            timeout(crate::harness::TIMEOUT, server.ended.recv()).await.expect("it never ends");
        assert_eq!(ended.unwrap().reason, CloseReason::Idle);
    }
}

#[actix_rt::test]
async fn the_limit_for_a_request_starts_at_its_first_byte() {
    pause();
    let server = TestServer::open(session_config());
    let (_session, mut client) = server.connect(PIPE_BYTES);
    say(&mut client, "2100001").await;
    sleep(seconds(29)).await;
    say(&mut client, " GG\n21000").await;
    assert_eq!(ADA.opens(&next_reply(&mut client).await), ADA_GRADES);
    sleep(seconds(29)).await;
    say(&mut client, "02 GG").await;
    assert_eq!(BO.opens(&next_reply(&mut client).await), BO_GRADES);
}

#[actix_rt::test]
async fn a_client_that_never_reads_is_reset_at_the_write_limit() {
    pause();
    let mut server = TestServer::open(session_config());
    let (_session, client) = server.connect(1024);
    let (_reader, mut writer) = tokio::io::split(client);
    let start = Instant::now();
    let flood = async {
        let mut taken = 0_usize;
        while writer.write_all(b"2100001 GG\n").await.is_ok() {
            taken += 11;
        }
        taken
    };
    let (taken, ended) = tokio::join!(flood, server.ended.recv());
    assert_eq!(ended.unwrap().reason, CloseReason::NotReading);
    assert_eq!(start.elapsed().as_secs(), 30);
    assert!(taken < 4096, "the session keeps reading: {taken} bytes");
}

#[actix_rt::test]
async fn a_client_that_reads_one_byte_a_second_is_closed_at_the_total_limit() {
    pause();
    let mut server = TestServer::open(session_config());
    let (_session, client) = server.connect(64);
    let (mut reader, mut writer) = tokio::io::split(client);
    let start = Instant::now();
    let read = async {
        while reader.read_u8().await.is_ok() {
            sleep(seconds(1)).await;
        }
    };
    let ask = async { writer.write_all(b"2100001 GG\n2100001 GG\n").await.unwrap() };
    let ended = async { (server.ended.recv().await, start.elapsed().as_secs()) };
    let (_, _, (ended, after)) = tokio::join!(read, ask, ended);
    assert_eq!((ended.unwrap().reason, after), (CloseReason::NotReading, 30));
}

#[actix_rt::test]
async fn a_client_that_reads_late_gets_every_reply() {
    pause();
    let server = TestServer::open(session_config());
    let (_session, client) = server.connect(512);
    let (mut reader, mut writer) = tokio::io::split(client);
    let ask = async {
        for _ in 0..100 {
            writer.write_all(b"2100001 GG\n2100002 GG\n").await.unwrap();
        }
        writer.shutdown().await.unwrap();
    };
    let read = async {
        sleep(seconds(20)).await;
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        text
    };
    let (_, text) = tokio::join!(ask, read);
    let replies: Vec<_> = text.lines().collect();
    assert_eq!(replies.len(), 200);
    for pair in replies.chunks(2) {
        assert_eq!(ADA.opens(pair[0]), ADA_GRADES);
        assert_eq!(BO.opens(pair[1]), BO_GRADES);
    }
}

#[actix_rt::test]
async fn a_client_that_pipelines_does_not_delay_another() {
    let server = TestServer::open(session_config());
    let (_greedy_session, greedy) = server.connect(1 << 20);
    let (mut greedy_reader, mut greedy_writer) = tokio::io::split(greedy);
    greedy_writer.write_all(&b"2100002 GG\n".repeat(2_000)).await.unwrap();
    let (_polite_session, mut polite) = server.connect(PIPE_BYTES);
    // As a task among the sessions' own: a test's main future gets its turn less often than they.
    let polite_client = actix_rt::spawn(async move {
        say(&mut polite, "2100001 GG").await;
        let mut reply = [0; 1024];
        let reply_bytes = polite.read(&mut reply).await.unwrap();
        let mut answered = vec![0; 1 << 20];
        let answered_bytes = greedy_reader.read(&mut answered).await.unwrap();
        let answered = answered[..answered_bytes].iter().filter(|byte| **byte == b'\n').count();
        (String::from_utf8(reply[..reply_bytes].to_vec()).unwrap(), answered)
    });
    let (reply, answered) = polite_client.await.unwrap();
    assert_eq!(ADA.opens(reply.trim_end()), ADA_GRADES);
    assert!(answered <= 8 * 16, "{answered} greedy requests went first, in batches of 16");
}

#[actix_rt::test]
async fn replies_beyond_the_output_limit_are_sent_in_the_next_write() {
    let mut session_config = session_config();
    session_config.batch.output_bytes = 1;
    let server = TestServer::open(session_config);
    let (_session, mut client) = server.connect(PIPE_BYTES);
    say(&mut client, "2100001 GG\n2100002 GG\nfoo\n2100001 GG\n").await;
    client.shutdown().await.unwrap();
    let replies = remaining_replies(&mut client).await;
    assert_eq!(replies.len(), 4);
    assert_eq!(ADA.opens(&replies[0]), ADA_GRADES);
    assert_eq!(BO.opens(&replies[1]), BO_GRADES);
    assert!(replies[2].starts_with("ERR malformed "));
    assert_eq!(ADA.opens(&replies[3]), ADA_GRADES);
}
