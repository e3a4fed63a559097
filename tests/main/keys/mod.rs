//! Keys: key files, two keys for one student, and the commands that make and replace keys.

mod commands;
mod slips;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::{
    ADA, ADA_GRADES, BO, BO_GRADES, CLASS, Server, Student, ZOE, class_folder, class_without_keys,
    keys_of, server_command,
};
use fernet::Fernet;
use rustix::process::Signal;
use tempfile::TempDir;

const KEYS_FILE: &str = "[gradebook]\nkeys_file = \"keys.csv\"\n";
const SEALED: &str = "[server]\nprofile = \"sealed\"\n[sealed]\naudience = \"nets-2026\"\n";

fn write(folder: &TempDir, name: &str, text: &str, mode: u32) {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A folder with settings, a class file without keys, and a key file.
fn folder_with_keys(settings: &str) -> TempDir {
    let (folder, _) = class_folder(&format!("{KEYS_FILE}{settings}"));
    write(&folder, "class.csv", &class_without_keys(), 0o644);
    let keys = keys_of(&[(ADA.0, ADA.1), (ZOE.0, ZOE.1), (BO.0, BO.1)]);
    write(&folder, "keys.csv", &keys, 0o600);
    folder
}

fn server_in(folder: TempDir) -> Server {
    let path = folder.path().join("test.toml");
    Server::start_with(folder, server_command().arg("--config").arg(path))
}

/// The output and exit code of a command. The output must contain no key.
fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = crate::harness::ended(command);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    crate::harness::holds_no_key(std::slice::from_ref(&text));
    (output.status.code(), text)
}

/// Runs `keys` with these arguments and the settings of this folder.
fn keys_task(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = server_command();
    command.current_dir(folder).args(["--config", "test.toml", "keys"]).args(arguments);
    said(&mut command)
}

/// The cell of a student in the key file.
fn cell(folder: &Path, student: Student) -> String {
    let text = fs::read_to_string(folder.join("keys.csv")).unwrap();
    let row = text.lines().find(|line| line.starts_with(student.0)).unwrap();
    row.split_once(',').unwrap().1.to_owned()
}

/// A sealed request for grades.
fn sealed(id: &str, key: &str, nonce: u64) -> String {
    let text = format!("{:<255}", format!("Q1\tnets-2026\t{id}\tGG\t{nonce:016x}"));
    format!("{id} {}\n", Fernet::new(key).unwrap().encrypt(text.as_bytes()))
}

/// Opens the reply with this key.
fn opened(key: &str, reply: &str) -> Option<String> {
    let text = String::from_utf8(Fernet::new(key).unwrap().decrypt(reply).ok()?).unwrap();
    Some(text.split('\t').next_back().unwrap().trim_end().to_owned())
}

#[test]
fn keys_in_a_key_file_work_like_keys_in_the_class_file() {
    let server = server_in(folder_with_keys(""));
    let replies = server.answers(b"2100001 GG\n2100002 GG\n");
    assert_eq!(ADA.opens(&replies[0]), ADA_GRADES);
    assert_eq!(BO.opens(&replies[1]), BO_GRADES);
}

#[test]
fn class_file_and_key_file_are_loaded_together_or_not_at_all() {
    let mut server = server_in(folder_with_keys(""));
    let keys = fs::read_to_string(server.folder.path().join("keys.csv")).unwrap();
    let new_key = Fernet::generate_key();
    let reload = |server: &mut Server, keys: &str, says: &str| {
        write(&server.folder, "keys.csv", keys, 0o600);
        server.signal(Signal::HUP);
        server.prints(says)
    };
    // A new mark and an invalid key: neither is published.
    let class = class_without_keys();
    server.save_class(&class.replace("3,9,9,0,17", "4,9,9,0,17"));
    let text = reload(&mut server, &keys.replace(BO.1, "nonsense"), "Kept edition 1");
    assert!(text.contains("keys.csv: row 4, column \"Key\": "), "{text}");
    assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
    // The error names students that are in only one of the files.
    let text = reload(&mut server, &keys.replace(BO.0, "2100009"), "Kept edition 1");
    assert!(
        text.contains("students without a key: 2100002; keys without a student: 2100009"),
        "{text}"
    );
    assert_eq!(BO.opens(&server.answers(b"2100002 GG\n")[0]), BO_GRADES);
    // A new key alone is a new edition.
    server.save_class(&class);
    reload(&mut server, &keys.replace(ADA.1, &new_key), "Edition 2 of the class file is in place");
    let reply = &server.answers(b"2100001 GG\n")[0];
    assert_eq!(Fernet::new(&new_key).unwrap().decrypt(reply).unwrap(), ADA_GRADES.as_bytes());
}

#[test]
fn a_change_of_either_file_triggers_a_reload() {
    let folder = folder_with_keys("watch = true\n");
    let mut server = server_in(folder);
    let new_key = Fernet::generate_key();
    let keys = fs::read_to_string(server.folder.path().join("keys.csv")).unwrap();
    write(&server.folder, "draft", &keys.replace(ADA.1, &new_key), 0o600);
    let path = |name| server.folder.path().join(name);
    fs::rename(path("draft"), path("keys.csv")).unwrap();
    server.prints("Edition 2 of the class file is in place");
    server.save_class(&class_without_keys().replace("3,9,9,0,17", "4,9,9,0,17"));
    server.prints("Edition 3 of the class file is in place");
}

#[test]
fn a_readable_key_file_is_a_warning_in_the_lab_and_an_error_elsewhere() {
    let exposed =
        "keys.csv: contains keys and other users can read it (mode 0644); run chmod 600 on it";
    let folder = folder_with_keys("");
    write(&folder, "keys.csv", &keys_of(&[(ADA.0, ADA.1), (BO.0, BO.1), (ZOE.0, ZOE.1)]), 0o644);
    let (code, lines) = server_in(folder).stopped();
    assert_eq!(code, Some(0));
    assert!(lines.iter().any(|line| line.starts_with("Warning") && line.contains(exposed)));
    let folder = folder_with_keys(SEALED);
    fs::set_permissions(folder.path().join("keys.csv"), Permissions::from_mode(0o644)).unwrap();
    let mut command = server_command();
    let (code, text) = said(command.arg("--config").arg(folder.path().join("test.toml")));
    assert_eq!(code, Some(1));
    assert!(text.contains(exposed), "{text}");
}

#[test]
fn a_class_file_that_other_users_can_read_is_a_warning_and_with_keys_in_it_an_error_where_sealed() {
    let marks = "class.csv: contains marks and other users can read it (mode 0644)";
    let keys = "class.csv: contains keys and other users can read it (mode 0640)";
    let folder = folder_with_keys(SEALED);
    let (_, lines) = server_in(folder).stopped();
    assert!(lines.iter().any(|line| line.starts_with("Warning") && line.contains(marks)));
    let (folder, _) = class_folder("");
    write(&folder, "class.csv", CLASS, 0o640);
    let (_, lines) = server_in(folder).stopped();
    assert!(lines.iter().any(|line| line.starts_with("Warning") && line.contains(keys)));
    let (folder, sealed) = class_folder(SEALED);
    write(&folder, "class.csv", CLASS, 0o640);
    let (code, text) = said(server_command().arg("--config").arg(sealed));
    assert!(code == Some(1) && text.contains(keys), "{text}");
}

#[test]
fn a_student_with_two_keys_is_answered_under_the_key_of_the_request() {
    let (folder, _) = class_folder(SEALED);
    let (new, old) = (Fernet::generate_key(), ADA.1);
    write(&folder, "class.csv", &CLASS.replace(old, &format!("{new};{old}")), 0o600);
    let server = server_in(folder);
    let asked = [sealed(ADA.0, &new, 1), sealed(ADA.0, old, 2), sealed(ADA.0, BO.1, 3)].concat();
    let replies = server.answers(asked.as_bytes());
    assert_eq!(opened(&new, &replies[0]).as_deref(), Some(ADA_GRADES));
    assert_eq!(opened(old, &replies[1]).as_deref(), Some(ADA_GRADES));
    assert!([&new, old, BO.1].iter().all(|key| opened(key, &replies[2]).is_none()));
    let bo = &server.answers(sealed(BO.0, BO.1, 4).as_bytes())[0];
    assert_eq!(opened(BO.1, bo).as_deref(), Some(BO_GRADES.trim_end()));
}

#[test]
fn answers_to_requests_in_clear_use_the_new_key() {
    let (folder, _) = class_folder("");
    let new = Fernet::generate_key();
    write(&folder, "class.csv", &CLASS.replace(ADA.1, &format!("{new};{}", ADA.1)), 0o600);
    let reply = &server_in(folder).answers(b"2100001 GG\n")[0];
    assert_eq!(Fernet::new(&new).unwrap().decrypt(reply).unwrap(), ADA_GRADES.as_bytes());
}
