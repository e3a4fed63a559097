//! The state file: what the server keeps from one run to the next.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Server, Student, class_folder, ended, server_command, write_private};
use fernet::Fernet;
use rustix::process::Signal;
use tempfile::TempDir;

const SETTINGS: &str =
    "[gradebook]\nstate_file = \"state.json\"\npopulation_min = 5\nshrink_percent_max = 100\n";

/// A class of twelve, in which `marked` students have a mark.
fn class(marked: usize, keys: &[String]) -> String {
    let mark = |n: usize| if n < marked { n.to_string() } else { String::new() };
    let row = |(n, key): (usize, &String)| format!("Some One,21{n:05},{key},{}\n", mark(n));
    let rows: String = keys.iter().enumerate().map(row).collect();
    format!("Name,ID Number,Key,Midterm\n{rows}")
}

/// Runs a server with this class. Returns the midterm average that the first student reads.
fn midterm_average(folder: TempDir, class: &str, key: &str) -> (TempDir, String) {
    write_private(&folder.path().join("class.csv"), class);
    let path = folder.path().join("test.toml");
    let server = Server::start_with(folder, server_command().arg("--config").arg(path));
    let reply = &server.answers(b"2100000 GMA\n")[0];
    let text = Fernet::new(key).unwrap().decrypt(reply).unwrap();
    (server.end_with(Signal::TERM), String::from_utf8(text).unwrap())
}

#[test]
fn a_released_average_survives_a_restart_until_enough_marks_change() {
    let keys: Vec<_> = (0..12).map(|_| Fernet::generate_key()).collect();
    let (folder, _) = class_folder(SETTINGS);
    let (folder, first) = midterm_average(folder, &class(5, &keys), &keys[0]);
    assert_eq!(first, "Midterm average: 2");
    let (folder, second) = midterm_average(folder, &class(6, &keys), &keys[0]);
    assert_eq!(second, "Midterm average: 2 (as of ");
    let (folder, third) = midterm_average(folder, &class(10, &keys), &keys[0]);
    assert_eq!(third, "Midterm average: 4.5");
    let state = folder.path().join("state.json");
    assert_eq!(state.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // Without the state file, the server does not know earlier releases.
    fs::remove_file(state).unwrap();
    let (_, fourth) = midterm_average(folder, &class(11, &keys), &keys[0]);
    assert_eq!(fourth, "Midterm average: 5");
}

#[test]
fn an_unreadable_state_file_prevents_the_start_and_is_not_replaced() {
    let (folder, path) = class_folder(SETTINGS);
    fs::write(folder.path().join("state.json"), "nonsense").unwrap();
    let output = ended(server_command().arg("--config").arg(path));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("state.json (gradebook.state_file): is not a release history, or is damaged")
    );
    assert_eq!(fs::read_to_string(folder.path().join("state.json")).unwrap(), "nonsense");
}

#[test]
fn an_edition_whose_state_cannot_be_saved_is_not_published() {
    let settings = "[gradebook]\nstate_file = \"states/state.json\"\n";
    let (folder, path) = class_folder(settings);
    fs::create_dir(folder.path().join("states")).unwrap();
    let mut server = Server::start_with(folder, server_command().arg("--config").arg(path));
    fs::remove_dir_all(server.folder.path().join("states")).unwrap();
    server.save_class(&crate::harness::CLASS.replace(",12,4,", ",15,4,"));
    server.signal(Signal::HUP);
    let line = server.prints("Kept edition 1");
    assert!(line.contains("cannot be written, so no new statistics may be released"), "{line}");
    let Student(id, _) = crate::harness::BO;
    let reply = &server.answers(format!("{id} GMA\n").as_bytes())[0];
    assert_eq!(crate::harness::BO.opens(reply), "Midterm average: 13.3333");
}

#[test]
fn two_servers_cannot_share_a_state_file() {
    let server = Server::start(SETTINGS);
    let path = server.folder.path().join("test.toml");
    let output = ended(server_command().arg("--config").arg(path));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("another server keeps its release history there"), "{text}");
    let folder = server.end_with(Signal::KILL);
    let path = folder.path().join("test.toml");
    drop(Server::start_with(folder, server_command().arg("--config").arg(path)));
}

#[test]
fn a_preview_is_what_the_student_reads_from_the_server() {
    let keys: Vec<_> = (0..12).map(|_| Fernet::generate_key()).collect();
    let (folder, path) = class_folder(SETTINGS);
    let preview = |command: &str| {
        let mut server = server_command();
        server.arg("--config").arg(&path).args(["preview", "2100000", command]);
        String::from_utf8(ended(&mut server).stdout).unwrap().trim_end().to_owned()
    };
    write_private(&folder.path().join("class.csv"), class(5, &keys));
    let mut server = Server::start_with(folder, server_command().arg("--config").arg(&path));
    let read = |server: &Server, command: &str| {
        let reply = &server.answers(format!("2100000 {command}\n").as_bytes())[0];
        let text = Fernet::new(&keys[0]).unwrap().decrypt(reply).unwrap();
        String::from_utf8(text).unwrap()
    };
    let without_time = |report: String| report.split_once(",\"time\"").unwrap().0.to_owned();
    for (marked, edition) in [(5, 1), (6, 2), (11, 3)] {
        server.save_class(&class(marked, &keys));
        // Before the reload, the preview is what students will read then.
        let expected = preview("GMA");
        server.signal(Signal::HUP);
        server.prints(if edition == 1 { "unchanged" } else { "is in place" });
        assert_eq!(read(&server, "GMA"), expected, "edition {edition}");
        assert_eq!(preview("GMA"), expected, "edition {edition}, after the reload");
        let report = without_time(read(&server, "REPORT"));
        assert_eq!(report, without_time(preview("REPORT")));
        assert!(report.contains(&format!("\"edition\":{edition}")), "{report}");
    }
    // A restart with the same class is the same edition.
    let before = without_time(read(&server, "REPORT"));
    let folder = server.end_with(Signal::TERM);
    let server = Server::start_with(folder, server_command().arg("--config").arg(&path));
    assert_eq!(without_time(read(&server, "REPORT")), before);
}

#[test]
fn a_server_that_may_not_write_the_state_file_does_not_read_it_either() {
    let server = Server::start(SETTINGS);
    // Not even the history that is damaged is looked at while another server may write it.
    fs::write(server.folder.path().join("state.json"), "nonsense").unwrap();
    let path = server.folder.path().join("test.toml");
    let output = ended(server_command().arg("--config").arg(path));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("another server keeps its release history there"), "{text}");
}
