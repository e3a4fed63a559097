//! Requests whose end a proxy could see elsewhere, and clients that are too slow.

use std::io::Write;

use super::{HttpClient, asked, settings, start};
use crate::harness::{ADA, Client, Server, eventually};
use crate::sealed::opened;

#[test]
fn a_request_with_two_ends_is_rejected_and_the_connection_closes() {
    let (_server, port) = start(&settings("", "", ""));
    let ask = "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n";
    for (head, body) in [
        (format!("{ask}content-length: 3\r\ntransfer-encoding: chunked\r\n"), "0\r\n\r\n"),
        (format!("{ask}transfer-encoding: chunked\r\ncontent-length: 3\r\n"), "0\r\n\r\n"),
        (format!("{ask}content-length: 1\r\ncontent-length: 3\r\n"), "xxx"),
        (format!("{ask}content-length: 1\r\ncontent-length: 1\r\n"), "x"),
        (format!("{ask}content-length: +1\r\n"), "x"),
        (format!("{ask}content-length: -1\r\n"), "x"),
        (format!("{ask}transfer-encoding: xchunked\r\n"), "0\r\n\r\n"),
        (format!("{ask}transfer-encoding: identity\r\n"), "x"),
        (format!("{ask}transfer-encoding: gzip, chunked\r\n"), "0\r\n\r\n"),
        (format!("{ask}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"), "0\r\n\r\n"),
        (format!("{}transfer-encoding: chunked\r\n", ask.replace("1.1", "1.0")), "0\r\n\r\n"),
        (format!("{ask}host: b\r\ncontent-length: 1\r\n"), "x"),
        (format!("{}content-length: 1\r\n", ask.replace("host: a\r\n", "")), "x"),
        (format!("{ask}content-length : 1\r\n"), "x"),
        (format!("{ask}x: a\r\n b\r\ncontent-length: 1\r\n"), "x"),
        (format!("{ask}connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 1\r\n"), "x"),
    ] {
        let mut client = HttpClient::connect(port);
        client.say(format!("{head}\r\n{body}GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
        assert_eq!(client.response().status(), 400, "{head}");
        assert!(client.is_closed(), "what follows may be another's request: {head}");
    }
}

#[test]
fn a_body_in_chunks_is_a_body_and_pipelined_requests_are_answered_in_order() {
    let (_server, port) = start(&settings("", "", ""));
    let mut client = HttpClient::connect(port);
    let line = asked(ADA, "GG", 1);
    let (first, second) = line.split_at(200);
    client.say(format!(
        "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ntransfer-encoding: \
         chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\nGET /x HTTP/1.1\r\nhost: \
         a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
        first.len(),
        second.len()
    ));
    let statuses = [(); 3].map(|()| client.response().status());
    assert_eq!(statuses, [200, 404, 200]);
}

#[test]
fn a_request_that_is_not_complete_in_time_is_rejected_and_the_connection_closes() {
    let (_server, port) = start(&settings("", "", "[timeouts]\nrequest = \"500ms\"\n"));
    let ask = "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n";
    for half in ["GET / HT".to_owned(), format!("{ask}content-length: 9\r\n\r\nxxx")] {
        for requests_before in [0, 1] {
            let mut client = HttpClient::connect(port);
            for _ in 0..requests_before {
                assert_eq!(client.get("/").status(), 200);
            }
            client.say(&half);
            assert_eq!(client.response().status(), 408, "{half}");
            assert!(client.is_closed());
        }
    }
}

#[test]
fn a_body_in_chunks_that_stops_is_rejected_and_the_connection_closes() {
    let (_server, port) = start(&settings("", "", "[timeouts]\nrequest = \"500ms\"\n"));
    let head = "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n";
    for begun in ["", "ff\r\n", "ff\r\na"] {
        let mut client = HttpClient::connect(port);
        client.say(format!("{head}\r\n{begun}"));
        assert_eq!(client.response().status(), 408);
        assert!(client.is_closed(), "{begun:?}");
    }
}

#[test]
fn nothing_is_answered_behind_the_last_response() {
    let (_server, port) = start(&settings("", "", ""));
    for last in [
        "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /x HTTP/1.0\r\nhost: a\r\n\r\n",
        "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nxxx",
        "POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nff\r\n",
        "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nxxx",
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nxxx",
    ] {
        let mut client = HttpClient::connect(port);
        client.say(format!("{last}GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
        let response = client.response();
        assert!((400..416).contains(&response.status()), "{last}");
        let is_old = last.contains("HTTP/1.0");
        assert_eq!(response.header("connection"), (!is_old).then_some("close"), "{last}");
        assert!(client.is_closed(), "{last}");
    }
    let mut client = HttpClient::connect(port);
    client.say("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n");
    let page = client.response();
    assert_eq!((page.status(), page.header("connection")), (200, Some("close")));
}

#[test]
fn an_old_client_does_not_end_the_connections_of_others() {
    let (_server, port) = start(&settings("", "", ""));
    for _ in 0..5 {
        let mut old = HttpClient::connect(port);
        old.say("GET /x HTTP/1.0\r\n\r\n");
        assert_eq!(old.response().status(), 404);
        assert!(old.is_closed());
        let mut client = HttpClient::connect(port);
        assert_eq!([client.get("/x").status(), client.get("/").status()], [404, 200]);
    }
}

#[test]
fn many_batches_that_are_sent_at_once_are_answered_in_order() {
    let (_server, port) = start(&settings("", "", ""));
    let mut client = HttpClient::connect(port);
    let batches = 15_u64;
    for batch in 0..batches {
        let body: String = (0..64).map(|line| asked(ADA, "GG", batch * 64 + line)).collect();
        let length = body.len();
        client.say(format!(
            "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
    }
    for batch in 0..batches {
        let response = client.response();
        assert_eq!((response.status(), response.lines().len()), (200, 64), "batch {batch}");
        assert_eq!(opened(ADA, "GG", batch * 64, response.lines()[0]).0, "ok");
    }
}

#[test]
fn a_client_that_sends_too_much_reads_why() {
    let (_server, port) = start(&settings("", "", ""));
    let head = "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n";
    let mut announced = HttpClient::connect(port);
    announced.say(format!("{head}content-length: 999999999999\r\n\r\n"));
    assert_eq!(announced.response().status(), 413, "before a byte of it is sent");
    for body in [
        format!("{head}content-length: 1000000\r\n\r\n{}", "x".repeat(1_000_000)),
        format!("{head}transfer-encoding: chunked\r\n\r\nf4240\r\n{}", "x".repeat(1_000_000)),
    ] {
        let mut client = HttpClient::connect(port);
        client.say(body);
        assert_eq!(client.response().status(), 413);
    }
}

#[test]
fn what_a_body_holds_beside_text_is_limited_too() {
    let (_server, port) = start(&settings("", "", ""));
    let head = "POST /v1/ask HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n";
    let mut client = HttpClient::connect(port);
    client.say(format!("{head}\r\n1;{}", "x".repeat(1200 * 1024)));
    assert_eq!(client.response().status(), 400);
    assert!(client.is_closed());
}

#[test]
fn a_head_without_an_end_is_cut() {
    let (_server, port) = start(&settings("", "", ""));
    let mut client = HttpClient::connect(port);
    client.say(format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}", "x".repeat(17 * 1024)));
    assert_eq!(client.response().status(), 431);
    assert!(client.is_closed());
}

#[test]
fn another_protocol_on_the_port_of_the_page_gets_an_error_or_the_end() {
    let (_server, port) = start(&settings("", "", ""));
    for bytes in [
        &b"2100001 GG\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"PING\r\n\r\n",
    ] {
        let mut client = HttpClient::connect(port);
        client.say(bytes).say(b"\r\n\r\n");
        assert_eq!(client.response().status(), 400);
        assert!(client.is_closed());
    }
}

#[test]
fn connections_beyond_the_limit_wait_and_those_of_one_source_are_closed() {
    let settings = |limit: &str| settings("", "", &format!("[limits]\n{limit}\n"));
    let (_server, port) = start(&settings("connections = 2"));
    let mut first = HttpClient::connect(port);
    let mut second = HttpClient::connect(port);
    let mut third = HttpClient::connect(port);
    assert_eq!((first.get("/").status(), second.get("/").status()), (200, 200));
    third.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    drop(first);
    assert_eq!(third.response().status(), 200);

    let (server, port) = start(&settings("connections_per_source = 2"));
    let mut first = HttpClient::connect(port);
    assert_eq!(first.get("/").status(), 200);
    let session = connected(&server);
    let mut third = HttpClient::connect(port);
    assert!(third.is_closed(), "a session and a connection to the page count together");
    drop(session);
    eventually("the source has room for a connection again", || {
        let mut next = HttpClient::connect(port);
        let said = next.0.get_mut().write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        said.is_ok() && !next.is_closed()
    });
}

/// A session that has been accepted.
fn connected(server: &Server) -> Client {
    let mut client = server.connect();
    client.say(b"x\n").reply();
    client
}
