//! Class files as systems export them: explained, published, released and put on hold.

mod workbooks;

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, SystemTime};

use fernet::Fernet;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Server, class_folder, ended, eventually, holds_no_key, project, server_command, write_private,
};

const CANVAS: &str = "\
Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (208548),Lab 2 (208549),Exam 1 (208550),Current Score
,,,,,,Manual Posting,,
    Points Possible,,,,,10.0,20.0,50.0,(read only)
\"Able, Ada\",11,4001001,aable,L1,9.50,19,40,95
\"Best, Bo\",12,,4001002,L1,7.00,EX,30,70
\"Student, Test\",13,,f00,L1,1.0,1.0,1.0,
";
const SETTINGS: &str =
    "[gradebook]\nfile = \"canvas.csv\"\nkeys_file = \"keys.csv\"\ncourse_file = \"course.toml\"\n";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    ended(server_command().current_dir(folder).args(arguments))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with a Canvas export, a course file, and a key for each student.
fn folder_with(course: &str) -> TempDir {
    let (folder, _) = class_folder(SETTINGS);
    write_private(&folder.path().join("canvas.csv"), CANVAS);
    write_private(&folder.path().join("course.toml"), course);
    let issued = run(folder.path(), &["keys", "issue", "canvas.csv"]);
    assert_eq!(text(&issued.stdout), "keys.csv: 2 keys made for 2 students\n");
    folder
}

fn key(folder: &Path, id: &str) -> String {
    let keys = fs::read_to_string(folder.join("keys.csv")).unwrap();
    let row = keys.lines().find_map(|line| line.strip_prefix(&format!("{id},")));
    row.unwrap().to_owned()
}

fn started(folder: TempDir) -> Server {
    let path = folder.path().join("test.toml");
    Server::start_with(folder, server_command().arg("--config").arg(path))
}

/// What a student reads.
fn read(server: &Server, id: &str, command: &str) -> String {
    let reply = &server.answers(format!("{id} {command}\n").as_bytes())[0];
    let key = key(server.folder.path(), id);
    match Fernet::new(&key).unwrap().decrypt(reply) {
        Ok(read) => text(&read),
        Err(_) => reply.clone(),
    }
}

#[test]
fn an_export_is_explained_column_by_column_without_settings_or_keys() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("canvas.csv"), CANVAS).unwrap();
    let explained = run(folder.path(), &["explain", "canvas.csv", "--json"]);
    assert_eq!(explained.status.code(), Some(0), "{}", text(&explained.stderr));
    let json: Value = serde_json::from_slice(&explained.stdout).unwrap();
    let assessment = |column: &str, name: &str, out_of: u32, released: bool| json!({"column": column, "use": "assessment", "assessment": name, "out_of": out_of, "released": released});
    assert_eq!(
        json,
        json!({
            "file": "canvas.csv", "shape": "canvas", "encoding": "UTF-8", "separator": ",",
            "decimal": ".", "students": 2,
            "columns": [
                {"column": "Student", "use": "name"},
                {"column": "ID", "use": "ignored", "reason": "the student's number inside Canvas"},
                {"column": "SIS User ID", "use": "id"},
                {"column": "SIS Login ID", "use": "id"},
                {"column": "Section", "use": "ignored", "reason": "no marks, but something about the student"},
                assessment("Lab 1 (208548)", "Lab 1", 10, true),
                assessment("Lab 2 (208549)", "Lab 2", 20, false),
                assessment("Exam 1 (208550)", "Exam 1", 50, true),
                {"column": "Current Score", "use": "ignored", "reason": "a total computed by Canvas"},
            ],
            "skipped_rows": [
                {"row": 2, "reason": "posting policies"},
                {"row": 3, "reason": "points possible"},
                {"row": 6, "reason": "the test student"},
            ],
            "skipped_rows_total": 3, "warnings": [], "errors": [], "errors_total": 0,
        })
    );
    let table = text(&run(folder.path(), &["explain", "canvas.csv"]).stdout);
    assert!(table.starts_with("canvas.csv: canvas, UTF-8, cells separated by \",\""), "{table}");
    assert!(table.contains("\"Lab 2\" out of 20, hidden"), "{table}");
    assert!(table.contains("2 students with \"Lab 1\", \"Exam 1\""), "{table}");
}

#[test]
fn what_is_not_understood_is_explained_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let key = Fernet::generate_key();
    let file = format!("Name,ID Number,Lab 1\nAda,4001001,{key}\nBo,4001002,x\n");
    fs::write(folder.path().join("marks.csv"), file).unwrap();
    let explained = run(folder.path(), &["explain", "marks.csv"]);
    let shown = text(&explained.stdout);
    assert_eq!(explained.status.code(), Some(1));
    assert!(shown.contains("2 errors; nothing would be published:"), "{shown}");
    assert!(
        shown.contains("  row 3, column \"Lab 1\": \"x\" is not a mark; write a number"),
        "{shown}"
    );
    holds_no_key(std::slice::from_ref(&shown));
    assert!(!shown.contains(&key) && explained.stderr.is_empty());
    let missing = run(folder.path(), &["explain", "none.csv"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("none.csv: cannot be opened"));
    assert_eq!(run(folder.path(), &["explain"]).status.code(), Some(2), "no file and no settings");
}

#[test]
fn an_export_is_published_as_it_is() {
    let folder = folder_with("");
    let check = run(folder.path(), &["--config", "test.toml", "--check"]);
    assert!(text(&check.stdout).contains("canvas.csv: 2 students, 2 assessments"), "{check:?}");
    let preview = run(folder.path(), &["--config", "test.toml", "preview", "4001002"]);
    assert_eq!(text(&preview.stdout), "Lab 1: 7, Exam 1: 30\n");
    let checked = run(folder.path(), &["--config", "test.toml", "keys", "check"]);
    assert_eq!(text(&checked.stdout), "keys.csv: 2 students, each with a key\n");
    let slips =
        run(folder.path(), &["--config", "test.toml", "keys", "slips", "--server", "h.example"]);
    assert!(text(&slips.stdout).contains("2 slips"), "{slips:?}");
    let slips = fs::read_to_string(folder.path().join("slips.txt")).unwrap();
    assert!(slips.contains("Ada Able  (4001001)"), "{slips}");
    let server = started(folder);
    assert_eq!(read(&server, "4001001", "GG"), "Lab 1: 9.5, Exam 1: 40");
    let report: Value = serde_json::from_str(&read(&server, "4001001", "REPORT")).unwrap();
    assert_eq!(report["name"], "Ada Able");
    assert_eq!(report["assessments"][0]["out_of"], 10);
}

#[test]
fn a_hidden_assessment_does_not_exist_and_a_mark_on_hold_is_blank() {
    let server = started(folder_with("[hold]\n4001001 = [\"Exam 1\"]\n"));
    assert_eq!(read(&server, "4001001", "GG"), "Lab 1: 9.5, Exam 1: ");
    assert_eq!(read(&server, "4001001", "AVG Exam 1"), "Exam 1 average: 30");
    let hidden = read(&server, "4001001", "AVG Lab 2");
    assert_eq!(hidden, read(&server, "4001001", "AVG Lab 9"));
    assert!(hidden.starts_with("ERR assessment "), "{hidden}");
    assert!(!read(&server, "4001001", "REPORT").contains("Lab 2"));
}

#[test]
fn an_assessment_is_released_at_its_moment_by_itself() {
    let moment = SystemTime::now() + Duration::from_secs(3);
    let moment = humantime::format_rfc3339_seconds(moment);
    let course = format!("[assessment.\"Lab 2\"]\nrelease = {moment}\n");
    let mut server = started(folder_with(&course));
    assert_eq!(read(&server, "4001001", "GG"), "Lab 1: 9.5, Exam 1: 40");
    server.prints("Edition 2 of the class file is in place: 2 students.");
    assert_eq!(read(&server, "4001001", "GG"), "Lab 1: 9.5, Lab 2: 19, Exam 1: 40");
}

#[test]
fn a_course_file_and_a_class_file_are_published_both_or_neither() {
    let mut server = started(folder_with(""));
    let folder = server.folder.path().to_owned();
    write_private(&folder.join("canvas.csv"), CANVAS.replace("9.50", "8.50"));
    write_private(&folder.join("course.toml"), "[assessment.\"Lab 3\"]\nrelease = true\n");
    server.signal(Signal::HUP);
    let line = server.prints("Kept edition 1: ");
    assert!(
        line.contains("the class file has no column \"Lab 3\"; did you mean \"Lab 2\"?"),
        "{line}"
    );
    assert_eq!(read(&server, "4001001", "GG"), "Lab 1: 9.5, Exam 1: 40");
    write_private(
        &folder.join("course.toml"),
        "[assessment.\"Lab 2\"]\nrelease = 2026-01-05T10:00:00\n",
    );
    server.signal(Signal::HUP);
    let line = server.prints("Kept edition 1: ");
    assert!(line.contains(
        "course.toml: assessment.\"Lab 2\".release: must have a date, a time and a zone"
    ));
    write_private(&folder.join("course.toml"), "[assessment.\"Lab 2\"]\nrelease = true\n");
    server.signal(Signal::HUP);
    server.prints("Edition 2 of the class file is in place: 2 students.");
    assert_eq!(read(&server, "4001001", "GG"), "Lab 1: 8.5, Lab 2: 19, Exam 1: 40");
}

#[test]
fn a_course_file_is_watched_like_the_class_file() {
    let (folder, _) =
        class_folder(&SETTINGS.replace("[gradebook]\n", "[gradebook]\nwatch = true\n"));
    let given = folder_with("");
    for name in ["canvas.csv", "course.toml", "keys.csv"] {
        write_private(&folder.path().join(name), fs::read(given.path().join(name)).unwrap());
    }
    let server = started(folder);
    let course = "[assessment.\"Lab 2\"]\nrelease = true\n";
    write_private(&server.folder.path().join("course.toml"), course);
    eventually("the release", || read(&server, "4001001", "GG").contains("Lab 2: 19"));
}

#[test]
fn an_older_export_of_moodle_does_not_take_the_place_of_a_newer_one() {
    let moodle = |mark: &str, time: u64| {
        format!(
            "First name,Last name,ID number,Assignment: Lab 1 (Real),Assignment: Lab 1 (Feedback),\
             Last downloaded from this course\nAda,Able,4001001,{mark},Good,{time}\n"
        )
    };
    let (folder, _) =
        class_folder("[gradebook]\nfile = \"moodle.csv\"\nkeys_file = \"keys.csv\"\n");
    let path = folder.path().join("moodle.csv");
    write_private(&path, moodle("9", 1_764_000_000));
    run(folder.path(), &["keys", "issue", "moodle.csv"]);
    let mut server = started(folder);
    write_private(&path, moodle("3", 1_763_000_000));
    server.signal(Signal::HUP);
    let line = server.prints("Kept edition 1: ");
    assert!(
        line.contains("was exported at 2025-11-13T02:13:20Z, before the file in place"),
        "{line}"
    );
    write_private(&path, moodle("9.5", 1_765_000_000));
    server.signal(Signal::HUP);
    server.prints("Edition 2 of the class file is in place: 1 student.");
    let report: Value = serde_json::from_str(&read(&server, "4001001", "REPORT")).unwrap();
    assert_eq!(report["assessments"][0]["comment"], "Good");
    assert_eq!(report["assessments"][0]["mark"], 9.5);
}

#[test]
fn a_folder_of_one_roster_files_is_a_class() {
    let (folder, _) = class_folder("[gradebook]\nfile = \"roster\"\nkeys_file = \"keys.csv\"\n");
    let roster = folder.path().join("roster");
    fs::create_dir(&roster).unwrap();
    for (name, content) in [
        ("manifest.csv", "propertyName,value\noneroster.version,1.1\n"),
        (
            "users.csv",
            "sourcedId,role,username,givenName,familyName,identifier\nu1,student,aable,Ada,Able,4001001\n",
        ),
        ("lineItems.csv", "sourcedId,title,resultValueMax\nl1,Lab 1,10\n"),
        (
            "results.csv",
            "sourcedId,lineItemSourcedId,studentSourcedId,scoreStatus,score,comment\nr1,l1,u1,fully graded,9.5,Good\n",
        ),
    ] {
        write_private(&roster.join(name), content);
    }
    let issued = run(folder.path(), &["keys", "issue", "roster"]);
    assert_eq!(text(&issued.stdout), "keys.csv: 1 key made for 1 student\n", "{issued:?}");
    let server = started(folder);
    assert_eq!(read(&server, "4001001", "GG"), "Lab 1: 9.5");
}

#[test]
fn the_course_file_of_the_readme_is_one() {
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let lines = readme.lines().skip_while(|line| !line.starts_with("    out_of = 10"));
    let course: String =
        lines.take_while(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    assert!(course.contains("[hold]"), "{course}");
    class_files::Course::parse(&course).unwrap();
}
