//! The audit: every request is taken down before it is answered, or no grade goes out.

use std::fs::OpenOptions;
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::harness::{
    ADA, ADA_GRADES, BO, CLASS, Client, PATIENCE, Server, class_folder, ended, eventually,
    holds_no_key, server_command,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::Value;

const AUDIT: &str = "[audit]\nfile = \"audit.jsonl\"\n";
const BUSY: &str = "ERR busy the server could not answer this request; send it again";

fn audit_file(server: &Server) -> PathBuf {
    server.folder.path().join("audit.jsonl")
}

fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the records of requests say, each as one text.
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

/// Whether the files are a sound audit, and what the program says of them.
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

#[test]
fn when_an_answer_comes_its_request_has_been_taken_down() {
    let server = Server::start(AUDIT);
    let mut client = server.connect();
    let asked = ["2100001 GG\n", "2100001 STATS Lab 1\n", "2100001 AVG Lab 7\n", "hello\n"];
    for (line, before) in asked.iter().zip(0..) {
        client.say(line).hears();
        assert_eq!(requests(&audit_file(&server)).len(), before + 1);
    }
    client.say("9999999 GMA\n").done().hears_the_rest();
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
    assert_eq!(mode & 0o777, 0o600, "nobody else's to read");
}

#[test]
fn no_mark_no_token_and_no_text_of_a_bad_line_is_taken_down() {
    let server = Server::start(AUDIT);
    let mut client = server.connect();
    let token = client.say("2100001 GG\n").hears();
    for line in [ADA.1, &format!("{} {}", ADA.0, ADA.1), &ADA.1[..43], "say nothing of this"] {
        client.say(format!("{line}\n")).hears();
    }
    // A key without its end can be read as a student ID.
    client.say(format!("{} GG\n", &ADA.1[..43])).done().hears_the_rest();
    let text = std::fs::read_to_string(audit_file(&server)).unwrap();
    holds_no_key(std::slice::from_ref(&text));
    for secret in [token.as_str(), "nothing of this", "Lab 1: 3", "Ada Invented"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(requests(&audit_file(&server)).last().unwrap(), "<43 characters> GG silence");
}

#[test]
fn reloads_refusals_starts_and_stops_are_records_too() {
    let mut server = Server::start(AUDIT);
    server.save_class(&CLASS.replace(",3,9,9,0,", ",4,9,9,0,"));
    server.signal(Signal::HUP);
    server.says("Edition 2 of the class file is in place");
    server.save_class("nothing of a class");
    server.signal(Signal::HUP);
    server.says("Kept edition 2");
    let folder = server.leaves(Signal::TERM);
    let records = records(&folder.path().join("audit.jsonl"));
    let said: Vec<_> = records.iter().map(|record| record["event"].clone()).collect();
    assert_eq!(said, ["start", "reload", "reload_refused", "stopping", "stop"]);
    assert_eq!(records[0]["profile"], "lab");
    assert_eq!((&records[1]["edition"], &records[1]["students"]), (&2.into(), &3.into()));
    assert!(records[2]["reason"].as_str().unwrap().contains("column"), "{}", records[2]);
    assert_eq!(records[4]["outcome"], "stopped");
}

/// Lets a running server's files become this long at most.
fn limit_files(server: &Server, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[test]
fn while_the_disk_is_full_no_grade_goes_out_and_then_all_goes_on() {
    let (folder, path) = class_folder(AUDIT);
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = server_command();
    command.env("NOTIFY_SOCKET", folder.path().join("notify")).arg("--config").arg(path);
    let mut server = Server::start_with(folder, &mut command);
    let notified = || {
        let mut buffer = [0; 256];
        let bytes = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..bytes].to_vec()).unwrap()
    };
    assert_eq!(notified().trim_end(), "READY=1");
    let mut client = server.connect();
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").hears()), ADA_GRADES);
    // Not even half of the next record has server.
    let file = audit_file(&server);
    limit_files(&server, Some(file.metadata().unwrap().len() + 100));
    for line in ["2100001 GG\n", "2100001 GG\n2100002 GG\n", "9999999 GG\n", "hello\n"] {
        client.say(line);
        (0..line.lines().count()).for_each(|_| assert_eq!(client.hears(), BUSY));
    }
    server.says("Refusing requests: cannot write the audit log: File too large");
    assert!(notified().contains("STATUS=refusing requests: cannot write the audit log"));
    limit_files(&server, None);
    server.says("Writing the audit log again, and answering requests; 5 requests were refused.");
    assert_eq!(notified().trim_end(), "STATUS=serving");
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").hears()), ADA_GRADES);
    is_sound(&[&file]);
    let records = records(&file);
    let resumed = records.iter().find(|record| record["event"] == "resumed").unwrap();
    assert_eq!(resumed["refused_requests"], 5);
    assert_eq!(events(&file), ["start", "request", "resumed", "request"]);
}

#[test]
fn a_server_that_stops_while_the_disk_is_full_leaves_no_false_record() {
    for signal in [Signal::TERM, Signal::KILL] {
        let mut server = Server::start(AUDIT);
        let file = audit_file(&server);
        server.answers(b"2100001 GG\n");
        // One record of three has server.
        limit_files(&server, Some(file.metadata().unwrap().len() + 500));
        assert_eq!(server.answers(b"2100001 GG\n2100001 GG\n2100001 GG\n"), [BUSY; 3]);
        server.says("Refusing requests");
        let folder = server.leaves(signal);
        let server = again(folder);
        let file = audit_file(&server);
        is_sound(&[&file]);
        assert_eq!(requests(&file).len(), 1, "{signal:?}: only what was answered");
    }
}

#[test]
fn clients_that_never_stop_asking_do_not_keep_the_audit_from_recovering() {
    let mut server = Server::start(AUDIT);
    let file = audit_file(&server);
    server.answers(b"2100001 GG\n");
    limit_files(&server, Some(file.metadata().unwrap().len()));
    let port = server.port;
    let asks = move || {
        let mut client = Client::of(TcpStream::connect(("127.0.0.1", port)).unwrap());
        while client.say("2100001 GG\n").hears() == BUSY {}
    };
    let asking: Vec<_> = (0..8).map(|_| std::thread::spawn(asks)).collect();
    server.says("Refusing requests");
    limit_files(&server, None);
    asking.into_iter().for_each(|client| client.join().unwrap());
    is_sound(&[&file]);
    let resumed = events(&file).iter().filter(|event| *event == "resumed").count();
    assert!((1..=2).contains(&resumed), "{resumed} records of one failure");
}

#[test]
fn a_file_that_is_moved_away_while_the_disk_is_full_breaks_no_chain() {
    let mut server = Server::start(AUDIT);
    let (file, moved) = (audit_file(&server), server.folder.path().join("audit.1"));
    server.answers(&b"2100001 GG\n".repeat(10));
    limit_files(&server, Some(file.metadata().unwrap().len() + 100));
    assert_eq!(server.answers(b"2100001 GG\n"), [BUSY]);
    std::fs::rename(&file, &moved).unwrap();
    server.signal(Signal::USR1);
    // The new file has server.
    server.says("Writing the audit log again, and answering requests");
    assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
    is_sound(&[&moved, &file]);
    assert_eq!(events(&file), ["continues", "resumed", "request"]);
    let folder = server.leaves(Signal::KILL);
    let server = again(folder);
    is_sound(&[&moved, &file]);
    drop(server);
}

#[test]
fn while_the_disk_hangs_no_grade_goes_out_and_then_all_goes_on() {
    let (folder, path) = class_folder("[audit]\nfile = \"pipe\"\ntimeout = \"100ms\"\n");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // A pipe that nobody empties holds up who writes to it.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut disk = OpenOptions::new().read(true).custom_flags(flags).open(&pipe).unwrap();
    let mut server = Server::start_with(folder, server_command().arg("--config").arg(path));
    let mut client = server.connect();
    let mut answered = 0_u64;
    let rejection = loop {
        match client.say("2100001 GG\n").hears() {
            reply if reply.starts_with("gAAAAA") => answered += 1,
            reply => break reply,
        }
    };
    assert_eq!(rejection, BUSY);
    server.says("cannot write the audit log: a record was not written in time");
    for _ in 0..3 {
        assert_eq!(server.connect().say("2100002 GG\n").hears(), BUSY);
    }
    let mut written = Vec::new();
    let mut read_on = |until: &str| {
        let mut buffer = [0; 65536];
        let start = Instant::now();
        while !String::from_utf8_lossy(&written).contains(until) {
            assert!(start.elapsed() < PATIENCE, "{until} was never written");
            if let Ok(bytes) = disk.read(&mut buffer) {
                written.extend_from_slice(&buffer[..bytes]);
            }
        }
    };
    read_on("\"event\":\"resumed\"");
    server.says("Writing the audit log again, and answering requests; 3 requests were refused.");
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").hears()), ADA_GRADES);
    server.signal(Signal::TERM);
    read_on("\"event\":\"stop\"");
    let copy = server.folder.path().join("copy");
    std::fs::write(&copy, &written).unwrap();
    is_sound(&[&copy]);
    let records = records(&copy);
    let withheld: Vec<_> = records.iter().filter(|record| record["event"] == "withheld").collect();
    assert_eq!(withheld.len(), 1);
    // The start, those that were answered, and this one.
    assert_eq!(
        (&withheld[0]["from"], &withheld[0]["to"]),
        (&(answered + 2).into(), &(answered + 2).into())
    );
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn whatever_is_done_to_an_audit_afterwards_is_found() {
    let server = Server::start(AUDIT);
    server.answers(b"2100001 GG\n2100002 GG\n2100001 GMA\n2100002 GMA\n");
    let file = audit_file(&server);
    is_sound(&[&file]);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 5);
    let written = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let [start, a, b, c, d] = lines[..] else { panic!() };
    let edited = b.replace("2100002", "2100001");
    for (what, lines, why) in [
        ("edited", vec![start, a, &edited, c, d], "line 3 was edited"),
        (
            "the last one edited",
            vec![start, a, b, c, &d.replace("GMA", "GEA")],
            "line 5 was edited",
        ),
        (
            "taken out",
            vec![start, a, c, d],
            "line 3 is record 4 where 3 should be: records were removed",
        ),
        ("moved", vec![start, b, a, c, d], "line 2 is record 3 where 2 should be"),
        ("repeated", vec![start, a, b, b, c, d], "line 4 is record 3 where 4 should be"),
        ("put in", vec![start, a, "{}", b, c, d], "line 3 is not a record"),
        ("cut off", vec![start, a, b, c], "ends with record 4, but 5 were written"),
        ("cut off at the start", vec![a, b, c, d], "line 1 is record 2 where 1 should be"),
        ("all cut off", vec![], "contains no record"),
    ] {
        std::fs::write(&file, written(&lines)).unwrap();
        let (sound, text) = verified(&[&file]);
        assert!(!sound && text.contains(why), "{what}: {text}");
    }
    std::fs::write(&file, &text[..text.len() - 9]).unwrap();
    is_not_sound(&file, "ends with record 4, but 5 were written");
    std::fs::write(&file, format!("{text}Ada asked for nothing")).unwrap();
    is_not_sound(&file, "line 6 has no end");
    std::fs::write(&file, &text).unwrap();
    is_sound(&[&file]);
    std::fs::write(server.folder.path().join("audit.jsonl.head"), "nothing").unwrap();
    is_not_sound(&file, "its .head is not the head of an audit log");
    let copy = server.folder.path().join("copy");
    std::fs::write(&copy, &text).unwrap();
    is_not_sound(&copy, "which does not end a run, and without");
}

#[test]
fn a_chain_of_other_records_with_right_hashes_is_found() {
    let (server, other) = (Server::start(AUDIT), Server::start(AUDIT));
    server.answers(b"2100001 GG\n2100001 GG\n");
    other.answers(b"2100002 GG\n2100002 GG\n");
    std::fs::copy(audit_file(&other), audit_file(&server)).unwrap();
    is_not_sound(&audit_file(&server), "does not contain record 3 as it was written");
    let mine = std::fs::read_to_string(audit_file(&other)).unwrap();
    let mixed: Vec<_> = mine.lines().take(2).map(str::to_owned).collect();
    server.answers(b"2100001 GMA\n");
    let now = std::fs::read_to_string(audit_file(&server)).unwrap();
    let last = now.lines().last().unwrap();
    std::fs::write(audit_file(&server), format!("{}\n{last}\n", mixed.join("\n"))).unwrap();
    is_not_sound(&audit_file(&server), "line 3");
}

#[test]
fn a_file_that_is_moved_away_ends_properly_and_the_next_goes_on() {
    let server = Server::start(AUDIT);
    let (file, moved) = (audit_file(&server), server.folder.path().join("audit.1"));
    let mut client = server.connect();
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").hears()), ADA_GRADES);
    std::fs::rename(&file, &moved).unwrap();
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").hears()), ADA_GRADES, "before the signal");
    server.signal(Signal::USR1);
    eventually("the file has ended", || events(&moved).last().unwrap() == "continued");
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").hears()), ADA_GRADES);
    assert_eq!((requests(&moved).len(), requests(&file).len()), (2, 1));
    is_sound(&[&moved, &file]);
    is_sound(&[&moved]);
    let (sound, text) = verified(&[&file]);
    assert!(sound && text.contains("earlier records are not in these files"), "{text}");
    is_not_sound(&server.folder.path().join("class.csv"), "line 1 is not a record");
    let (sound, text) = verified(&[&file, &moved]);
    assert!(!sound && text.contains("records were moved or repeated"), "{text}");
}

/// Starts another server with the settings of this folder.
fn again(folder: tempfile::TempDir) -> Server {
    let path = folder.path().join("test.toml");
    Server::start_with(folder, server_command().arg("--config").arg(path))
}

#[test]
fn the_next_run_goes_on_where_the_last_one_was_killed() {
    let (folder, _) = class_folder(AUDIT);
    let server = again(folder);
    server.answers(b"2100001 GG\n2100002 GG\n");
    let folder = server.leaves(Signal::KILL);
    let file = folder.path().join("audit.jsonl");
    // Half a record, as a loss of power leaves it.
    let torn = [&std::fs::read(&file).unwrap()[..], b"{\"sequence\":4,\"time\":\"20"].concat();
    std::fs::write(&file, torn).unwrap();
    let server = again(folder);
    server.answers(b"2100001 GG\n");
    is_sound(&[&file]);
    let records = records(&file);
    assert_eq!(events(&file), ["start", "request", "request", "start", "request"]);
    assert_eq!((&records[3]["sequence"], &records[3]["torn_bytes"]), (&4.into(), &24.into()));
    let folder = server.leaves(Signal::KILL);
    // What was cut off while no server ran is missed for ever.
    let text = std::fs::read_to_string(&file).unwrap();
    let cut: Vec<_> = text.lines().take(4).collect();
    std::fs::write(&file, cut.join("\n") + "\n").unwrap();
    let server = again(folder);
    server.answers(b"2100001 GG\n");
    is_not_sound(&file, "line 5 is record 6 where 5 should be: records were removed");
    let warning = "Warning: 1 record is missing from audit.file";
    assert!(server.stopped().1.iter().any(|line| line.starts_with(warning)));
}

#[test]
fn a_file_that_is_something_else_is_left_alone() {
    for foreign in [CLASS, "no line end", "{\"sequence\":1}\n"] {
        let (folder, path) = class_folder("[audit]\nfile = \"notes\"\n");
        let notes = folder.path().join("notes");
        std::fs::write(&notes, foreign).unwrap();
        let output = ended(server_command().arg("--config").arg(&path));
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains("does not end with a record of an audit log; name another file"),
            "{text}"
        );
        assert_eq!(std::fs::read_to_string(&notes).unwrap(), foreign);
    }
}

#[test]
fn two_servers_never_write_to_one_file() {
    let server = Server::start(AUDIT);
    let path = server.folder.path().join("test.toml");
    let output = ended(server_command().arg("--config").arg(path));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("another server writes its audit log there"), "{text}");
    assert_eq!(BO.opens(&server.answers(b"2100002 GL2A\n")[0]), "Lab 2 average: 9.5");
    is_sound(&[&audit_file(&server)]);
}
