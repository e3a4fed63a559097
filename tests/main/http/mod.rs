//! The page and `POST /v1/ask` over real sockets, as a client of HTTP sees them.

mod client;
mod end;
mod framing;
mod proxies;
pub(crate) mod tls;

use crate::harness::{ADA, ADA_GRADES, BO, Server, Student, ended, server_command};
use crate::sealed::{now, opened, request, text};
use client::{HttpClient, Response};
use std::io::Read as _;

const MALFORMED: &str = "ERR malformed this server answers sealed requests only; ask with grade-client \
                         --sealed AUDIENCE, or send: ID TOKEN (docs/PROTOCOL.md, section 8)";
const TOO_MANY: &str = "ERR too-many too many requests a second; wait before the next";

/// Settings of a server with the page, with these lines added to their sections.
fn settings(server: &str, http: &str, other: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nprofile = \"sealed\"\n{server}\n[sealed]\naudience = \"nets-2026\"\n[http]\nlisten = \
         \"127.0.0.1:0\"\n{http}\n{other}"
    )
}

/// A server with the page, and its port.
fn start(settings: &str) -> (Server, u16) {
    let mut server = Server::start(settings);
    let port = page_port(&mut server);
    (server, port)
}

/// The port on which a server serves the page.
pub(crate) fn page_port(server: &mut Server) -> u16 {
    let line = server.prints("Serving the page at http");
    let address = line.split("://").nth(1).unwrap().split('/').next().unwrap();
    address.rsplit(':').next().unwrap().parse().unwrap()
}

fn asked(student: Student, command: &str, nonce: u64) -> String {
    request(student, &text("nets-2026", student.0, command, nonce), now())
}

#[test]
fn lines_are_answered_in_order_and_a_malformed_one_in_its_place() {
    let (_server, port) = start(&settings("", "", ""));
    let mut client = HttpClient::connect(port);
    for end in ["", "\r\n\r\n"] {
        let nonce = u64::try_from(end.len()).unwrap() + 1;
        let body = format!(
            "{}rubbish\r\n\n{}{end}",
            asked(ADA, "GG", nonce),
            asked(BO, "GL2A", nonce).trim_end()
        );
        let response = client.ask(&body);
        assert_eq!(response.status(), 200);
        assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
        let lines = response.lines();
        assert_eq!(lines.len(), 3);
        assert_eq!(opened(ADA, "GG", nonce, lines[0]), ("ok".into(), ADA_GRADES.into()));
        assert_eq!(lines[1], MALFORMED);
        assert_eq!(opened(BO, "GL2A", nonce, lines[2]).0, "ok");
    }
}

#[test]
fn up_to_64_lines_are_answered_also_in_smaller_batches() {
    let (_server, port) = start(&settings("", "", "[limits]\nbatch_requests = 5\n"));
    let mut client = HttpClient::connect(port);
    let body: String = (0..64).map(|nonce| asked(ADA, "GG", nonce)).collect();
    let response = client.ask(&body);
    assert_eq!((response.status(), response.lines().len()), (200, 64));
    // No batch is answered before the client has taken the one before.
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    for (nonce, line) in (0..).zip(response.lines()) {
        assert_eq!(opened(ADA, "GG", nonce, line).0, "ok");
    }
    assert_eq!(client.ask(&format!("{body}x")).status(), 413);
}

#[test]
fn a_client_of_http_1_0_knows_the_end_of_many_replies_by_the_end_of_the_connection() {
    let (_server, port) = start(&settings("", "", "[limits]\nbatch_requests = 5\n"));
    let mut client = HttpClient::connect(port);
    let body: String = (0..64).map(|nonce| asked(ADA, "GG", nonce)).collect();
    client.say(format!(
        "POST /v1/ask HTTP/1.0\r\nconnection: keep-alive\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    let head = client.head();
    assert!(head.iter().all(|line| !line.starts_with("transfer-encoding")), "{head:?}");
    let mut replies = String::new();
    client.0.read_to_string(&mut replies).unwrap();
    assert_eq!(replies.lines().count(), 64);
    assert!((0..).zip(replies.lines()).all(|(n, line)| opened(ADA, "GG", n, line).0 == "ok"));
}

#[test]
fn every_answer_to_a_page_from_elsewhere_may_be_read_there_errors_too() {
    let (_server, port) = start(&settings("", "", ""));
    let plain = "content-type: text/plain\r\n";
    for (headers, body, status) in [
        (plain, "x", 200),
        ("content-type: Text/Plain; charset=UTF-8\r\n", "x", 200),
        (plain, "", 400),
        (plain, " \r\n\n", 400),
        (plain, &*"x\n".repeat(65), 413),
        (plain, &*"x".repeat(65 * 1024 + 1), 413),
        ("", "x", 415),
        ("content-type: application/json\r\n", "{}", 415),
        ("content-type: text/plainly\r\n", "x", 415),
    ] {
        let response = HttpClient::connect(port).send("POST /v1/ask", headers, body);
        assert_eq!(response.status(), status, "{headers}{} bytes", body.len());
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    let preflight = HttpClient::connect(port).send("OPTIONS /v1/ask", "", "");
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn each_line_counts_for_the_limit_of_its_source_and_429_means_that_none_was_answered() {
    let limit = "[limits]\nrequests_per_second_per_source = 3\n";
    let (server, port) = start(&settings("", "", limit));
    let mut client = HttpClient::connect(port);
    let body: String = (1..=5).map(|nonce| asked(ADA, "GG", nonce)).collect();
    let response = client.ask(&body);
    assert_eq!(response.status(), 200);
    let lines = response.lines();
    assert_eq!(opened(ADA, "GG", 3, lines[2]).0, "ok");
    assert_eq!(lines[3..], [TOO_MANY, TOO_MANY]);
    let response = client.ask(&asked(ADA, "GG", 6).repeat(50));
    assert_eq!(response.status(), 429);
    assert!(response.lines().iter().all(|line| *line == TOO_MANY));
    assert_eq!(response.header("retry-after"), Some("1"));
    assert_eq!(
        server.answers(b"x\n".repeat(50).as_slice()).last().unwrap(),
        TOO_MANY,
        "on TCP, too"
    );
}

#[test]
fn the_page_is_what_the_command_writes_and_the_start_names_its_hash() {
    let mut server = Server::start(&settings("", "public_url = \"https://a.example\"", ""));
    let line = server.prints("Serving the page at http://127.0.0.1:");
    let port = line.split(':').nth(2).unwrap().split('/').next().unwrap().parse().unwrap();
    let page = |arguments: &[&str]| {
        let mut command = server_command();
        let command = command.args(["--config", "test.toml", "page"]).args(arguments);
        let output = ended(command.current_dir(server.folder.path()));
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let mut client = HttpClient::connect(port);
    let response = client.get("/");
    assert_eq!(response.status(), 200);
    assert_eq!(response.body, page(&[]));
    let hash = page(&["--hash"]);
    assert!(
        hash.trim().len() == 64 && line.ends_with(&format!("SHA-256 {}.", hash.trim())),
        "{line}"
    );
    assert!(page(&["--output", "page.html"]).contains(hash.trim()));
    let written = std::fs::read_to_string(server.folder.path().join("page.html")).unwrap();
    assert_eq!(written, response.body);
    let tag = response.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"'), "strong");
    let get = |headers: String| HttpClient::connect(port).send("GET /", &headers, "");
    let known = get(format!("if-none-match: \"x\", {tag}\r\n"));
    assert_eq!((known.status(), known.header("etag")), (304, Some(&*tag)));
    assert_eq!(get("if-none-match: \"x\"\r\n".to_owned()).status(), 200);
    client.say("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    let head = client.head();
    assert!(
        head[0].contains(" 200 ") && head.contains(&format!("content-length: {}", written.len()))
    );
    assert_eq!(client.get("/").status(), 200, "no body followed the head");
}

#[test]
fn a_browser_is_told_to_load_nothing_and_to_keep_nothing() {
    let (_server, port) = start(&settings("", "public_url = \"https://a.example\"", ""));
    let mut client = HttpClient::connect(port);
    let page = client.get("/");
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'sha256-",
        "connect-src 'self' https://a.example;",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe"));
    let elsewhere = client.get("/elsewhere");
    for response in [&page, &elsewhere, &client.ask("x")] {
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("strict-transport-security"), None, "there is no TLS");
        assert_eq!(response.header("server"), None);
    }
    assert_eq!(elsewhere.header("cache-control"), Some("no-store"));
}

#[test]
fn everything_else_is_one_404() {
    let (_server, port) = start(&settings("", "", ""));
    let mut client = HttpClient::connect(port);
    let first = client.get("/elsewhere");
    assert_eq!(first.status(), 404);
    let shape =
        |response: &Response| (response.status(), response.body.clone(), response.head.len());
    for path in [
        "/v1/ask/",
        "/v1",
        "/index.html",
        "//",
        "/%2e%2e/etc/passwd",
        "/?x=1/../..",
        "/favicon.ico",
    ] {
        let response = client.get(path);
        if path != "/?x=1/../.." {
            assert_eq!(shape(&response), shape(&first), "{path}");
        }
    }
    for line in ["POST /", "PUT /v1/ask", "GET /v1/ask", "DELETE /x", "PATCH /"] {
        assert_eq!(HttpClient::connect(port).send(line, "", "").status(), 404, "{line}");
    }
}

#[test]
fn nobody_learns_from_an_answer_whether_a_student_exists() {
    let (_server, port) = start(&settings("", "", ""));
    let mut client = HttpClient::connect(port);
    let mut shape = |student: Student| {
        let response = client.ask(&asked(student, "REPORT", 1));
        let mut head = response.head.clone();
        head.retain(|line| !line.starts_with("date: "));
        (head, response.body.len())
    };
    let unknown = shape(Student("nobody", BO.1));
    assert_eq!(shape(Student(ADA.0, BO.1)), unknown);
    assert_eq!(shape(Student("2199999", ADA.1)), unknown);
}

#[test]
fn the_audit_records_requests_of_the_page_like_any_other() {
    let (server, port) = start(&settings("", "", "[audit]\nfile = \"audit.jsonl\"\n"));
    let response = HttpClient::connect(port).ask(&asked(ADA, "REPORT", 1));
    assert_eq!(opened(ADA, "REPORT", 1, response.lines()[0]).0, "ok");
    let log = std::fs::read_to_string(server.folder.path().join("audit.jsonl")).unwrap();
    let record = log.lines().find(|line| line.contains(ADA.0)).unwrap();
    assert!(record.contains("REPORT") && record.contains("127.0.0.1"), "{record}");
}

#[test]
fn a_replayed_request_is_refused_wherever_it_was_answered_first() {
    let (server, port) = start(&settings("", "", ""));
    let line = asked(ADA, "GG", 1);
    assert_eq!(opened(ADA, "GG", 1, &server.answers(line.as_bytes())[0]).0, "ok");
    let response = HttpClient::connect(port).ask(&line);
    assert_eq!(opened(ADA, "GG", 1, response.lines()[0]).0, "replayed");
}
