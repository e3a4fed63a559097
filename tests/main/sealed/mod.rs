//! Sealed requests over real sockets: what a student relies on, and what others must not learn.

mod attacks;

use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::harness::{
    ADA, ADA_GRADES, BO, Server, Student, class_folder, ended, missing_tool, server_command,
    write_private,
};
use fernet::Fernet;
use rustix::process::Signal;

const SEALED: &str = "[server]\nprofile = \"sealed\"\n[sealed]\naudience = \"nets-2026\"\nreplays_per_student = 400\n";

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A request's text, before it is sealed.
pub(crate) fn text(audience: &str, id: &str, command: &str, nonce: u64) -> String {
    format!("{:<255}", format!("Q1\t{audience}\t{id}\t{command}\t{nonce:016x}"))
}

/// A request by the student, made at this time.
pub(crate) fn request(student: Student, text: &str, time: u64) -> String {
    let token = Fernet::new(student.1).unwrap().encrypt_at_time(text.as_bytes(), time);
    format!("{} {token}\n", student.0)
}

/// Opens a reply as its student. Checks all other fields and returns status and body.
pub(crate) fn opened(student: Student, command: &str, nonce: u64, reply: &str) -> (String, String) {
    let text = student.opens(reply);
    assert_eq!((text.len() + 1) % 384, 0);
    let fields: Vec<_> = text.splitn(8, '\t').collect();
    assert_eq!(fields[..4], ["R1", student.0, command, &format!("{nonce:016x}")]);
    assert!(fields[5].parse::<u64>().unwrap().abs_diff(now()) < 60);
    (fields[6].to_owned(), fields[7].trim_end_matches(' ').to_owned())
}

/// One request by Ada with this text and time, and the status that she reads.
fn status(server: &Server, text: &str, command: &str, nonce: u64, time: u64) -> String {
    let reply = &server.answers(request(ADA, text, time).as_bytes())[0];
    opened(ADA, command, nonce, reply).0
}

#[test]
fn only_the_student_can_read_the_answer() {
    let server = Server::start(SEALED);
    let text = text("nets-2026", ADA.0, "GG", 77);
    let reply = &server.answers(request(ADA, &text, now()).as_bytes())[0];
    assert_eq!(opened(ADA, "GG", 77, reply), ("ok".into(), ADA_GRADES.into()));
    assert!(Fernet::new(BO.1).unwrap().decrypt(reply).is_err());
}

#[test]
fn an_authentic_but_invalid_request_is_answered_with_the_reason() {
    let server = Server::start(SEALED);
    let own = |command, nonce| text("nets-2026", ADA.0, command, nonce);
    assert_eq!(status(&server, &text("nets-2025", ADA.0, "GG", 1), "GG", 1, now()), "audience");
    assert_eq!(status(&server, &own("GG", 2), "GG", 2, now() - 400), "clock");
    assert_eq!(status(&server, &own("GG", 3), "GG", 3, now() + 400), "clock");
    assert_eq!(status(&server, &own("GG", 4), "GG", 4, u64::MAX), "clock");
    assert_eq!(status(&server, &own("gx", 5), "gx", 5, now()), "command");
    assert_eq!(status(&server, &own("stats lab 1", 7), "stats lab 1", 7, now()), "ok");
    assert_eq!(status(&server, &own("AVG Lab 9", 6), "AVG Lab 9", 6, now()), "assessment");
}

#[test]
fn the_audit_records_command_and_outcome_of_each_request() {
    let server = Server::start(&format!("{SEALED}[audit]\nfile = \"audit.jsonl\"\n"));
    let first = request(ADA, &text("nets-2026", ADA.0, "STATS Lab 1", 1), now());
    let late = request(ADA, &text("nets-2026", ADA.0, "GG", 2), now() - 400);
    let forged = request(Student(ADA.0, BO.1), &text("nets-2026", ADA.0, "GG", 3), now());
    let unknown = request(Student("nobody", BO.1), &text("nets-2026", "nobody", "GG", 4), now());
    let unclear = request(ADA, &text("nets-2026", ADA.0, "MORE", 5), now());
    let asked = [&first, &first, &late, &forged, &unknown, &unclear].map(String::as_str).concat();
    server.answers(asked.as_bytes());
    let file = std::fs::read_to_string(server.folder.path().join("audit.jsonl")).unwrap();
    let said: Vec<_> = file
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|record| record["event"] == "request")
        .map(|record| {
            ["id", "command", "outcome"]
                .map(|name| record[name].as_str().unwrap().to_owned())
                .join(" ")
        })
        .collect();
    assert_eq!(
        said,
        [
            "2100001 STATS answered",
            "2100001 STATS replayed",
            "2100001 GG clock",
            "2100001 sealed decoy",
            "nobody sealed decoy",
            "2100001 sealed command",
        ]
    );
}

#[test]
fn a_reply_deferred_for_lack_of_room_is_recorded_once() {
    let server = Server::start(&format!("{SEALED}[limits]\noutput_bytes = \"4KiB\"\n"));
    for command in ["REPORT", "GG"] {
        let text = |nonce| text("nets-2026", ADA.0, command, nonce);
        let all: String = (0..60).map(|nonce| request(ADA, &text(nonce), now())).collect();
        let replies = server.answers(all.as_bytes());
        let statuses = replies.iter().zip(0..).map(|(reply, n)| opened(ADA, command, n, reply).0);
        assert_eq!(statuses.filter(|status| status == "ok").count(), 60);
    }
}

#[test]
fn requests_in_clear_from_other_machines_need_a_setting() {
    let (_folder, path) = class_folder("[server]\nlisten = \"0.0.0.0:0\"");
    let output = server_command().arg("--config").arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let server = Server::start("[server]\nlisten = \"0.0.0.0:0\"\nallow_clear_requests = true");
    let warning = "Warning: requests travel in clear";
    assert!(server.stopped().1.iter().any(|line| line.starts_with(warning)));
}

/// Runs the client with the state folder of this server.
fn client(server: &Server, audience: &str, student: Student, command: &str) -> Output {
    let mut client = Command::new(env!("CARGO_BIN_EXE_grade-client"));
    client.args(["--server", &format!("127.0.0.1:{}", server.port), "--id", student.0]);
    client.args(["--sealed", audience, command]);
    client.env("GRADE_KEY", student.1).env("XDG_STATE_HOME", server.folder.path());
    client.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn the_client_sends_sealed_requests_and_explains_errors() {
    let server = Server::start(SEALED);
    let output = client(&server, "nets-2026", ADA, "GG");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{ADA_GRADES}\n"));
    for (audience, student, code, words) in [
        ("nets-2025", ADA, 1, "this server is for another course or term"),
        ("nets-2026", Student(ADA.0, BO.1), 4, "cannot be opened with this key"),
        ("nets-2026", Student("2999999", BO.1), 4, "cannot be opened with this key"),
        ("nets\t2026", ADA, 2, "control character"),
    ] {
        let output = client(&server, audience, student, "GG");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.contains(words)), (Some(code), true), "{error}");
    }
}

#[test]
fn a_line_too_long_to_be_sealed_fails_in_its_place_in_a_script() {
    let server = Server::start(SEALED);
    let (script, long) = (server.folder.path().join("script"), "x".repeat(300));
    // Requests are in flight when the client reaches the line.
    std::fs::write(&script, format!("{}AVG {long}\nGG\n", "GG\n".repeat(200))).unwrap();
    let mut client = Command::new(env!("CARGO_BIN_EXE_grade-client"));
    client.args(["--server", &format!("127.0.0.1:{}", server.port), "--id", ADA.0]);
    client.args(["--sealed", "nets-2026", "--keep-going", "--script", script.to_str().unwrap()]);
    client.env("GRADE_KEY", ADA.1).env("XDG_STATE_HOME", server.folder.path());
    let output = client.output().unwrap();
    let answers = format!("{ADA_GRADES}\n").repeat(201);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), answers);
    assert_eq!(output.status.code(), Some(7));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("grade-client: line 201: the request cannot be sealed"), "{error}");
}

#[test]
fn editions_never_fall_over_a_quick_restart_after_many_reloads() {
    let mut server = Server::start(SEALED);
    for mark in 1..6 {
        server.save_class(&crate::harness::CLASS.replace(",17,", &format!(",{mark},")));
        server.signal(Signal::HUP);
        server.prints("of the class file is in place");
    }
    let output = client(&server, "nets-2026", ADA, "GG");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = server.end_with(Signal::TERM);
    let path = folder.path().join("test.toml");
    let server = Server::start_with(folder, server_command().arg("--config").arg(path));
    let output = client(&server, "nets-2026", ADA, "GG");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_client_detects_an_older_edition() {
    let server = Server::start(SEALED);
    assert!(client(&server, "nets-2026", ADA, "GG").status.success());
    let state = server.folder.path().join("grade-client/editions.json");
    let seen = std::fs::read_to_string(&state).unwrap();
    let newest = format!("{{\"nets-2026/{}\":{}}}", ADA.0, u64::MAX);
    assert!(seen.starts_with(&format!("{{\"nets-2026/{}\":", ADA.0)));
    std::fs::write(&state, newest).unwrap();
    let output = client(&server, "nets-2026", ADA, "GG");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(5), 0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("has been seen already"));
    std::fs::write(&state, "{\"nets").unwrap();
    let output = client(&server, "nets-2026", ADA, "GG");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("editions.json: cannot be read, so an old answer could pass"),
        "{error}"
    );
}

#[test]
fn the_edition_of_another_course_is_not_taken_for_one_of_the_course_that_was_asked_for() {
    // A student may have one key in two courses, and ask the wrong server.
    let other = Server::start(&SEALED.replace("nets-2026", "algo-2026"));
    let output = client(&other, "nets-2026", ADA, "GG");
    assert_eq!(output.status.code(), Some(1));
    assert!(!other.folder.path().join("grade-client/editions.json").exists());
}

#[test]
fn the_python_client_for_sealed_requests_works() {
    let python = |arguments: &[&str]| Command::new("python3").args(arguments).output();
    if !python(&["-c", "import cryptography"]).is_ok_and(|output| output.status.success()) {
        return missing_tool("python3 with the package cryptography");
    }
    let server = Server::start(SEALED);
    let protocol = include_str!("../../../docs/PROTOCOL.md");
    let script = protocol.split("```python\n").nth(2).unwrap().split("```").next().unwrap();
    let (path, key) = (server.folder.path().join("sealed.py"), server.folder.path().join("key"));
    std::fs::write(&path, script).unwrap();
    std::fs::write(&key, ADA.1).unwrap();
    let (path, key) = (path.to_str().unwrap(), key.to_str().unwrap());
    let port = server.port.to_string();
    for (command, printed) in [
        ("GG", ADA_GRADES),
        ("STATS Lab 9", "refused: assessment"),
        ("nonsense", "refused: command"),
    ] {
        let output = python(&[path, "127.0.0.1", &port, "nets-2026", ADA.0, key, command]).unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), printed, "{error}");
    }
}
