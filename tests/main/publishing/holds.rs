//! Marks on hold and moments of release: what shows less takes effect at once, what shows more is a change, and a
//! moment that was published fires by itself.

use std::time::{Duration, SystemTime};

use rustix::process::Signal;

use super::{
    course, done, grades_with_midterm, json, published_by, read, reload, save, served, settings,
    state, with_midterm, write_course,
};
use crate::harness::{ADA, ADA_GRADES, Server, ZOE, class_without_keys, eventually, write_private};

const HOLD: &str = "[hold]\n2100001 = [\"Midterm\"]\n";

/// A release of the midterm at a moment, as the course file has it.
fn release_at(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    format!("[assessment.Midterm]\nrelease = {}\n", fernet_batch::Timestamp(seconds))
}

fn soon() -> String {
    release_at(SystemTime::now() + Duration::from_secs(3))
}

fn later() -> String {
    release_at(SystemTime::now() + Duration::from_secs(3600))
}

/// Ada's grades without the midterm.
fn without_midterm() -> String {
    ADA_GRADES.replace("Midterm: 17, ", "")
}

#[test]
fn a_hold_takes_effect_at_once_while_the_file_is_held_and_carries_no_change_along() {
    let mut server = served(course(&settings("")));
    let folder = server.folder.path().to_owned();
    // Zoe's midterm is cleared by mistake, and Ada's is to be on hold.
    let wrong = class_without_keys().replace("8,10,11,6,7", "8,10,,6,7");
    save(&mut server, &wrong, "class file held");
    write_course(&server, HOLD);
    reload(&mut server, "class file held edition=2");
    server.prints("class file installed edition=2");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm(""));
    assert!(read(&server, ZOE, "GG").contains("Midterm: 11"), "the mistake waits");
    // The mark is in no statistic any longer.
    assert_eq!(read(&server, ADA, "GMA"), "Midterm average: 11.5");
    assert_eq!(published_by(&folder), ["save", "hold"]);
    assert_eq!(json(&folder, &["editions"])["editions"][1]["on_hold"], 1);
    // What shows more is a change like any other: it waits with the mistake.
    write_course(&server, "");
    reload(&mut server, "class file held");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm(""));
    let correct = class_without_keys();
    save(&mut server, &correct, "class file installed edition=3");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    assert_eq!(published_by(&folder), ["save", "hold", "save"]);
}

#[test]
fn a_hold_that_a_full_disk_kept_from_being_stored_takes_effect_when_there_is_room() {
    let mut server = served(course(&settings("")));
    server.limit_files(Some(0));
    write_course(&server, HOLD);
    reload(&mut server, "the server tries again until it succeeds");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    server.limit_files(None);
    // Nobody asks for it.
    server.prints("class file installed edition=2");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm(""));
    assert_eq!(published_by(server.folder.path()), ["save", "hold"]);
}

#[test]
fn with_on_command_a_hold_and_a_withdrawal_are_published_and_nothing_else() {
    let folder = course(&settings("publish = \"on-command\""));
    done(folder.path(), &["publish"]);
    let mut server = served(folder);
    let folder = server.folder.path().to_owned();
    save(&mut server, &with_midterm("18"), "class file staged");
    write_course(&server, HOLD);
    reload(&mut server, "class file installed edition=2");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm(""));
    write_course(&server, &format!("[assessment.\"Exam 2\"]\nrelease = false\n{HOLD}"));
    reload(&mut server, "class file installed edition=3");
    let shown = grades_with_midterm("").replace(", Exam 2: 5", "");
    assert_eq!(read(&server, ADA, "GG"), shown);
    assert_eq!(published_by(&folder), ["command", "hold", "hold"]);
    // Lifting both is a change that waits for the command.
    write_course(&server, "");
    reload(&mut server, "class file staged");
    assert_eq!(read(&server, ADA, "GG"), shown);
    done(&folder, &["publish"]);
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("18"));
}

#[test]
fn a_published_moment_fires_by_itself_and_carries_no_staged_change_along() {
    let folder = course(&settings("publish = \"on-command\""));
    write_private(&folder.path().join("course.toml"), soon());
    done(folder.path(), &["publish"]);
    let mut server = served(folder);
    let folder = server.folder.path().to_owned();
    assert_eq!(read(&server, ADA, "GG"), without_midterm());
    save(&mut server, &with_midterm("18"), "class file staged");
    server.prints("class file installed edition=2");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES, "the mark that was published");
    assert_eq!(state(&folder).0, "staged");
    assert_eq!(published_by(&folder), ["command", "release"]);
}

#[test]
fn a_moment_missed_while_the_server_was_down_makes_one_edition_at_the_start() {
    let folder = course(&settings("publish = \"on-command\""));
    let moment = soon();
    write_private(&folder.path().join("course.toml"), &moment);
    done(folder.path(), &["publish"]);
    let path = folder.path().to_owned();
    assert_eq!(published_by(&path), ["command"]);
    until_passed(&moment);
    let server = served(folder);
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    assert_eq!(published_by(&path), ["command", "release"]);
    let folder = server.end_with(Signal::TERM);
    let server = served(folder);
    assert_eq!(published_by(&path), ["command", "release"]);
    drop(server);
}

#[test]
fn a_release_that_is_postponed_or_withdrawn_hides_the_assessment_at_once() {
    let mut server = served(course(&settings("")));
    let postpones = |server: &mut Server, text: &str, edition: u64| {
        write_course(server, text);
        reload(server, &format!("class file installed edition={edition}"));
        assert_eq!(read(server, ADA, "GG"), without_midterm());
    };
    postpones(&mut server, &later(), 2);
    postpones(&mut server, "[assessment.Midterm]\nrelease = false\n", 3);
    write_course(&server, "");
    reload(&mut server, "class file installed edition=4");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    assert_eq!(published_by(server.folder.path()), ["save", "hold", "hold", "save"]);
}

#[test]
fn a_rollback_lifts_no_hold_and_a_moment_that_has_passed_does_not_fire_again() {
    let folder = course(&settings("publish = \"on-command\""));
    let moment = soon();
    write_private(&folder.path().join("course.toml"), &moment);
    done(folder.path(), &["publish"]);
    let mut server = served(folder);
    let folder = server.folder.path().to_owned();
    server.prints("class file installed edition=2");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    done(&folder, &["rollback", "1"]);
    assert_eq!(read(&server, ADA, "GG"), without_midterm());
    reload(&mut server, "class file held");
    // A restart does not make up for it either.
    let server = served(server.end_with(Signal::TERM));
    assert_eq!(read(&server, ADA, "GG"), without_midterm());
    assert_eq!(published_by(&folder), ["command", "release", "rollback"]);
    done(&folder, &["rollback", "2"]);
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    let mut server = server;
    write_course(&server, &format!("{moment}[hold]\n2100001 = [\"Lab 1\"]\n"));
    reload(&mut server, "class file installed edition=5");
    done(&folder, &["rollback", "2"]);
    let held = ADA_GRADES.replace("Lab 1: 3", "Lab 1: ");
    assert_eq!(read(&server, ADA, "GG"), held, "the mark stays on hold");
}

#[test]
fn a_hold_and_a_withdrawal_take_effect_while_the_class_file_lacks_what_they_are_about() {
    let mut server = served(course(&settings("shrink_percent_max = 0")));
    let without = |text: &str, part: &str| -> String {
        let rows = text.lines().filter(|row| !row.contains(part));
        rows.map(|row| format!("{row}\n")).collect()
    };
    let whole = class_without_keys();
    // The file has lost a column, and the students' marks in it are to be hidden.
    let no_exam: String =
        whole.lines().map(|row| format!("{}\n", row.rsplit_once(',').unwrap().0)).collect();
    save(&mut server, &no_exam, "class file held");
    write_course(&server, "[assessment.\"Exam 2\"]\nrelease = false\n");
    reload(&mut server, "edition published edition=2 by=\"hold\"");
    server.prints("class file installed edition=2");
    let hidden = ADA_GRADES.replace(", Exam 2: 5", "");
    assert_eq!(read(&server, ADA, "GG"), hidden);
    // The file has lost a student whose marks are to be on hold, all of them.
    server.save_class(&without(&whole, ZOE.0));
    write_course(&server, &format!("[hold]\n{:?} = \"all\"\n", ZOE.0));
    reload(&mut server, "edition published edition=3 by=\"hold\"");
    server.prints("class file installed edition=3");
    assert_eq!(read(&server, ZOE, "GG").matches(": ,").count(), 5);
    // The class file is not even a table.
    server.save_class("nonsense");
    write_course(&server, "[hold]\n2100001 = [\"Lab 1\"]\n");
    reload(&mut server, "edition published edition=4 by=\"hold\"");
    server.prints("class file not installed");
    server.prints("class file installed edition=4");
    assert_eq!(read(&server, ADA, "GG"), hidden.replace("Lab 1: 3", "Lab 1: "));
}

#[test]
fn a_rollback_shows_nothing_that_the_course_file_hides_whatever_the_class_file_is() {
    let mut server = served(course(&settings("")));
    let folder = server.folder.path().to_owned();
    write_course(&server, "[assessment.\"Exam 2\"]\nrelease = false\n");
    reload(&mut server, "class file installed edition=2");
    server.save_class("nonsense");
    done(&folder, &["rollback", "1"]);
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES.replace(", Exam 2: 5", ""));
}

#[test]
fn a_rollback_beside_a_broken_course_file_shows_nothing_that_is_hidden_now() {
    let mut server = served(course(&settings("")));
    let folder = server.folder.path().to_owned();
    write_course(&server, "[assessment.\"Exam 2\"]\nrelease = false\n");
    reload(&mut server, "class file installed edition=2");
    write_course(&server, "not [ valid");
    done(&folder, &["rollback", "1"]);
    let hidden = ADA_GRADES.replace(", Exam 2: 5", "");
    assert_eq!(read(&server, ADA, "GG"), hidden);
    std::fs::remove_file(folder.join("course.toml")).unwrap();
    done(&folder, &["rollback", "1"]);
    assert_eq!(read(&server, ADA, "GG"), hidden);
}

#[test]
fn a_rollback_leaves_marks_on_hold_out_of_exact_statistics() {
    let mut server = served(course(&settings("")));
    write_course(&server, HOLD);
    reload(&mut server, "class file installed edition=2");
    done(server.folder.path(), &["rollback", "1"]);
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm(""));
    assert_eq!(read(&server, ADA, "GMA"), "Midterm average: 11.5");
}

#[test]
fn a_file_that_could_not_be_read_at_a_rollback_is_left_alone_when_it_comes_back() {
    let mut server = served(course(&settings("")));
    let folder = server.folder.path().to_owned();
    for (n, broken) in [(2, "class.csv"), (4, "course.toml")] {
        let mark = format!("{}", 16 + n);
        save(&mut server, &with_midterm(&mark), &format!("class file installed edition={n}"));
        let path = folder.join(broken);
        let before = std::fs::read(&path).unwrap();
        write_private(&path, "not [ valid");
        done(&folder, &["rollback", "1"]);
        server.prints("class file installed");
        write_private(&path, before);
        reload(&mut server, "class file held");
        assert_eq!(state(&folder), ("held".to_owned(), vec!["rolled-back".to_owned()]), "{broken}");
        assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    }
}

#[test]
fn a_missed_moment_and_a_new_hold_make_an_edition_each_at_the_start() {
    let folder = course(&settings(""));
    let moment = soon();
    write_private(&folder.path().join("course.toml"), &moment);
    let server = served(folder);
    assert_eq!(read(&server, ADA, "GG"), without_midterm());
    let folder = server.end_with(Signal::TERM);
    until_passed(&moment);
    write_private(
        &folder.path().join("course.toml"),
        format!("{moment}[hold]\n2100001 = [\"Lab 1\"]\n"),
    );
    let server = served(folder);
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES.replace("Lab 1: 3", "Lab 1: "));
    assert_eq!(published_by(server.folder.path()), ["save", "hold", "release"]);
}

/// Waits until a moment of a course file has passed.
fn until_passed(course: &str) {
    let moment = course.trim_end().rsplit(' ').next().unwrap().to_owned();
    eventually("the moment has passed", || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        fernet_batch::Timestamp(now).to_string() > moment
    });
}
