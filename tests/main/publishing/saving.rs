//! A class file that is saved: published, unless it looks wrong, or never by itself.

use super::{
    course, done, fails, grades_with_midterm, json, published_by, quiz, quiz_course, read, report,
    save, served, settings, state, students, with_midterm,
};
use crate::harness::{
    ADA, BO, BO_GRADES, class_without_keys, holds_no_key, keys_of, write_private,
};

#[test]
fn a_saved_file_is_published_as_an_edition_that_counts_from_one() {
    let mut server = served(course(&settings("")));
    assert_eq!(report(&server, ADA)["edition"], 1);
    save(&mut server, &with_midterm("18"), "class file installed edition=2");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("18"));
    assert_eq!(report(&server, ADA)["edition"], 2);
    // The same content in another order and spelling is the same edition.
    let mut rows: Vec<_> = with_midterm("18.0").lines().map(str::to_owned).collect();
    rows[1..].reverse();
    save(&mut server, &format!("{}\n", rows.join("\n")), "class file unchanged edition=2");
    assert_eq!(published_by(server.folder.path()), ["save", "save"]);
}

#[test]
fn a_file_that_looks_wrong_is_held_until_it_is_accepted_or_corrected() {
    let mut server = served(course(&settings("")));
    let cleared = with_midterm("");
    let line = save(&mut server, &cleared, "class file held");
    assert!(line.contains("rules=\"marks-cleared\""), "{line}");
    assert!(line.contains("1 mark of \\\"Midterm\\\" became blank"), "{line}");
    assert!(line.contains("grade-actor-server publish --accept --config "), "{line}");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("17"), "the old edition answers");
    let folder = server.folder.path().to_owned();
    let refused = fails(&folder, &["publish"]);
    assert!(refused.contains("marks-cleared: 1 mark of \"Midterm\" became blank"), "{refused}");
    assert!(refused.contains("\nlook at it with grade-actor-server diff --config "), "{refused}");
    let accept = "\npublish it with grade-actor-server publish --accept --config ";
    assert!(refused.contains(accept), "{refused}");
    assert_eq!(published_by(&folder), ["save"]);
    // Corrected.
    save(&mut server, &with_midterm("16"), "class file installed edition=2");
    // Accepted.
    save(&mut server, &cleared, "class file held");
    assert_eq!(done(&folder, &["publish", "--accept"]), "edition 3 is published\n");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm(""));
    save(&mut server, &cleared, "class file unchanged edition=3");
    assert_eq!(published_by(&folder), ["save", "save", "command"]);
    holds_no_key(&server.stopped().1);
}

#[test]
fn each_rule_holds_what_it_is_about_and_names_itself() {
    let marks = ["2", "4", "5", "5", "6", "6", "7", "8", "9", "EX", "3", "5"];
    let mut server = served(quiz_course(&settings("shrink_percent_max = 10"), &marks));
    let folder = server.folder.path().to_owned();
    let good = quiz(&marks);
    let replaced = |from: &str, to: &str| good.replace(from, to);
    let without = |ids: &[&str]| {
        let kept = good.lines().filter(|line| ids.iter().all(|id| !line.contains(id)));
        kept.map(|line| format!("{line}\n")).collect::<String>()
    };
    for (content, rules) in [
        (without(&["2300001", "2300002"]), &["students-lost"][..]),
        (replaced("Quiz", "Test"), &["assessment-renamed"]),
        (quiz(&["1"; 12]).replace("Quiz", "Test"), &["assessment-lost"]),
        (replaced("2300003,5", "2300003,"), &["marks-cleared"]),
        (
            good.replace("Student 2300001", "S").replace("Student 2300002", "Student 2300001"),
            &["names-moved"],
        ),
        (
            quiz(&["92", "94", "95", "95", "96", "96", "97", "98", "99", "EX", "93", "95"]),
            &["marks-changed", "mean-moved"],
        ),
        (quiz(&["2", "4", "5", "5", "6", "6", "7", "9", "8", "1", "5", "3"]), &["marks-changed"]),
    ] {
        // The key file must have the students of the class file, no more.
        let keys = students(12);
        let keys: Vec<_> = keys
            .iter()
            .filter(|(id, _)| content.contains(id.as_str()))
            .map(|(id, key)| (id.as_str(), key.as_str()))
            .collect();
        write_private(&folder.join("keys.csv"), keys_of(&keys));
        let line = save(&mut server, &content, "class file held");
        assert!(line.contains(&format!("rules=\"{}\"", rules.join(","))), "{rules:?}: {line}");
        let (state, found) = state(&folder);
        assert_eq!(state, "held");
        assert_eq!(found, rules);
    }
    // What instructors do every day is not held: excusing, entering, correcting a few marks.
    let everyday = ["2", "EX", "5", "5", "6", "7", "7", "8", "9", "4", "3", "5"];
    let keys = students(12);
    let keys: Vec<_> = keys.iter().map(|(id, key)| (id.as_str(), key.as_str())).collect();
    write_private(&folder.join("keys.csv"), keys_of(&keys));
    save(&mut server, &quiz(&everyday), "class file installed edition=2");
    assert_eq!(published_by(&folder), ["save", "save"]);
}

#[test]
fn with_on_command_every_change_waits_for_the_command() {
    let folder = course(&settings("publish = \"on-command\""));
    assert_eq!(done(folder.path(), &["publish"]), "edition 1 is published\n");
    let mut server = served(folder);
    let folder = server.folder.path().to_owned();
    let line = save(&mut server, &with_midterm("18"), "class file staged");
    assert!(line.contains("command=\"grade-actor-server publish --config "), "{line}");
    let digest = json(&folder, &["diff"])["digest"].as_str().unwrap().to_owned();
    assert!(line.contains(&digest), "{line}");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("17"));
    assert_eq!(state(&folder), ("staged".to_owned(), Vec::new()));
    assert_eq!(done(&folder, &["publish"]), "edition 2 is published\n");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("18"));
    // A file that the server has not looked at yet is read first.
    server.save_class(&with_midterm("19"));
    assert_eq!(done(&folder, &["publish"]), "edition 3 is published\n");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("19"));
    assert_eq!(read(&server, BO, "GG"), BO_GRADES);
    let nothing = done(&folder, &["publish"]);
    assert_eq!(nothing, "nothing to publish: the file says what edition 3 says\n");
    assert_eq!(published_by(&folder), ["command"; 3]);
}

#[test]
fn a_watched_file_is_published_or_held_as_it_is_saved() {
    let mut server = served(course(&settings("watch = true")));
    server.save_class(&with_midterm("18"));
    server.prints("class file installed edition=2");
    server.save_class(&with_midterm(""));
    server.prints("class file held");
    server.save_class(&class_without_keys());
    server.prints("class file installed edition=3");
}
