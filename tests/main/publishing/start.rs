//! The start: the class file counts as just saved, and the last edition is served whatever the file is.

use std::fs;

use rustix::process::Signal;

use super::{
    course, done, fails, grades_with_midterm, published_by, read, report, run, save, served,
    settings, state, with_midterm, write_course,
};
use crate::harness::{ADA, ADA_GRADES, class_without_keys, ended, server_command, write_private};
use crate::stop::stuck;

#[test]
fn a_file_that_changed_while_the_server_was_down_is_published_held_or_staged_at_the_start() {
    let server = served(course(&settings("")));
    let folder = server.end_with(Signal::TERM);
    write_private(&folder.path().join("class.csv"), with_midterm("18"));
    let server = served(folder);
    assert_eq!(report(&server, ADA)["edition"], 2);
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("18"));
    let folder = server.end_with(Signal::TERM);
    write_private(&folder.path().join("class.csv"), with_midterm(""));
    let server = served(folder);
    assert_eq!(report(&server, ADA)["edition"], 2);
    assert_eq!(state(server.folder.path()).0, "held");
    let folder = server.end_with(Signal::TERM);
    let path = folder.path().join("test.toml");
    let on_command = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        on_command.replace("[gradebook]\n", "[gradebook]\npublish = \"on-command\"\n"),
    )
    .unwrap();
    write_private(&folder.path().join("class.csv"), with_midterm("19"));
    let server = served(folder);
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("18"));
    assert_eq!(state(server.folder.path()).0, "staged");
    assert_eq!(published_by(server.folder.path()), ["save", "save"]);
}

#[test]
fn the_same_file_is_the_same_edition_after_a_restart() {
    let mut server = served(course(&settings("")));
    save(&mut server, &with_midterm("18"), "class file installed edition=2");
    let before = report(&server, ADA);
    for signal in [Signal::TERM, Signal::KILL] {
        server = served(server.end_with(signal));
        assert_eq!(report(&server, ADA), before);
    }
    assert_eq!(published_by(server.folder.path()), ["save", "save"]);
}

#[test]
fn a_file_that_was_rolled_back_or_replaced_is_left_alone_over_a_restart() {
    let mut server = served(course(&settings("")));
    let path = server.folder.path().to_owned();
    save(&mut server, &with_midterm("18"), "class file installed edition=2");
    done(&path, &["rollback", "1"]);
    server = served(server.end_with(Signal::KILL));
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    assert_eq!(state(&path), ("held".to_owned(), vec!["rolled-back".to_owned()]));
    write_private(&path.join("other.csv"), with_midterm("12"));
    done(&path, &["publish", "other.csv"]);
    server = served(server.end_with(Signal::TERM));
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("12"));
    assert_eq!(state(&path), ("held".to_owned(), vec!["replaced".to_owned()]));
    // Once it has changed, it may come back.
    save(&mut server, &with_midterm("13"), "class file installed edition=5");
    save(&mut server, &with_midterm("18"), "class file installed edition=6");
}

#[test]
fn with_a_broken_or_absent_class_file_the_last_edition_is_served_and_the_start_says_so() {
    for (content, why) in [(Some(with_midterm("nan")), "is not a mark"), (None, "No such file")] {
        let server = served(course(&settings("")));
        let folder = server.end_with(Signal::TERM);
        let file = folder.path().join("class.csv");
        match content {
            Some(content) => write_private(&file, content),
            None => fs::remove_file(&file).unwrap(),
        }
        let mut server = served(folder);
        assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
        // A file that comes back is read as usual.
        save(&mut server, &with_midterm("18"), "class file installed edition=2");
        let (_, lines) = server.stopped();
        let line = lines.iter().find(|line| line.contains("serving edition 1")).unwrap();
        assert!(line.contains(why), "{line}");
    }
}

#[test]
fn with_on_command_and_no_edition_the_start_fails_and_names_the_command() {
    let folder = course(&settings("publish = \"on-command\""));
    let failed = fails(folder.path(), &[]);
    assert!(failed.contains("no edition has been published yet"), "{failed}");
    assert!(failed.contains("with grade-actor-server diff --config test.toml"), "{failed}");
    assert!(failed.contains("with grade-actor-server publish --config test.toml"), "{failed}");
    assert_eq!(fails(folder.path(), &["--check"]), failed);
    done(folder.path(), &["publish"]);
    drop(served(folder));
}

#[test]
fn a_check_says_what_a_start_would_hold_and_changes_nothing() {
    let folder = course(&settings(""));
    let path = folder.path();
    let checked = done(path, &["--check"]);
    assert!(checked.contains("class.csv: 3 students, 7 assessments; settings are valid"));
    assert!(!path.join("history").exists());
    done(path, &["publish"]);
    write_private(&path.join("class.csv"), with_midterm(""));
    let checked = run(path, &["--check"]);
    assert_eq!(checked.code, 0);
    let held = "would be held (marks-cleared), and edition 1 served; \
                grade-actor-server diff --config test.toml shows why";
    assert!(checked.err.contains(held), "{}", checked.err);
    let listed = done(path, &["editions"]);
    let held = "the class file is held (marks-cleared); \
                grade-actor-server diff --config test.toml shows its changes";
    assert!(listed.contains(held), "{listed}");
    write_private(&path.join("class.csv"), "");
    let checked = run(path, &["--check"]);
    assert_eq!(checked.code, 1);
    let served = "edition 1: 3 students, 7 assessments; settings are valid, but the class file is not, and this \
                  edition would be served: ";
    assert!(checked.err.contains(served), "{}", checked.err);
    assert!(checked.err.contains("class.csv: is empty"), "{}", checked.err);
    assert_eq!(published_by(path), ["command"]);
}

#[test]
fn a_check_beside_the_running_server_checks_the_class_too() {
    let server = served(course(&settings("")));
    let path = server.folder.path();
    let in_use = "class.csv: 3 students, 7 assessments; settings are valid, but the server cannot start now: ";
    let failed = fails(path, &["--check"]);
    assert!(failed.contains(in_use), "{failed}");
    assert!(
        failed.ends_with("another process uses this history; give each server its own folder\n"),
        "{failed}"
    );
    write_private(&path.join("class.csv"), "");
    let failed = fails(path, &["--check"]);
    assert!(failed.contains("but the class file is not"), "{failed}");
    write_private(&path.join("class.csv"), class_without_keys());
    write_course(&server, "[hold]\n2100001 = [\"No such test\"]\n");
    let failed = fails(path, &["--check"]);
    assert!(failed.contains("No such test"), "{failed}");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
}

#[test]
fn a_server_that_stops_has_its_history_until_it_has_answered_all() {
    let mut server = served(course(
        &settings("").replace("[gradebook]", "[timeouts]\ndrain = \"1h\"\n[gradebook]"),
    ));
    let stuck = stuck(&server, b"2100001 GG\n");
    server.signal(Signal::TERM);
    server.prints("stopping");
    let failed = fails(server.folder.path(), &["--check"]);
    assert!(failed.contains("another process uses this history"), "{failed}");
    drop(stuck);
    let (code, _) = server.ended();
    assert_eq!(code, Some(0));
}

#[test]
fn two_servers_never_share_a_history() {
    let server = served(course(&settings("")));
    let mut second = server_command();
    second.arg("--config").arg(server.folder.path().join("test.toml"));
    let output = ended(&mut second);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("history: another process uses this history"), "{text}");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    // The lock ends with the process, and the socket that it leaves behind is replaced.
    let server = served(server.end_with(Signal::KILL));
    assert_eq!(published_by(server.folder.path()), ["save"]);
}

#[test]
fn a_history_of_another_use_is_not_taken() {
    let folder = course(&settings("").replace("history = \"history\"", "history = \"other\""));
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.txt"), "x").unwrap();
    let failed = fails(folder.path(), &[]);
    assert!(failed.contains("other: contains other files; name a new or an empty folder"));
}
