//! The client against correct and faulty servers: what it prints and its exit codes.

mod dialogue;
mod habits;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use crate::harness::{ADA, ADA_GRADES, BO, BO_GRADES, Server};
use fernet::Fernet;

/// How a client ended: exit code, standard output, standard error.
type Ended = (i32, String, String);

/// Runs the client with Ada's key and this input.
fn client(server: &str, arguments: &[&str], input: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grade-client"));
    command.args(["--server", server]).args(arguments).env("GRADE_KEY", ADA.1);
    command.env("XDG_STATE_HOME", "/nonexistent").env("XDG_CONFIG_HOME", "/nonexistent");
    run(command, input)
}

fn run(mut command: Command, input: &str) -> Ended {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A client that ends early does not read all of its input.
    let writing = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stdout.contains(ADA.1) && !stderr.contains(ADA.1), "the key is shown");
    (output.status.code().unwrap(), stdout, stderr)
}

fn address(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port)
}

/// A server that answers the first request with `reply` and closes.
fn impostor(reply: impl FnOnce(&mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 1024]);
        reply(&mut socket);
    });
    address
}

#[test]
fn one_request_prints_one_answer() {
    let server = Server::start("");
    let answer = client(&address(&server), &["--id", ADA.0, "GG"], "");
    assert_eq!(answer, (0, format!("{ADA_GRADES}\n"), String::new()));
    let answer = client(&address(&server), &["--id", ADA.0, "AVG", "Lab 3"], "");
    assert_eq!(answer, (0, "Lab 3 average: 8.1667\n".into(), String::new()));
}

#[test]
fn a_key_file_must_be_readable_by_its_owner_only() {
    let server = Server::start("");
    let path = server.folder.path().join("me.key");
    let key_file = |mode| {
        let _ = std::fs::remove_file(&path);
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).mode(mode).open(&path).unwrap();
        writeln!(file, "{}", ADA.1).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_grade-client"));
        command.args(["--server", &address(&server), "--id", ADA.0, "--key-file"]);
        command.arg(&path).arg("GG");
        run(command, "")
    };
    assert_eq!(key_file(0o600), (0, format!("{ADA_GRADES}\n"), String::new()));
    let (code, _, complaint) = key_file(0o604);
    assert_eq!(code, 2);
    assert!(complaint.contains("other users can read this key (mode 0604); run chmod 600 on it"));
}

#[test]
fn each_error_has_its_own_text_and_exit_code() {
    let server = Server::start("[lab]\nunknown_student = \"error\"");
    let closing = Server::start("");
    let old = Fernet::new(ADA.1).unwrap().encrypt_at_time(b"Lab 1: 3", 1_000_000_000);
    let other = Fernet::new(BO.1).unwrap().encrypt(b"Lab 1: 3");
    let whole = Fernet::new(ADA.1).unwrap().encrypt(b"Lab 1: 3");
    let cut = whole[..whole.len() - 8].to_owned();
    let flipped = whole.replacen(&whole[60..64], "AAAA", 1);
    let line = |text: String| impostor(move |socket| drop(writeln!(socket, "{text}")));
    let half = whole.clone();
    for (server, id, code, words) in [
        (address(&server), "9999999", 1, "refused by the server: no student has this ID (unknown)"),
        (address(&closing), "9999999", 1, "closed without an answer"),
        (
            impostor(move |socket| drop(write!(socket, "{half}"))),
            ADA.0,
            3,
            "lost before the answer was complete",
        ),
        (line("HTTP/1.1 400 Bad Request".into()), ADA.0, 4, "not a token"),
        (line(cut), ADA.0, 4, "not a token"),
        (line(other), ADA.0, 4, "cannot be opened with this key"),
        (line(flipped), ADA.0, 4, "cannot be opened with this key"),
        (line(old), ADA.0, 5, "not to be trusted: it is"),
        (line("A".repeat(3 << 20)), ADA.0, 5, "longer than 1048576 bytes"),
        ("127.0.0.1:1".into(), ADA.0, 3, "cannot connect to 127.0.0.1:1"),
        ("no-such-host.invalid:1".into(), ADA.0, 3, "cannot connect to no-such-host.invalid:1"),
    ] {
        let (ended, out, complaint) = client(&server, &["--id", id, "GG"], "");
        assert_eq!((ended, out.as_str()), (code, ""), "{complaint}");
        assert!(complaint.contains(words), "{complaint:?} for {words:?}");
    }
}

#[test]
fn an_invalid_request_is_a_usage_error_and_is_not_sent() {
    for (server, arguments, words) in [
        ("127.0.0.1:x", &["--id", "1", "GG"][..], "--server must be HOST:PORT or HOST"),
        ("127.0.0.1:1", &["--id", "1", "GG\n2 GG"], "contains a control character"),
        ("127.0.0.1:1", &["--id", "1\n", "GG"], "contains a control character"),
        (
            "127.0.0.1:1",
            &["--id", "#2100001", "GG"],
            "the student ID has a character that no ID has",
        ),
        (
            "127.0.0.1:1",
            &["--id", "a b", "--sealed", "nets", "GG"],
            "the student ID has a character",
        ),
        ("127.0.0.1:1", &["--id", "-1", "--timeout", "0s", "GG"], "--timeout must be"),
        ("127.0.0.1:1", &["--id", "1", "--timeout", "99999999999days", "GG"], "--timeout must be"),
        ("127.0.0.1:1", &["--id", "1", "--keys", "/dev/zero", "GG"], "not a regular file"),
        ("127.0.0.1:1", &["--id", "1", "--key-file", "/dev/zero", "GG"], "not a regular file"),
    ] {
        let (code, out, complaint) = client(server, arguments, "");
        assert_eq!((code, out.as_str()), (2, ""), "{complaint}");
        assert!(complaint.contains(words), "{complaint:?} for {words:?}");
    }
}

#[test]
fn a_server_that_never_answers_causes_a_timeout() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let silent = impostor(move |_| {
        let _ = wait.recv();
    });
    let (code, _, complaint) = client(&silent, &["--id", ADA.0, "--timeout", "50ms", "GG"], "");
    assert_eq!((code, complaint.as_str()), (3, "grade-client: no answer within 50ms\n"));
    drop(done);
}

#[test]
fn escape_sequences_in_an_answer_are_printed_escaped() {
    let token = Fernet::new(ADA.1).unwrap().encrypt("Lab 1: \u{1b}[31m3\r\n".as_bytes());
    let server = impostor(move |socket| drop(writeln!(socket, "{token}")));
    let answer = client(&server, &["--id", ADA.0, "GG"], "");
    assert_eq!(answer, (0, "Lab 1: \\u{1b}[31m3\\r\\n\n".into(), String::new()));
    let server = impostor(|socket| drop(writeln!(socket, "ERR \u{1b}[31m \u{7}")));
    let (code, _, complaint) = client(&server, &["--id", ADA.0, "GG"], "");
    assert!(code == 1 && !complaint.contains('\u{1b}') && !complaint.contains('\u{7}'));
}

#[test]
fn a_script_is_pipelined_and_answered_in_order() {
    let server = Server::start("[console]\nstyle = \"log\"\n[limits]\nconnections = 1");
    let keys = server.class_file();
    let lines: String = (0..1_000)
        .map(|n| if n % 2 == 0 { "2100001 GG\n" } else { "2100002 GG\n\n# next\n" })
        .collect();
    let arguments = ["--keys", keys.to_str().unwrap(), "--script", "-"];
    let (code, out, _) = client(&address(&server), &arguments, &lines);
    assert_eq!(code, 0);
    let answers: Vec<_> = out.lines().collect();
    assert_eq!(answers.len(), 1_000);
    assert!(answers.chunks(2).all(|pair| pair == [ADA_GRADES, BO_GRADES]));
}

#[test]
fn a_script_stops_at_the_first_error_unless_it_is_to_continue() {
    // The unknown student ends the connection; the client sends the requests after it again.
    let server = Server::start("");
    let script = "GG\nnonsense\nGMA\n";
    let (code, out, complaint) = client(&address(&server), &["--id", ADA.0], script);
    assert_eq!((code, out), (1, format!("{ADA_GRADES}\n")));
    assert!(complaint.starts_with("grade-client: line 2: unknown command"));
    let (code, out, _) = client(&address(&server), &["--id", ADA.0, "--keep-going"], script);
    assert_eq!((code, out), (7, format!("{ADA_GRADES}\nMidterm average: 13.3333\n")));
    let blanks = client(&address(&server), &["--id", ADA.0, "--json", " AVG  Lab 3 "], "");
    assert!(blanks.1.contains(r#""command":"AVG  Lab 3""#), "{blanks:?}");
    assert_eq!(
        client(&address(&server), &["--id", ADA.0, "AVG"], "").2.trim_end(),
        "grade-client: AVG and STATS need an assessment, as in AVG Lab 1"
    );
    let keys = server.folder.path().join("keys.csv");
    let unknown_key = Fernet::generate_key();
    std::fs::write(&keys, format!("ID Number,Key\n2100001,{}\n7,{unknown_key}\n", ADA.1)).unwrap();
    let arguments = ["--keys", keys.to_str().unwrap(), "--keep-going", "--json"];
    let script = "2100001 GG\n7 GG\n7 GG\n2100001 REPORT\n";
    let (code, out, _) = client(&address(&server), &arguments, script);
    let answers: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(code, 7);
    assert_eq!(answers[0]["answer"], ADA_GRADES);
    assert_eq!(answers[1]["error"]["word"], "closed");
    assert_eq!(answers[2]["error"]["code"], 1);
    assert_eq!(answers[3]["report"]["name"], "Ada Invented");
}

#[test]
fn a_script_that_is_to_continue_goes_on_behind_an_id_without_a_key_and_a_line_that_is_no_request() {
    let server = Server::start("");
    let keys = server.class_file();
    let arguments = ["--keys", keys.to_str().unwrap(), "--keep-going", "--json"];
    let script = format!("2100009 GG\n{}\n2100001 GMA\n", ADA.1);
    let (code, out, complaint) = client(&address(&server), &arguments, &script);
    let answers: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, answers.len()), (7, 3), "{complaint}");
    assert_eq!(answers[0]["error"]["word"], "no-key");
    assert_eq!(answers[1]["error"]["word"], "usage");
    assert_eq!(answers[2]["answer"], "Midterm average: 13.3333");
    assert!(complaint.contains("line 1: no key for student 2100009 in the keys file"));
    assert!(complaint.contains("line 2: is not ID COMMAND"));
}

#[test]
fn a_script_waits_where_the_server_allows_no_more_requests_for_now() {
    let server = Server::start("[limits]\nrequests_per_second_per_source = 30");
    let answers = client(&address(&server), &["--id", ADA.0], &"GMA\n".repeat(70));
    assert_eq!(answers, (0, "Midterm average: 13.3333\n".repeat(70), String::new()));
}

#[test]
fn a_client_beyond_the_connections_of_its_network_is_told_so() {
    let server = Server::start("[limits]\nconnections_per_source = 1");
    let mut inside = server.connect();
    assert_eq!(ADA.opens(&inside.say(b"2100001 GG\n").reply()), ADA_GRADES);
    let (code, out, complaint) = client(&address(&server), &["--id", ADA.0, "--json", "GG"], "");
    assert_eq!(code, 1);
    assert!(complaint.contains("too many connections from your network"), "{complaint}");
    assert!(out.contains(r#""word":"connections""#), "{out}");
}

#[test]
fn a_client_that_asks_in_another_way_than_the_server_answers_is_told_how() {
    let clear = Server::start("");
    let (code, _, complaint) =
        client(&address(&clear), &["--id", ADA.0, "--sealed", "nets-2026", "GG"], "");
    assert_eq!(code, 1);
    assert!(complaint.contains("ask with grade-client without --sealed"), "{complaint}");
    let sealed = "[server]\nprofile = \"sealed\"\n[sealed]\naudience = \"nets-2026\"\n";
    let (code, _, complaint) = client(&address(&Server::start(sealed)), &["--id", ADA.0, "GG"], "");
    assert_eq!(code, 1);
    assert!(complaint.contains("ask with grade-client --sealed AUDIENCE"), "{complaint}");
}

#[test]
fn an_answer_is_printed_before_the_next_request_is_typed() {
    let server = Server::start("");
    let mut command = Command::new(env!("CARGO_BIN_EXE_grade-client"));
    command.args(["--server", &address(&server), "--id", ADA.0]).env("GRADE_KEY", ADA.1);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    for _ in 0..3 {
        input.write_all(b"GG\n").unwrap();
        let mut answer = vec![0; ADA_GRADES.len() + 1];
        output.read_exact(&mut answer).unwrap();
        assert_eq!(answer, format!("{ADA_GRADES}\n").as_bytes());
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_closed_standard_output_is_not_an_error() {
    let server = Server::start("[console]\nstyle = \"log\"");
    let mut command = Command::new("sh");
    let script = "\"$0\" --server \"$1\" --id 2100001; echo \"code $?\" >&2";
    command.args(["-c", &format!("{{ {script}; }} | head -n 1")]);
    command.arg(env!("CARGO_BIN_EXE_grade-client")).arg(address(&server)).env("GRADE_KEY", ADA.1);
    let (_, out, complaint) = run(command, &"GG\n".repeat(5_000));
    assert_eq!((out, complaint.as_str()), (format!("{ADA_GRADES}\n"), "code 0\n"));
}
