//! Slips as a sheet, as a table, and as a file for each student, with the page on them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{folder_with_keys, keys_task};
use crate::harness::{ADA, BO, ZOE, ended, server_command};

const PAGE: &str = "[server]\nprofile = \"sealed\"\n[sealed]\naudience = \"nets-2026\"\n\
                    [http]\npublic_url = \"https://grades.example.org\"\n";

fn page_hash(folder: &Path) -> String {
    let mut command = server_command();
    command.args(["--config", "test.toml", "page", "--hash"]).current_dir(folder);
    String::from_utf8(ended(&mut command).stdout).unwrap().trim().to_owned()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_sheet_has_a_code_for_each_student_and_is_for_its_owner_alone() {
    let folder = folder_with_keys(PAGE);
    let path = folder.path();
    let (code, text) = keys_task(path, &["slips", "--html"]);
    assert_eq!(
        (code, &*text),
        (Some(0), "slips.html: 3 slips; print the file, cut it, and delete it\n")
    );
    assert_eq!(mode(&path.join("slips.html")), 0o600);
    let sheet = fs::read_to_string(path.join("slips.html")).unwrap();
    assert_eq!(sheet.matches("<section>").count(), 3);
    assert_eq!(sheet.matches("<svg ").count(), 3);
    assert_eq!(sheet.matches(&page_hash(path)).count(), 3);
    for student in [ADA, BO, ZOE] {
        assert!(sheet.contains(student.0) && sheet.contains(student.1));
    }
    assert!(!sheet.contains("grade-client"), "nobody reaches 127.0.0.1");
    let (code, text) = keys_task(path, &["slips", "--html"]);
    assert!(code == Some(1) && text.contains("slips.html: exists already"), "{text}");
    let sheet = |arguments: &[&str]| {
        let arguments = [&["slips", "--html", "--output", "s.html"][..], arguments].concat();
        assert_eq!(keys_task(path, &arguments).0, Some(0));
        fs::read_to_string(path.join("s.html")).unwrap()
    };
    assert!(
        sheet(&["--server", "h.example", BO.0]).contains("grade-client --server h.example:50000 ")
    );
}

#[test]
fn a_slip_names_the_page_and_its_hash() {
    let folder = folder_with_keys(PAGE);
    let path = folder.path();
    assert_eq!(keys_task(path, &["slips"]).0, Some(0));
    let text = fs::read_to_string(path.join("slips.txt")).unwrap();
    assert_eq!(text.matches("https://grades.example.org\n").count(), 3);
    assert_eq!(text.matches(&page_hash(path)).count(), 3);
}

#[test]
fn a_table_for_mail_merge_has_a_row_for_each_student() {
    let folder = folder_with_keys(PAGE);
    let path = folder.path();
    assert_eq!(keys_task(path, &["slips", "--csv", "--server", "h.example"]).0, Some(0));
    assert_eq!(mode(&path.join("slips.csv")), 0o600);
    let table = fs::read_to_string(path.join("slips.csv")).unwrap();
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows[0], "Name,ID Number,Key,Fingerprint,Link,Page SHA-256,Server,Course");
    assert_eq!(rows.len(), 4);
    let link = format!("https://grades.example.org/#{}.{}", ADA.0, ADA.1);
    assert!(rows[1].starts_with(&format!("Ada Invented,{},{},", ADA.0, ADA.1)), "{}", rows[1]);
    assert!(rows[1].contains(&link) && rows[1].ends_with(",h.example:50000,nets-2026"));
}

#[test]
fn each_student_may_get_a_file_of_their_own() {
    let folder = folder_with_keys(PAGE);
    let path = folder.path();
    let (code, text) = keys_task(path, &["slips", "--per-student", "slips"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("slips: 3 files, one for each student"), "{text}");
    assert_eq!(mode(&path.join("slips")), 0o700);
    for student in [ADA, BO, ZOE] {
        let slip = path.join("slips").join(format!("{}.txt", student.0));
        assert_eq!(mode(&slip), 0o600);
        let text = fs::read_to_string(slip).unwrap();
        let keys = [ADA, BO, ZOE].iter().filter(|other| text.contains(other.1)).count();
        assert!(keys == 1 && text.contains(student.1), "{}", student.0);
    }
    let (code, text) = keys_task(path, &["slips", "--per-student", "slips", "--html"]);
    assert_eq!(code, Some(0), "{text}");
    fs::remove_file(path.join("slips/2100001.txt")).unwrap();
    let (code, text) = keys_task(path, &["slips", "--per-student", "slips"]);
    assert!(code == Some(1) && text.contains("2100002.txt: exists already"), "{text}");
    assert!(!path.join("slips/2100001.txt").exists(), "all files are written, or none");
}

#[test]
fn a_sheet_needs_an_address_that_students_can_open() {
    let folder = folder_with_keys(&PAGE.replace("https://grades.example.org", ""));
    let (code, text) = keys_task(folder.path(), &["slips", "--html"]);
    assert!(code == Some(2) && text.contains("http.public_url = \"\": must name where"), "{text}");
    for address in ["https://127.0.0.1:8443", "https://[::]", "https://localhost"] {
        let folder = folder_with_keys(&PAGE.replace("https://grades.example.org", address));
        let (code, text) = keys_task(folder.path(), &["slips", "--html"]);
        assert!(
            code == Some(1) && text.contains("not an address that students can open"),
            "{text}"
        );
        assert!(!folder.path().join("slips.html").exists());
    }
}
