//! The start: a failed start prints one clear error and ends with the documented exit code.

use std::net::TcpStream;

use crate::harness::{
    ADA, ADA_GRADES, CLASS, Client, Server, class_folder, ended, holds_no_key, server_command,
    write_private,
};
use rustix::process::Signal;

/// Runs the server until it ends. Returns the exit code and standard error.
fn rejection(settings: &str, class: &[u8]) -> (i32, String) {
    let (folder, path) = class_folder(settings);
    std::fs::write(folder.path().join("class.csv"), class).unwrap();
    let output = ended(server_command().arg("--config").arg(path));
    let text = String::from_utf8(output.stderr).unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    holds_no_key(&[text.clone(), printed]);
    (output.status.code().unwrap(), text.replace(&folder.path().display().to_string(), "FOLDER"))
}

#[test]
fn a_second_server_on_the_same_port_fails_with_a_clear_error() {
    let server = Server::start("");
    let listen = format!("[server]\nlisten = \"127.0.0.1:{}\"", server.port);
    let (code, text) = rejection(&listen, CLASS.as_bytes());
    assert_eq!(code, 1);
    assert_eq!(
        text,
        format!(
            "grade-actor-server: cannot listen on 127.0.0.1:{} (server.listen); stop the other \
             server on this port, or choose another port: Address already in use (os error 98)\n",
            server.port
        )
    );
    assert_eq!(
        ADA.opens(&server.answers(b"2100001 GG\n")[0]),
        ADA_GRADES,
        "the first server still answers"
    );
}

#[test]
fn an_address_of_another_machine_fails_with_a_clear_error() {
    let remote = "[server]\nlisten = \"192.0.2.1:0\"\nallow_clear_requests = true";
    let (code, text) = rejection(remote, CLASS.as_bytes());
    assert_eq!(code, 1);
    assert!(text.contains("(server.listen); choose an address of this machine: "), "{text}");
}

#[test]
fn an_invalid_class_file_error_names_row_and_column_but_no_key() {
    let swapped = CLASS.replace("2100002", &format!("{}x", ADA.1));
    let (code, text) = rejection("", swapped.as_bytes());
    assert_eq!(code, 1);
    assert_eq!(
        text,
        "grade-actor-server: FOLDER/class.csv: row 3, column \"ID Number\": must be 1 to 64 characters \
         from A-Z a-z 0-9 . _ @ -\n"
    );
    let headerless: String = CLASS.lines().skip(1).map(|line| format!("{line}\n")).collect();
    let (code, text) = rejection("", headerless.as_bytes());
    assert_eq!(code, 1);
    assert!(
        text.starts_with(
            "grade-actor-server: FOLDER/class.csv: row 1: has no column \"ID Number\""
        )
    );
}

#[test]
fn unknown_settings_and_invalid_values_are_usage_errors() {
    for settings in ["[server]\nprot = 1", "[server]\nworkers = 0", "[audit]\ntimeout = 1"] {
        let (code, text) = rejection(settings, CLASS.as_bytes());
        assert_eq!(code, 2, "{text}");
        assert!(text.starts_with("grade-actor-server: FOLDER/test.toml: "), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
}

#[test]
fn several_workers_give_the_same_answers_and_stop_together() {
    let server = Server::start("[server]\nworkers = 3");
    let mut clients: Vec<_> = (0..9).map(|_| server.connect()).collect();
    for client in &mut clients {
        for _ in 0..3 {
            assert_eq!(ADA.opens(&client.say(b"2100001 GG\n").reply()), ADA_GRADES);
        }
    }
    server.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.remaining_replies(), Vec::<String>::new());
    }
    drop(clients);
    let (code, output) = server.ended();
    assert_eq!((code, output.last().unwrap().as_str()), (Some(0), "Stopped."));
}

#[test]
fn the_service_manager_is_notified_of_readiness_and_of_the_stop() {
    let (folder, path) = class_folder("");
    let manager = std::os::unix::net::UnixDatagram::bind(folder.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(crate::harness::TIMEOUT)).unwrap();
    let mut command = server_command();
    command.env("NOTIFY_SOCKET", folder.path().join("notify")).arg("--config").arg(path);
    let server = Server::start_with(folder, &mut command);
    let notification = || {
        let mut buffer = [0; 64];
        let bytes = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..bytes].to_vec()).unwrap()
    };
    assert_eq!(notification().trim_end(), "READY=1");
    assert_eq!(server.stopped().0, Some(0));
    assert_eq!(notification().trim_end(), "STOPPING=1");
}

#[test]
fn a_socket_passed_by_the_service_manager_is_used() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let (folder, path) = class_folder("[server]\nlisten = \"127.0.0.1:1\"");
    // The descriptor handed over is the third, and names the process that it is for.
    let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" --config \"$1\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(server_command().get_program()).arg(path);
    command.stdin(std::os::fd::OwnedFd::from(socket));
    let server = Server::start_with(folder, &mut command);
    assert_eq!(server.port, port);
    assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
}

#[test]
fn reveal_key_is_rejected_on_a_passed_socket_that_is_not_loopback() {
    let socket = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let (_folder, path) = class_folder("[lab]\nreveal_key = true");
    let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" --config \"$1\"";
    // A server that starts anyway is ended, with another exit code.
    let mut command = std::process::Command::new("timeout");
    command.args(["20", "sh", "-c", script]).arg(server_command().get_program()).arg(path);
    let output = command.stdin(std::os::fd::OwnedFd::from(socket)).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("works on loopback only"), "{text}");
}

/// Runs `--check` with these settings. Returns the exit code and everything that it prints.
fn checked(folder: &tempfile::TempDir) -> (i32, String) {
    let path = folder.path().join("test.toml");
    let output = ended(server_command().arg("--config").arg(path).arg("--check"));
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text.replace(&folder.path().display().to_string(), "FOLDER"))
}

#[test]
fn a_check_finds_what_a_start_would_and_prints_its_warnings() {
    let (folder, _) = class_folder("");
    let (code, text) = checked(&folder);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("class.csv: 3 students, 7 assessments; settings are valid\n"), "{text}");
    assert!(
        text.contains("warning: gradebook.statistics = \"plain\" releases exact statistics"),
        "{text}"
    );
    let server = Server::start("");
    for (settings, why) in [
        (
            format!("[server]\nlisten = \"127.0.0.1:{}\"\n", server.port),
            "stop the other server on this port",
        ),
        ("[audit]\nfile = \"no/audit.jsonl\"\n".into(), "no/audit.jsonl (audit.file)"),
        (
            "[audit]\nfile = \"/tmp\"\n".into(),
            "/tmp (audit.file): cannot be opened: Is a directory",
        ),
        ("[audit]\nfile = \"test.toml\"\n".into(), "does not end with a record of an audit log"),
    ] {
        let (folder, _) = class_folder(&settings);
        let before = std::fs::read_dir(folder.path()).unwrap().count();
        let (code, text) = checked(&folder);
        assert_eq!(code, 1, "{settings}: {text}");
        assert!(text.contains("settings are valid, but the server cannot start now: "), "{text}");
        assert!(text.contains(why), "{settings}: {text}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before, "nothing is written");
    }
}

#[test]
fn a_server_listens_on_all_of_its_addresses_and_they_share_its_limits() {
    let mut server = Server::start(
        "[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.2:0\"]\n[limits]\nconnections = 2\n",
    );
    let line = server.prints("of 127.0.0.2.");
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    let port: u16 = digits.strip_suffix("127002").unwrap().parse().unwrap();
    let other = || Client::of(TcpStream::connect(("127.0.0.2", port)).unwrap());
    let (mut first, mut second) = (server.connect(), other());
    for client in [&mut first, &mut second] {
        assert_eq!(ADA.opens(&client.say(b"2100001 GG\n").reply()), ADA_GRADES);
    }
    let mut waiting = other();
    waiting.say(b"2100001 GG\n");
    first.finish_sending().remaining_replies();
    assert_eq!(ADA.opens(&waiting.reply()), ADA_GRADES);
}

#[test]
fn a_variable_with_one_underscore_is_refused_and_a_list_has_commas() {
    let (folder, path) = class_folder("");
    let run = |variable: &str, value: &str| {
        let mut command = server_command();
        command.env(variable, value).arg("--check").arg("--config").arg(&path);
        let output = ended(&mut command);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run("GRADES_SERVER_LISTEN", "127.0.0.1:0");
    assert_eq!(code, 2);
    assert_eq!(
        text,
        "grade-actor-server: the environment: GRADES_SERVER_LISTEN: is not read; the setting is \
         GRADES__SERVER__LISTEN\n"
    );
    let (code, text) = run("GRADES__SERVER__LISSEN", "x");
    assert!(code == 2 && text.contains("the nearest is GRADES__SERVER__LISTEN"), "{text}");
    let (code, text) = run("GRADES_FOLDER", "x");
    assert!(code == 0 && text.contains("GRADES_FOLDER is not a setting"), "{text}");
    assert_eq!(run("GRADES__SERVER__LISTEN", "127.0.0.1:0, 127.0.0.2:0").0, 0);
    assert_eq!(run("GRADES__SERVER__WORKERS", "2").0, 0);
    let (code, text) = run("GRADES__SERVER__WORKERS", "two");
    assert!(code == 2 && text.contains("server.workers = \"two\": is not"), "{text}");
    drop(folder);
}

#[test]
fn negative_marks_and_missing_names_are_told() {
    let (folder, _) = class_folder("");
    let class = CLASS.replace(",3,9,9,0,", ",-3,9,9,0,").replace("Bo Invented", "");
    write_private(&folder.path().join("class.csv"), class);
    let (code, text) = checked(&folder);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("warning: students without a name: 2100002\n"), "{text}");
    assert!(text.contains("warning: negative marks: 2100001 in \"Lab 1\"\n"), "{text}");
}

#[test]
fn a_reload_says_that_changed_settings_need_a_restart() {
    let mut server = Server::start("");
    let settings = server.folder.path().join("test.toml");
    server.signal(Signal::HUP);
    server.prints("unchanged");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{text}[limits]\nconnections = 3\n")).unwrap();
    server.signal(Signal::HUP);
    server.prints(
        "test.toml: changed since the start; SIGHUP reloads the class file, the key file and the certificate only",
    );
}
