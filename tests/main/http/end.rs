//! The end of connections, and of a server with the page.

use std::net::Shutdown;

use super::{HttpClient, asked, settings, start};
use crate::harness::ADA;
use crate::stop::stuck;
use rustix::process::Signal;

#[test]
fn idle_connections_do_not_delay_the_stop() {
    let (server, port) = start(&settings("", "", "[timeouts]\ndrain = \"1h\"\n"));
    let mut idle: Vec<_> = (0..20).map(|_| HttpClient::connect(port)).collect();
    for client in &mut idle {
        assert_eq!(client.get("/").status(), 200);
    }
    let mut half = HttpClient::connect(port);
    half.say("POST /v1/ask HTTP/1.1\r\nhost: a\r\n");
    assert_eq!(server.stopped().0, Some(0));
    assert!(idle.iter_mut().all(HttpClient::is_closed));
}

#[test]
fn a_request_during_the_stop_gets_503() {
    let (mut server, port) =
        start(&settings("", "", "[timeouts]\ndrain = \"1h\"\nwrite = \"1h\"\n"));
    let mut idle = HttpClient::connect(port);
    assert_eq!(idle.get("/").status(), 200);
    let mut half = HttpClient::connect(port);
    let line = asked(ADA, "GG", 1);
    let (first, second) = line.split_at(100);
    let length = line.len();
    half.say(format!(
        "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{first}"
    ));
    let stuck = stuck(&server, b"x\n");
    server.signal(Signal::TERM);
    server.prints("Stopping; 1 connection is open.");
    half.say(second);
    let mut late = HttpClient::connect(port);
    for response in [half.response(), idle.ask(&line), late.ask(&line)] {
        assert_eq!(response.status(), 503);
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(response.header("retry-after"), Some("5"));
    }
    assert!(half.is_closed() && idle.is_closed() && late.is_closed());
    drop(stuck);
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn a_request_behind_the_last_one_does_not_keep_a_connection_open() {
    let (_server, port) = start(&settings("", "", "[limits]\nconnections = 2\n"));
    let last = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    for _ in 0..2 {
        let clients = [(), ()].map(|()| {
            let mut client = HttpClient::connect(port);
            client.say(format!("{last}GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
            client.0.get_ref().shutdown(Shutdown::Write).unwrap();
            assert_eq!(client.response().status(), 200);
            client
        });
        for mut client in clients {
            assert!(client.is_closed(), "without a second response");
        }
    }
    // The permits of all of them have returned.
    assert_eq!(HttpClient::connect(port).get("/").status(), 200);
}
