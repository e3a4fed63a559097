//! The commands: what they print, what they change, and their exit codes; with a server and without one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{
    Said, course, done, fails, grades_with_midterm, json, published_by, read, reload, report, run,
    save, served, settings, state, with_midterm,
};
use crate::harness::{ADA, ADA_GRADES, BO, ZOE, ended, keys_of, server_command, write_private};

/// Edits the files: one mark is new, one changed, one cleared, and Zoe is gone.
fn edit(folder: &Path) {
    let text = with_midterm("18").replace("2100002,,10,7.5", "2100002,6,10,");
    let rows = text.lines().filter(|line| !line.contains(ZOE.0));
    write_private(
        &folder.join("class.csv"),
        rows.map(|row| format!("{row}\n")).collect::<String>(),
    );
    write_private(&folder.join("keys.csv"), keys_of(&[(ADA.0, ADA.1), (BO.0, BO.1)]));
}

#[test]
fn diff_counts_what_publishing_changes_and_has_the_json_of_its_contract() {
    let folder = course(&settings("publish = \"on-command\"\nshrink_percent_max = 50"));
    let path = folder.path();
    let first = json(path, &["diff"]);
    assert_eq!((&first["base"], &first["state"]), (&json!(null), &json!("staged")));
    assert_eq!(first["students"], json!({"joined": 3, "left": 0}));
    done(path, &["publish"]);
    let none = json(path, &["diff", "--marks"]);
    assert_eq!(
        (&none["base"], &none["state"], &none["digest"], &none["held"], &none["marks"]),
        (&json!(1), &json!("none"), &json!(null), &json!([]), &json!([]))
    );
    edit(path);
    let diff = json(path, &["diff", "--marks"]);
    let digest = diff["digest"].as_str().unwrap();
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let line = |assessment: &str, [new, changed, cleared]: [u32; 3]| {
        json!({"assessment": assessment, "new": new, "changed": changed, "cleared": cleared,
               "released": true, "statistics": "released", "uncertainty": null})
    };
    assert_eq!(
        diff,
        json!({
            "base": 1, "state": "held", "digest": digest,
            "held": [{"rule": "marks-cleared", "assessment": "Lab 3",
                      "text": "1 mark of \"Lab 3\" became blank"}],
            "students": {"joined": 0, "left": 1},
            "assessments": [
                line("Lab 1", [1, 0, 0]), line("Lab 2", [0, 0, 0]), line("Lab 3", [0, 0, 1]),
                line("Lab 4", [0, 0, 0]), line("Midterm", [0, 1, 0]), line("Exam 1", [0, 0, 0]),
                line("Exam 2", [0, 0, 0]),
            ],
            "marks": [
                {"id": "2100001", "assessment": "Midterm", "old": "17", "new": "18"},
                {"id": "2100002", "assessment": "Lab 1", "old": null, "new": "6"},
                {"id": "2100002", "assessment": "Lab 3", "old": "7.5", "new": null},
            ],
        })
    );
    assert!(json(path, &["diff"]).get("marks").is_none());
    let text = done(path, &["diff", "--marks"]);
    assert!(text.contains("changes of edition 1: 0 students join, 1 student leaves"), "{text}");
    assert!(text.contains("2100002, Lab 3: 7.5 -> (blank)"), "{text}");
    assert!(text.contains(&format!("publish --accept --digest {digest}")), "{text}");
}

#[test]
fn the_command_that_diff_prints_publishes_what_diff_shows() {
    let folder = course(&settings(""));
    let path = folder.path();
    done(path, &["publish"]);
    write_private(&path.join("graded again.csv"), with_midterm(""));
    let text = done(path, &["diff", "graded again.csv"]);
    let command = text.lines().find(|line| line.contains("--digest")).unwrap();
    let program = server_command();
    let programs = Path::new(program.get_program()).parent().unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).current_dir(path).env("PATH", programs);
    let output = ended(&mut shell);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        (&*printed, output.status.code()),
        ("edition 2 is published\n", Some(0)),
        "{command}"
    );
}

#[test]
fn publish_with_a_digest_publishes_exactly_what_was_shown() {
    for with_server in [false, true] {
        let folder = course(&settings("publish = \"on-command\""));
        let path = folder.path().to_owned();
        done(&path, &["publish"]);
        let (server, folder) = match with_server {
            true => (Some(served(folder)), None),
            false => (None, Some(folder)),
        };
        write_private(&path.join("class.csv"), with_midterm("18"));
        let shown = json(&path, &["diff"])["digest"].as_str().unwrap().to_owned();
        write_private(&path.join("class.csv"), with_midterm("19"));
        let refused = fails(&path, &["publish", "--digest", &shown]);
        assert!(refused.contains("the file has changed since the digest was shown"), "{refused}");
        let nonsense = fails(&path, &["publish", "--digest", "x"]);
        assert!(nonsense.contains("changed"), "{nonsense}");
        assert_eq!(published_by(&path).len(), 1);
        write_private(&path.join("class.csv"), with_midterm("18"));
        assert_eq!(done(&path, &["publish", "--digest", &shown]), "edition 2 is published\n");
        let nothing = done(&path, &["publish", "--digest", &shown]);
        assert!(nothing.starts_with("nothing to publish"), "{nothing}");
        assert_eq!(published_by(&path).len(), 2);
        drop((server, folder));
    }
}

#[test]
fn another_file_is_compared_and_published_and_the_configured_one_is_left_until_it_changes() {
    let mut server = served(course(&settings("")));
    let folder = server.folder.path().to_owned();
    write_private(&folder.join("regraded.csv"), with_midterm("15"));
    let diff = json(&folder, &["diff", "regraded.csv", "--marks"]);
    assert_eq!(diff["state"], "staged");
    assert_eq!(diff["marks"][0]["new"], "15");
    assert_eq!(done(&folder, &["publish", "regraded.csv"]), "edition 2 is published\n");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("15"));
    // A reload reads the configured file, which says something else.
    reload(&mut server, "class file held");
    assert_eq!(state(&folder), ("held".to_owned(), vec!["replaced".to_owned()]));
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("15"));
    save(&mut server, &with_midterm("16"), "class file installed edition=3");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("16"));
    // The configured file by another name is the configured file.
    fs::create_dir(folder.join("inner")).unwrap();
    assert_eq!(json(&folder, &["diff", "inner/../class.csv"])["state"], "none");
    for (file, why) in [("gone.csv", "gone.csv"), ("keys.csv", "keys.csv"), (".", "directory")] {
        let refused = fails(&folder, &["publish", file]);
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn rollback_brings_back_a_former_report_and_keeps_the_file_on_disk_held() {
    let mut server = served(course(&settings("")));
    let folder = server.folder.path().to_owned();
    let former = report(&server, ADA);
    save(&mut server, &with_midterm("3"), "class file installed edition=2");
    save(&mut server, &with_midterm("4"), "class file installed edition=3");
    let said = done(&folder, &["rollback", "1"]);
    assert!(said.starts_with("edition 4 is published, with the content of edition 1"), "{said}");
    let mut now = report(&server, ADA);
    assert_eq!(now["edition"], 4);
    now["edition"] = former["edition"].clone();
    now["published"] = former["published"].clone();
    assert_eq!(now, former);
    reload(&mut server, "class file held");
    assert_eq!(state(&folder), ("held".to_owned(), vec!["rolled-back".to_owned()]));
    // A comment in the file is not a change of its content, a new mark is.
    save(&mut server, &with_midterm("4.0"), "class file held");
    save(&mut server, &with_midterm("5"), "class file installed edition=5");
    assert_eq!(published_by(&folder), ["save", "save", "save", "rollback", "save"]);
    let editions = json(&folder, &["editions"]);
    assert_eq!(editions["editions"][3]["of"], 1);
    assert_eq!(editions["editions"][3]["parent"], 3);
    let same = done(&folder, &["rollback", "5"]);
    assert_eq!(same, "edition 5 is the current edition\n");
}

#[test]
fn editions_lists_all_that_are_kept_with_the_json_of_its_contract() {
    let folder = course(&settings("publish = \"on-command\"\nhistory_max = 2"));
    let path = folder.path();
    let none = json(path, &["editions"]);
    assert_eq!((&none["current"], &none["editions"]), (&json!(null), &json!([])));
    assert_eq!(none["staged"]["students"], 3);
    assert!(done(path, &["editions"]).starts_with("no edition has been published yet\n"));
    for mark in ["1", "2", "3"] {
        write_private(&path.join("class.csv"), with_midterm(mark));
        done(path, &["publish"]);
    }
    write_private(&path.join("class.csv"), with_midterm("4"));
    let editions = json(path, &["editions"]);
    assert_eq!(editions["current"], 3);
    let [second, third] = &editions["editions"].as_array().unwrap()[..] else {
        panic!("{editions}");
    };
    assert_eq!((&second["edition"], &third["edition"]), (&json!(2), &json!(3)));
    let mut third = third.clone();
    for (key, text) in [("time", third["time"].take()), ("who", third["who"].take())] {
        assert!(text.is_string(), "{key}: {text}");
    }
    assert_eq!(
        third,
        json!({"edition": 3, "parent": 2, "time": null, "by": "command", "who": null, "of": null,
               "students": 3, "assessments": 7, "marks": 18, "on_hold": 0})
    );
    let staged = &editions["staged"];
    assert_eq!((&staged["state"], &staged["marks"]), (&json!("staged"), &json!(18)));
    let pruned = fails(path, &["rollback", "1"]);
    assert!(pruned.contains("edition 1 is no longer kept (gradebook.history_max)"), "{pruned}");
    let unknown = fails(path, &["rollback", "4"]);
    assert!(unknown.contains("there is no edition 4"), "{unknown}");
    assert_eq!(run(path, &["rollback", "four"]).code, 2);
    assert_eq!(run(path, &["rollback"]).code, 2);
}

#[test]
fn preview_is_what_a_student_reads_and_with_staged_what_they_will_read() {
    let mut server = served(course(&settings("publish = \"on-save\"")));
    let folder = server.folder.path().to_owned();
    let previewed = |arguments: &[&str]| done(&folder, &[&["preview"], arguments].concat());
    assert_eq!(previewed(&[ADA.0]).trim_end(), ADA_GRADES);
    save(&mut server, &with_midterm(""), "class file held");
    assert_eq!(previewed(&[ADA.0]).trim_end(), ADA_GRADES);
    assert_eq!(previewed(&[ADA.0, "--staged"]).trim_end(), grades_with_midterm(""));
    assert_eq!(previewed(&["--staged", BO.0, "GMA"]).trim_end(), "Midterm average: 11.5");
    assert_eq!(previewed(&[BO.0, "GMA"]).trim_end(), read(&server, BO, "GMA"));
    let unknown = fails(&folder, &["preview", "2100009"]);
    assert!(unknown.contains("no student has this ID"), "{unknown}");
    // A student who joins is known to a preview of what is staged, and to nobody else.
    let joined = format!("{}Cy Invented,2100003,1,2,3,4,5,6,7\n", with_midterm(""));
    server.save_class(&joined);
    done(&folder, &["keys", "issue", "class.csv"]);
    assert!(previewed(&["--staged", "2100003"]).starts_with("Lab 1: 1, "));
    fails(&folder, &["preview", "2100003"]);
}

#[test]
fn commands_say_the_same_with_a_server_and_without_one() {
    let folder = course(&settings("publish = \"on-command\"\nshrink_percent_max = 50"));
    let path = folder.path().to_owned();
    done(&path, &["publish"]);
    edit(&path);
    let all = || {
        [
            done(&path, &["diff", "--marks"]),
            json(&path, &["diff"]).to_string(),
            json(&path, &["editions"]).to_string(),
            done(&path, &["editions"]),
            done(&path, &["preview", BO.0]),
            done(&path, &["preview", BO.0, "--staged"]),
            run(&path, &["publish"]).err,
            run(&path, &["rollback", "9"]).err,
        ]
    };
    let alone = all();
    let server = served(folder);
    assert_eq!(all(), alone);
    drop(server);
}

#[test]
fn commands_about_editions_need_a_history_and_a_readable_file() {
    let folder = course(&settings("").replace("history = \"history\"\n", ""));
    for arguments in [&["diff"][..], &["publish"], &["editions"], &["rollback", "1"]] {
        let Said { code, out, err } = run(folder.path(), arguments);
        assert_eq!((code, &*out), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains("gradebook.history"), "{err}");
    }
    let folder = course(&settings(""));
    write_private(&folder.path().join("class.csv"), with_midterm("nan"));
    for arguments in [&["diff"][..], &["publish"], &["preview", "--staged", ADA.0]] {
        let refused = fails(folder.path(), arguments);
        assert!(refused.contains("row 2, column \"Midterm\": \"nan\" is not a mark"), "{refused}");
    }
}

#[test]
fn an_answer_at_a_terminal_decides_whether_what_looks_wrong_is_published() {
    let folder = course(&settings(""));
    let path = folder.path().to_owned();
    done(&path, &["publish"]);
    write_private(&path.join("class.csv"), with_midterm(""));
    for (answer, is_published) in [("n", false), ("", false), ("y", true)] {
        let program = server_command().get_program().to_str().unwrap().to_owned();
        let command = format!("{program} --config test.toml publish");
        let mut terminal = Command::new("script");
        terminal.current_dir(&path).args(["--quiet", "--return", "--command", &command]);
        terminal.arg("/dev/null").stdin(Stdio::piped());
        terminal.stdout(Stdio::piped());
        let mut child = terminal.spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{answer}\n").as_bytes()).unwrap();
        let mut shown = String::new();
        child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        let code = child.wait().unwrap().code();
        assert!(shown.contains("publish it? [y/N]"), "{shown}");
        assert!(shown.contains("1 mark of \"Midterm\" became blank"), "{shown}");
        assert_eq!(shown.contains("edition 2 is published"), is_published, "{shown}");
        assert_eq!(code == Some(0), is_published, "{code:?}: {shown}");
    }
}
