//! Who is believed about where a client comes from.

use super::{HttpClient, asked, settings, start};
use crate::harness::{ADA, Server};

const AUDIT: &str = "[audit]\nfile = \"audit.jsonl\"\n";
const PROXIES: &str = "proxies = [\"127.0.0.0/8\"]";

/// The client's address in the record of Ada's request.
fn recorded(server: &Server) -> String {
    let log = std::fs::read_to_string(server.folder.path().join("audit.jsonl")).unwrap();
    let record = log.lines().rfind(|line| line.contains(ADA.0)).unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    record["source"].as_str().unwrap().rsplit_once(':').unwrap().0.to_owned()
}

fn ask(port: u16, headers: &str) {
    let headers = format!("content-type: text/plain\r\n{headers}");
    let response = HttpClient::connect(port).send("POST /v1/ask", &headers, &asked(ADA, "GG", 1));
    assert_eq!(response.status(), 200);
}

#[test]
fn a_proxy_names_the_client_in_forwarded_and_in_nothing_else() {
    let (server, port) = start(&settings(PROXIES, "", AUDIT));
    ask(port, "forwarded: for=198.51.100.9, for=192.0.2.60;proto=https\r\n");
    assert_eq!(recorded(&server), "192.0.2.60");
    for ignored in [
        "x-forwarded-for: 192.0.2.61\r\n",
        "x-real-ip: 192.0.2.61\r\n",
        "",
        "forwarded: for=_x\r\n",
    ] {
        ask(port, ignored);
        assert_eq!(recorded(&server), "127.0.0.1", "{ignored}");
    }
}

#[test]
fn nobody_else_can_name_another_client() {
    let (server, port) = start(&settings("proxies = [\"192.0.2.7\"]", "", AUDIT));
    ask(port, "forwarded: for=192.0.2.60\r\n");
    assert_eq!(recorded(&server), "127.0.0.1");
    let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x3c\x7f\0\0\x01\x12\x67\xc3\x50";
    let replies = server.answers(&[&header[..], asked(ADA, "GG", 2).as_bytes()].concat());
    assert!(replies[0].starts_with("ERR malformed"), "{replies:?}");
}

#[test]
fn each_client_behind_a_proxy_has_its_own_limit() {
    let limits = "[limits]\nrequests_per_second_per_source = 1\nconnections_per_source = 1\n";
    let (_server, port) = start(&settings(PROXIES, "", limits));
    let mut proxy = HttpClient::connect(port);
    let mut status = |client: &str, nonce| {
        let headers = format!("content-type: text/plain\r\nforwarded: for={client}\r\n");
        proxy.send("POST /v1/ask", &headers, &asked(ADA, "GG", nonce)).status()
    };
    assert_eq!([status("192.0.2.60", 1), status("192.0.2.60", 2)], [200, 429]);
    assert_eq!(status("192.0.2.61", 3), 200);
    let others: Vec<_> = (0..5).map(|_| HttpClient::connect(port)).collect();
    for mut other in others {
        assert_eq!(other.get("/").status(), 200, "the proxy's connections are not one source's");
    }
}

#[test]
fn a_session_behind_a_proxy_has_the_address_in_its_header() {
    let (server, _port) = start(&settings(PROXIES, "", AUDIT));
    let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x3c\x7f\0\0\x01\x12\x67\xc3\x50";
    server.answers(&[&header[..], asked(ADA, "GG", 1).as_bytes()].concat());
    assert_eq!(recorded(&server), "192.0.2.60");
}
