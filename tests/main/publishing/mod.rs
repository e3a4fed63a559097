//! Publishing on purpose: what is published when a file is saved, what is held, and what the commands do, with a
//! running server and without one.

mod commands;
mod crash;
mod document;
mod history;
mod holds;
mod import;
mod keys;
mod load;
mod privacy;
mod saving;
mod start;
mod statistics;
mod term;

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    ADA, BO, Server, Student, ZOE, class_folder, class_without_keys, ended, holds_no_key, keys_of,
    server_command, write_private,
};

const SETTINGS: &str = "[gradebook]\nkeys_file = \"keys.csv\"\ncourse_file = \"course.toml\"\n\
                        history = \"history\"\n[console]\nstyle = \"log\"\n";

/// The settings of the tests with these lines more in `[gradebook]`.
fn settings(gradebook: &str) -> String {
    SETTINGS.replace("[gradebook]\n", &format!("[gradebook]\n{gradebook}\n"))
}

/// A folder with settings, the class without keys, its key file and an empty course file.
fn course(settings: &str) -> TempDir {
    let (folder, _) = class_folder(settings);
    write_private(&folder.path().join("class.csv"), class_without_keys());
    let keys = keys_of(&[(ADA.0, ADA.1), (ZOE.0, ZOE.1), (BO.0, BO.1)]);
    write_private(&folder.path().join("keys.csv"), keys);
    write_private(&folder.path().join("course.toml"), "");
    folder
}

/// A server in such a folder.
#[track_caller]
fn served(folder: TempDir) -> Server {
    let path = folder.path().join("test.toml");
    Server::start_with(folder, server_command().arg("--config").arg(path))
}

/// What a command printed, and its exit code.
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs a command with the settings of a folder. It prints no key.
#[track_caller]
fn run(folder: &Path, arguments: &[&str]) -> Said {
    let mut command = server_command();
    let output = ended(command.current_dir(folder).args(["--config", "test.toml"]).args(arguments));
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    holds_no_key(&[out.clone(), err.clone()]);
    Said { code: output.status.code().unwrap(), out, err }
}

/// Runs a command that must succeed, and returns what it prints.
#[track_caller]
fn done(folder: &Path, arguments: &[&str]) -> String {
    let Said { code, out, err } = run(folder, arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

/// Runs a command that must fail, and returns its error.
#[track_caller]
fn fails(folder: &Path, arguments: &[&str]) -> String {
    let Said { code, out, err } = run(folder, arguments);
    assert_eq!((code, &*out), (1, ""), "{arguments:?}: {err}");
    err
}

/// What a command prints with `--json`.
#[track_caller]
fn json(folder: &Path, arguments: &[&str]) -> Value {
    let text = done(folder, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap()
}

/// The state of the class file and the rules for which it is held, as `diff` has them.
#[track_caller]
fn state(folder: &Path) -> (String, Vec<String>) {
    let diff = json(folder, &["diff"]);
    let rules = diff["held"].as_array().unwrap().iter();
    let rules = rules.map(|held| held["rule"].as_str().unwrap().to_owned());
    (diff["state"].as_str().unwrap().to_owned(), rules.collect())
}

/// What published each edition that is kept, in order.
#[track_caller]
fn published_by(folder: &Path) -> Vec<String> {
    let editions = json(folder, &["editions"]);
    let editions = editions["editions"].as_array().unwrap().iter();
    editions.map(|edition| edition["by"].as_str().unwrap().to_owned()).collect()
}

/// Saves the class file, has the server read it, and waits until the log says this.
#[track_caller]
fn save(server: &mut Server, content: &str, says: &str) -> String {
    server.save_class(content);
    reload(server, says)
}

#[track_caller]
fn reload(server: &mut Server, says: &str) -> String {
    server.signal(Signal::HUP);
    server.prints(says)
}

/// Writes the course file.
fn write_course(server: &Server, text: &str) {
    write_private(&server.folder.path().join("course.toml"), text);
}

/// What a student reads.
#[track_caller]
fn read(server: &Server, student: Student, command: &str) -> String {
    student.opens(&server.answers(format!("{} {command}\n", student.0).as_bytes())[0])
}

/// A student's report, but for the time at which it was asked for.
#[track_caller]
fn report(server: &Server, student: Student) -> Value {
    let mut report: Value = serde_json::from_str(&read(server, student, "REPORT")).unwrap();
    report.as_object_mut().unwrap().remove("time");
    report
}

/// The class of the tests with another midterm mark for Ada.
fn with_midterm(mark: &str) -> String {
    class_without_keys().replace("3,9,9,0,17,", &format!("3,9,9,0,{mark},"))
}

/// Ada's grades with another midterm mark.
fn grades_with_midterm(mark: &str) -> String {
    crate::harness::ADA_GRADES.replace("Midterm: 17", &format!("Midterm: {mark}"))
}

/// The students of a class of any size: an ID and an invented key for each.
fn students(count: usize) -> Vec<(String, String)> {
    let key = |n: usize| format!("{}{n:03}A=", "k".repeat(39));
    (0..count).map(|n| (format!("{}", 2_300_000 + n), key(110 + n))).collect()
}

/// The first of these students.
const FIRST: Student = Student("2300000", "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk110A=");

/// A folder with a class of this size, whose marks in the one assessment `Quiz` these are.
fn quiz_course(settings: &str, marks: &[&str]) -> TempDir {
    let folder = course(settings);
    write_private(&folder.path().join("class.csv"), quiz(marks));
    let students = students(marks.len());
    let rows: Vec<_> = students.iter().map(|(id, key)| (id.as_str(), key.as_str())).collect();
    write_private(&folder.path().join("keys.csv"), keys_of(&rows));
    folder
}

/// A class file with the one assessment `Quiz`.
fn quiz(marks: &[&str]) -> String {
    let mut text = "Name,ID Number,Quiz\n".to_owned();
    for ((id, _), mark) in students(marks.len()).iter().zip(marks) {
        text.push_str(&format!("Student {id},{id},{mark}\n"));
    }
    text
}

/// The editions' files of a folder, by name.
fn edition_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("history")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".edition")).collect();
    names.sort();
    names
}
