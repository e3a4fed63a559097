//! The audit: each request is recorded before its reply is sent, or the request fails.

mod chain;
mod outage;

use std::fs::OpenOptions;
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::harness::{
    ADA, ADA_GRADES, BO, CLASS, Client, Server, TIMEOUT, class_folder, ended, eventually,
    holds_no_key, server_command,
};
use rustix::process::Signal;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const AUDIT: &str = "[audit]\nfile = \"audit.jsonl\"\n";
const BUSY: &str = "ERR busy the server could not answer this request; send it again";

fn audit_file(server: &Server) -> PathBuf {
    server.folder.path().join("audit.jsonl")
}

fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Each record of a request as one text.
fn requests(path: &Path) -> Vec<String> {
    let said = |record: &Value| {
        let field = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
        [field("id"), field("command"), field("outcome")].join(" ")
    };
    let all = records(path);
    all.iter().filter(|record| record["event"] == "request").map(said).collect()
}

fn events(path: &Path) -> Vec<String> {
    records(path).iter().map(|record| record["event"].as_str().unwrap().to_owned()).collect()
}

/// Verifies the files. Returns whether they are valid and the program's output.
fn verified(files: &[&Path]) -> (bool, String) {
    let output = server_command().args(["audit", "verify"]).args(files).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[track_caller]
fn is_sound(files: &[&Path]) {
    let (sound, text) = verified(files);
    assert!(sound && text.contains("complete and unchanged"), "{text}");
}

#[track_caller]
fn is_not_sound(file: &Path, why: &str) {
    let (sound, text) = verified(&[file]);
    assert!(!sound && text.contains(why), "{text}");
}

/// Starts another server with the settings of this folder.
fn restarted(folder: tempfile::TempDir) -> Server {
    let path = folder.path().join("test.toml");
    Server::start_with(folder, server_command().arg("--config").arg(path))
}

#[test]
fn a_request_is_recorded_before_its_reply_is_sent() {
    let server = Server::start(AUDIT);
    let mut client = server.connect();
    let asked = ["2100001 GG\n", "2100001 STATS Lab 1\n", "2100001 AVG Lab 7\n", "hello\n"];
    for (line, before) in asked.iter().zip(0..) {
        client.say(line).reply();
        assert_eq!(requests(&audit_file(&server)).len(), before + 1);
    }
    client.say("9999999 GMA\n").finish_sending().remaining_replies();
    let file = audit_file(&server);
    assert_eq!(
        requests(&file),
        [
            "2100001 GG answered",
            "2100001 STATS answered",
            "2100001 AVG assessment",
            "- - malformed",
            "9999999 GMA silence",
        ]
    );
    let record = &records(&file)[1];
    let port = client.socket().local_addr().unwrap().port();
    assert_eq!(record["source"], format!("127.0.0.1:{port}"));
    assert_eq!((&record["connection"], &record["edition"]), (&1.into(), &1.into()));
    is_sound(&[&file]);
    let mode = file.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "readable by the owner only");
}

#[test]
fn no_mark_no_token_and_no_text_of_a_malformed_line_is_recorded() {
    let server = Server::start(AUDIT);
    let mut client = server.connect();
    let token = client.say("2100001 GG\n").reply();
    for line in [ADA.1, &format!("{} {}", ADA.0, ADA.1), &ADA.1[..43], "say nothing of this"] {
        client.say(format!("{line}\n")).reply();
    }
    // A truncated key is a possible student ID.
    client.say(format!("{} GG\n", &ADA.1[..43])).finish_sending().remaining_replies();
    let text = std::fs::read_to_string(audit_file(&server)).unwrap();
    holds_no_key(std::slice::from_ref(&text));
    for secret in [token.as_str(), "nothing of this", "Lab 1: 3", "Ada Invented"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(requests(&audit_file(&server)).last().unwrap(), "<43 base64 characters> GG silence");
}

#[test]
fn reloads_rejections_starts_and_stops_are_recorded() {
    let mut server = Server::start(AUDIT);
    server.save_class(&CLASS.replace(",3,9,9,0,", ",4,9,9,0,"));
    server.signal(Signal::HUP);
    server.prints("Edition 2 of the class file is in place");
    server.save_class("nothing of a class");
    server.signal(Signal::HUP);
    server.prints("Kept edition 2");
    let folder = server.end_with(Signal::TERM);
    let records = records(&folder.path().join("audit.jsonl"));
    let said: Vec<_> = records.iter().map(|record| record["event"].clone()).collect();
    assert_eq!(said, ["start", "reload", "reload_refused", "stopping", "stop"]);
    assert_eq!(records[0]["profile"], "lab");
    assert_eq!((&records[1]["edition"], &records[1]["students"]), (&2.into(), &3.into()));
    assert!(records[2]["reason"].as_str().unwrap().contains("column"), "{}", records[2]);
    assert_eq!(records[4]["outcome"], "stopped");
}

#[test]
fn floods_that_are_rejected_leave_one_record_for_each_second() {
    let limits = "[limits]\nrequests_per_second_per_source = 10\nconnections_per_source = 1\n";
    let server = Server::start(&format!("{AUDIT}{limits}"));
    let mut client = server.connect();
    client.say("2100001 GG\n".repeat(3_000));
    let replies: Vec<_> = (0..3_000).map(|_| client.reply()).collect();
    let rejected = replies.iter().filter(|reply| reply.starts_with("ERR too-many")).count();
    (0..20).for_each(|_| drop(server.connect().remaining_replies()));
    let folder = server.end_with(Signal::TERM);
    let records = records(&folder.path().join("audit.jsonl"));
    let count_of = |event: &str| -> (usize, u64) {
        let records = records.iter().filter(|record| record["event"] == event);
        let counts: Vec<_> = records
            .inspect(|record| assert_eq!(record["source"], "127.0.0.1"))
            .map(|record| record["count"].as_u64().unwrap())
            .collect();
        (counts.len(), counts.iter().sum())
    };
    let (seconds, requests) = count_of("too_many");
    assert_eq!(requests, u64::try_from(rejected).unwrap());
    assert!((1..10).contains(&seconds), "{seconds} records");
    let (seconds, connections) = count_of("turned_away");
    assert!((1..10).contains(&seconds) && connections == 20, "{seconds} records");
    let answered = records.iter().filter(|record| record["event"] == "request").count();
    assert_eq!(answered, 3_000 - rejected);
}
