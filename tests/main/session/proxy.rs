//! Connections from a proxy, which may name the client.

use std::sync::Arc;
use std::time::Duration;

use grade_actors::event::CloseReason;
use grade_actors::{Admission, Proxies, Source};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, pause, sleep};

use crate::harness::pipe::{PEER, TestServer, next_reply, remaining_replies, say, session_config};
use crate::harness::{ADA, ADA_GRADES};

/// A header of the PROXY protocol that names 192.0.2.60:4711.
const HEADER: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x3c\x7f\0\0\x01\x12\x67\xc3\x50";
const BUSY: &str =
    "ERR connections too many connections from your network; close one, or try again later";

fn admission(per_source_max: usize) -> Arc<Admission> {
    Arc::new(Admission::new(per_source_max, Proxies::default()))
}

fn source(text: &str) -> Source {
    Source::of(text.parse().unwrap())
}

#[actix_rt::test]
async fn the_client_that_a_proxy_names_is_the_source_of_the_connection() {
    let server = TestServer::open(session_config());
    let admission = admission(1);
    let (_session, mut proxy) = server.connect_proxy(&admission);
    say(&mut proxy, [HEADER, b"2100001 GG\n"].concat()).await;
    assert_eq!(ADA.opens(&next_reply(&mut proxy).await), ADA_GRADES);
    assert!(admission.admit(source("192.0.2.60")).is_none(), "the client has its one connection");
    assert!(admission.admit(Source::of(PEER.ip())).is_some(), "the proxy has none");
    let (_other, mut second) = server.connect_proxy(&admission);
    say(&mut second, HEADER).await;
    assert_eq!(remaining_replies(&mut second).await, [BUSY]);
    assert_eq!(server.events.count("ConnectionRejected(192.0.2.60:4711)"), 1);
}

#[actix_rt::test]
async fn a_proxy_that_names_nobody_is_itself_the_source() {
    let server = TestServer::open(session_config());
    let health_check = [&HEADER[..12], b"\x20", &HEADER[13..]].concat();
    for beginning in [&b""[..], &health_check, b"\r\n"] {
        let admission = admission(1);
        let (_session, mut proxy) = server.connect_proxy(&admission);
        say(&mut proxy, [beginning, b"2100001 GG\n"].concat()).await;
        assert_eq!(ADA.opens(&next_reply(&mut proxy).await), ADA_GRADES);
        assert!(admission.admit(Source::of(PEER.ip())).is_none());
    }
}

#[actix_rt::test]
async fn a_header_may_come_byte_by_byte_but_not_for_ever() {
    pause();
    let mut server = TestServer::open(session_config());
    let (_session, mut proxy) = server.connect_proxy(&admission(1));
    for byte in HEADER {
        sleep(Duration::from_millis(100)).await;
        say(&mut proxy, [*byte]).await;
    }
    say(&mut proxy, "2100001 GG\n").await;
    assert_eq!(ADA.opens(&next_reply(&mut proxy).await), ADA_GRADES);
    drop(proxy);
    assert_eq!(server.ended.recv().await.unwrap().reason, CloseReason::Closed);

    let (_session, mut slow) = server.connect_proxy(&admission(1));
    let start = Instant::now();
    say(&mut slow, &HEADER[..20]).await;
    assert_eq!(slow.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(start.elapsed().as_secs(), session_config().timeouts.request.as_secs());
    assert_eq!(server.ended.recv().await.unwrap().reason, CloseReason::TooSlow);
}

#[actix_rt::test]
async fn a_broken_header_ends_the_connection_without_a_byte() {
    let mut server = TestServer::open(session_config());
    let (_session, mut proxy) = server.connect_proxy(&admission(1));
    say(&mut proxy, [&HEADER[..12], b"\x31\x11\0\x0c2100001 GG\n"].concat()).await;
    assert_eq!(remaining_replies(&mut proxy).await, Vec::<String>::new());
    assert_eq!(server.ended.recv().await.unwrap().reason, CloseReason::BadProxyHeader);
}

#[actix_rt::test]
async fn the_header_of_a_client_that_is_no_proxy_is_not_a_request() {
    let server = TestServer::open(session_config());
    let (_session, mut client) = server.connect(1024);
    say(&mut client, HEADER).await;
    assert!(next_reply(&mut client).await.starts_with("ERR malformed"));
}
