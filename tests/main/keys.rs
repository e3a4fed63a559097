//! Keys: in a file of their own, two at a time, and the commands that make and replace them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::{
    ADA, ADA_GRADES, BO, BO_GRADES, CLASS, Server, Student, ZOE, class_folder, server_command,
};
use fernet::Fernet;
use rustix::process::Signal;
use tempfile::TempDir;

const KEYS_FILE: &str = "[gradebook]\nkeys_file = \"keys.csv\"\n";
const SEALED: &str = "[server]\nprofile = \"sealed\"\n[sealed]\naudience = \"nets-2026\"\n";

/// The class without its column of keys.
fn class_without_keys() -> String {
    let key = |text: String, student: &Student| text.replace(&format!(",{}", student.1), "");
    [ADA, BO, ZOE].iter().fold(CLASS.replace(",Key", ""), key)
}

/// A file of keys with these lines.
fn keys_of(students: &[(&str, &str)]) -> String {
    let row = |(id, key): &(&str, &str)| format!("{id},{key}\n");
    format!("ID Number,Key\n{}", students.iter().map(row).collect::<String>())
}

fn write(folder: &TempDir, name: &str, text: &str, mode: u32) {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A folder with settings, a class without keys, and a file of its keys.
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

/// What a command says and its exit code. No key is ever in it.
fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = crate::harness::ended(command);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    crate::harness::holds_no_key(std::slice::from_ref(&text));
    (output.status.code(), text)
}

/// A task with keys, in this folder and with its settings.
fn keys_task(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = server_command();
    command.current_dir(folder).args(["--config", "test.toml", "keys"]).args(arguments);
    said(&mut command)
}

/// The text of a student's cell in the file of keys.
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

/// What the reply says to who holds the key.
fn opened(key: &str, reply: &str) -> Option<String> {
    let text = String::from_utf8(Fernet::new(key).unwrap().decrypt(reply).ok()?).unwrap();
    Some(text.split('\t').next_back().unwrap().trim_end().to_owned())
}

#[test]
fn keys_in_a_file_of_their_own_serve_like_those_in_the_class_file() {
    let server = server_in(folder_with_keys(""));
    let replies = server.answers(b"2100001 GG\n2100002 GG\n");
    assert_eq!(ADA.opens(&replies[0]), ADA_GRADES);
    assert_eq!(BO.opens(&replies[1]), BO_GRADES);
}

#[test]
fn both_files_are_loaded_or_neither() {
    let mut server = server_in(folder_with_keys(""));
    let keys = fs::read_to_string(server.folder.path().join("keys.csv")).unwrap();
    let new_key = Fernet::generate_key();
    let reload = |server: &mut Server, keys: &str, says: &str| {
        write(&server.folder, "keys.csv", keys, 0o600);
        server.signal(Signal::HUP);
        server.says(says)
    };
    // A new mark and a bad key: the mark waits.
    let class = class_without_keys();
    server.save_class(&class.replace("3,9,9,0,17", "4,9,9,0,17"));
    let text = reload(&mut server, &keys.replace(BO.1, "nonsense"), "Kept edition 1");
    assert!(text.contains("keys.csv: row 4, column \"Key\": "), "{text}");
    assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
    // Other students in one than in the other are named.
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
fn a_change_of_either_file_is_noticed() {
    let folder = folder_with_keys("watch = true\n");
    let mut server = server_in(folder);
    let new_key = Fernet::generate_key();
    let keys = fs::read_to_string(server.folder.path().join("keys.csv")).unwrap();
    write(&server.folder, "draft", &keys.replace(ADA.1, &new_key), 0o600);
    let path = |name| server.folder.path().join(name);
    fs::rename(path("draft"), path("keys.csv")).unwrap();
    server.says("Edition 2 of the class file is in place");
    server.save_class(&class_without_keys().replace("3,9,9,0,17", "4,9,9,0,17"));
    server.says("Edition 3 of the class file is in place");
}

#[test]
fn keys_that_others_can_read_are_warned_of_in_the_lab_and_refused_for_a_real_class() {
    let exposed =
        "keys.csv: holds keys and other users can read it (mode 0644); run chmod 600 on it";
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
fn a_student_with_two_keys_is_answered_under_the_one_they_used() {
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
fn in_clear_the_new_one_of_two_keys_is_for_answers() {
    let (folder, _) = class_folder("");
    let new = Fernet::generate_key();
    write(&folder, "class.csv", &CLASS.replace(ADA.1, &format!("{new};{}", ADA.1)), 0o600);
    let reply = &server_in(folder).answers(b"2100001 GG\n")[0];
    assert_eq!(Fernet::new(&new).unwrap().decrypt(reply).unwrap(), ADA_GRADES.as_bytes());
}

#[test]
fn keys_are_made_for_who_has_none_and_nothing_is_overwritten() {
    let (folder, _) = class_folder(KEYS_FILE);
    write(&folder, "class.csv", &class_without_keys(), 0o644);
    let issue = || keys_task(folder.path(), &["issue", "class.csv"]);
    assert_eq!(issue(), (Some(0), "keys.csv: 3 keys made for 3 students\n".into()));
    let path = folder.path().join("keys.csv");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let first = fs::read_to_string(&path).unwrap();
    let nothing = "keys.csv: 3 students, each with a key; nothing was written\n";
    assert_eq!(issue(), (Some(0), nothing.into()));
    // Somebody joins the class.
    let joined = format!("{}Cy Invented,2100003,1,2,3,4,5,6,7\n", class_without_keys());
    write(&folder, "class.csv", &joined, 0o644);
    let (code, text) = keys_task(folder.path(), &["check"]);
    assert!(code == Some(1) && text.contains("without a key: 2100003"), "{text}");
    assert_eq!(issue(), (Some(0), "keys.csv: 1 key made for 4 students\n".into()));
    assert!(fs::read_to_string(&path).unwrap().starts_with(&first), "the others keep theirs");
    let (code, text) = keys_task(folder.path(), &["check"]);
    assert_eq!((code, text.as_str()), (Some(0), "keys.csv: 4 students, each with a key\n"));
    let key = cell(folder.path(), Student("2100003", ""));
    let reply = &server_in(folder).answers(b"2100003 GL1A\n")[0];
    let text = Fernet::new(&key).unwrap().decrypt(reply).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), "Lab 1 average: 2.6667");
}

#[test]
fn keys_move_from_the_class_file_to_a_file_of_their_own() {
    let (folder, _) = class_folder("");
    let (code, text) = keys_task(folder.path(), &["issue", "class.csv"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("3 copied from class.csv; now remove the column Key there"), "{text}");
    assert_eq!(cell(folder.path(), ADA), ADA.1);
    assert_eq!(fs::read_to_string(folder.path().join("class.csv")).unwrap(), CLASS);
    let (code, text) = keys_task(folder.path(), &["issue", "class.csv", "--output", "class.csv"]);
    assert!(code == Some(1) && text.contains("class.csv: row 1, column 1: is neither"), "{text}");
}

#[test]
fn a_key_is_replaced_without_a_day_on_which_both_must_change() {
    let mut server = server_in(folder_with_keys(&format!("watch = true\n{SEALED}")));
    let folder = server.folder.path().to_owned();
    let (code, text) = keys_task(&folder, &["rotate", ADA.0, BO.0]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = keys_task(&folder, &["rotate", ADA.0]);
    assert!(code == Some(1) && text.contains("2100001 has two keys already"), "{text}");
    let keys = cell(&folder, ADA);
    let (new, old) = keys.split_once(';').unwrap();
    assert_eq!(old, ADA.1);
    let answers = |server: &Server, key: &str, nonce| {
        let reply = &server.answers(sealed(ADA.0, key, nonce).as_bytes())[0];
        opened(key, reply).is_some_and(|text| text == ADA_GRADES)
    };
    server.says(" of the class file is in place");
    assert!(answers(&server, new, 1) && answers(&server, old, 2));
    let (_, text) = keys_task(&folder, &["check"]);
    assert!(text.contains("2100001: two keys; when the student has the new one"), "{text}");
    assert_eq!(keys_task(&folder, &["retire", ADA.0]).0, Some(0));
    assert_eq!(cell(&folder, ADA), new);
    server.says(" of the class file is in place");
    assert!(answers(&server, new, 3) && !answers(&server, old, 4));
}

#[test]
fn a_stolen_key_is_replaced_at_once_and_a_mistake_changes_nothing() {
    let folder = folder_with_keys("");
    let path = folder.path();
    let before = fs::read_to_string(path.join("keys.csv")).unwrap();
    let unharmed = || fs::read_to_string(path.join("keys.csv")).unwrap() == before;
    for (arguments, says) in [
        (&["rotate", ADA.0, "2100009"][..], "has no student 2100009; nothing was written"),
        (&["rotate", ADA.1], "has no student <44 characters>; nothing was written"),
        (&["retire", ADA.0], "2100001 has no old key; nothing was written"),
        (&["rotate", "--keys", "class.csv", ADA.0], "class.csv: row 1: has no column \"Key\""),
    ] {
        let (code, text) = keys_task(path, arguments);
        assert!(code == Some(1) && text.contains(says) && unharmed(), "{arguments:?}: {text}");
    }
    for arguments in
        [&["check", ADA.1][..], &["issue", "class.csv", ADA.1], &["issue", ADA.1], &[ADA.1]]
    {
        let (code, text) = keys_task(path, arguments);
        assert!(code != Some(0) && text.contains("<43 characters>="), "{text}");
    }
    // A command that was killed has left its draft behind.
    fs::write(path.join(".keys.csv.draft-abc"), ADA.1).unwrap();
    let held = File::open(path.join("keys.csv")).unwrap();
    held.lock().unwrap();
    let (code, text) = keys_task(path, &["rotate", ADA.0]);
    assert!(code == Some(1) && text.contains("another command is changing it"), "{text}");
    assert!(unharmed());
    held.unlock().unwrap();
    let (_, text) = keys_task(path, &["rotate", "--stolen", ADA.0, ADA.0]);
    assert_eq!(text.lines().count(), 1, "each student once");
    let key = cell(path, ADA);
    assert!(!key.contains(';') && key != ADA.1);
    assert_eq!((cell(path, BO), cell(path, ZOE)), (BO.1.into(), ZOE.1.into()));
    let names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "no draft is left behind: {names:?}");
}

#[test]
fn a_slip_of_paper_has_all_that_its_student_needs() {
    let folder = folder_with_keys(SEALED);
    let server = server_in(folder);
    let path = server.folder.path();
    let address = format!("127.0.0.1:{}", server.port);
    let slips = |output| keys_task(path, &["slips", "--server", &address, "--output", output]);
    assert_eq!(
        slips("s.txt"),
        (Some(0), "s.txt: 3 slips; print the file, cut it, and delete it\n".into())
    );
    let (code, text) = slips("s.txt");
    assert!(code == Some(1) && text.contains("s.txt: exists already"), "{text}");
    let mode = path.join("s.txt").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(path.join("s.txt")).unwrap();
    let all: Vec<_> = text.split("\n8< ").collect();
    assert_eq!(all.len(), 4, "three, each with a line to cut along");
    let slip = all[0];
    assert!(slip.starts_with("Ada Invented  (2100001)\n") && slip.contains(ADA.1));
    assert!(!slip.contains(BO.1));
    // The student does what the slip says.
    write(&server.folder, "me.key", &format!("{}\n", ADA.1), 0o600);
    let client = |line: &str| {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("grade-client"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_grade-client"));
        let output = command.args(words).current_dir(path).env("XDG_STATE_HOME", path).output();
        String::from_utf8(output.unwrap().stdout).unwrap().trim_end().to_owned()
    };
    let line = slip.lines().find(|line| line.starts_with("    grade-client")).unwrap();
    assert_eq!(client(line), ADA_GRADES);
    let fingerprint = client("grade-client --key-file me.key --fingerprint");
    assert!(slip.contains(&format!("prints, is {fingerprint}.")), "{slip}");
    let (_, text) = keys_task(path, &["slips", BO.0, "--output", "bo.txt"]);
    assert!(text.contains("1 slip;"), "{text}");
}
