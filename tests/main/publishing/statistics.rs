//! Private statistics, from the class file to the answer.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    FIRST, done, fails, json, published_by, quiz, quiz_course, read, report, run, save, served,
    settings, state,
};
use crate::harness::{Server, class_folder, write_private};
use tempfile::TempDir;

const PRIVATE: &str = "statistics = \"private\"\npopulation_min = 5";
const MARKS: [&str; 20] = [
    "4", "9", "1", "7", "3", "8", "2", "6", "5", "10", "4", "9", "1", "7", "3", "8", "2", "6", "5",
    "10",
];

/// A folder with a class of these marks out of 10.
fn private_course(gradebook: &str, marks: &[&str]) -> TempDir {
    let folder = quiz_course(&settings(&format!("{PRIVATE}\n{gradebook}")), marks);
    write_private(&folder.path().join("course.toml"), "out_of = 10\n");
    folder
}

/// What the first student's report says of the class.
fn class(server: &Server) -> Value {
    report(server, FIRST)["assessments"][0]["class"].clone()
}

#[test]
fn nothing_is_drawn_into_an_empty_history_until_publish_confirms_that_nothing_was_shown() {
    let folder = private_course("", &MARKS);
    let path = folder.path().to_owned();
    let mut server = served(folder);
    assert_eq!(class(&server), json!({"withheld": "not drawn yet"}));
    let mut marks = MARKS;
    marks[0] = "5";
    save(&mut server, &quiz(&marks), "class file installed edition=2");
    assert_eq!(class(&server), json!({"withheld": "not drawn yet"}), "a save draws nothing either");
    let folder = server.end_with(Signal::KILL);
    let checked = run(&path, &["--check"]).err;
    let warning = "no figures are drawn into a new history until \
                   grade-actor-server publish --config test.toml confirms";
    assert!(checked.contains(warning), "{checked}");
    let mut server = served(folder);
    let diff = json(&path, &["diff"]);
    assert_eq!(diff["state"], "staged");
    assert_eq!(diff["assessments"][0]["statistics"], "released");
    assert_eq!(diff["assessments"][0]["uncertainty"], 0.39);
    let text = done(&path, &["diff"]);
    assert!(text.contains("released, give or take 0.39"), "{text}");
    let staged = done(&path, &["preview", "--staged", FIRST.0, "AVG", "Quiz"]);
    assert_eq!(staged, "Quiz average: withheld (drawn at publication, give or take 0.39)\n");
    let refused = fails(&path, &["publish"]);
    assert!(refused.contains("Were figures of this class ever shown"), "{refused}");
    assert!(refused.contains("8 instead of 4"), "{refused}");
    assert_eq!(done(&path, &["publish", "--accept"]), "edition 3 is published\n");
    let figures = class(&server);
    assert_eq!((&figures["policy"], &figures["count"]), (&json!("private"), &json!(20)));
    assert_eq!(figures["uncertainty"], 0.39);
    assert_eq!(figures["as_of"], report(&server, FIRST)["published"]);
    let mut fields: Vec<_> = figures.as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["as_of", "count", "mean", "policy", "uncertainty"]);
    let text = format!("about {} of 10 (give or take 0.39)", figures["mean"]);
    assert_eq!(read(&server, FIRST, "AVG Quiz"), format!("Quiz average: {text}"));
    assert_eq!(
        read(&server, FIRST, "STATS Quiz"),
        format!("Quiz statistics: 20 marks, mean {text}")
    );
    // Drawn once, over a save, a publication, a kill and a start.
    let nothing = done(&path, &["publish"]);
    assert!(nothing.starts_with("nothing to publish"), "{nothing}");
    marks[1] = "1";
    save(&mut server, &quiz(&marks), "class file installed edition=4");
    assert_eq!(class(&server), figures);
    let server = served(server.end_with(Signal::KILL));
    assert_eq!(class(&server), figures);
    let lines = server.stopped().1;
    assert!(!lines.iter().any(|line| line.contains("no figures are drawn")));
}

#[test]
fn without_a_history_every_figure_is_withheld_with_that_reason_and_the_start_says_so() {
    let settings = "[gradebook]\nstatistics = \"private\"\n[console]\nstyle = \"log\"\n";
    let (folder, path) = class_folder(settings);
    let server =
        Server::start_with(folder, crate::harness::server_command().arg("--config").arg(path));
    let average = crate::harness::ADA.opens(&server.answers(b"2100001 GMA\n")[0]);
    assert_eq!(average, "Midterm average: withheld (the server keeps no history)");
    let (_, lines) = server.stopped();
    let warning = "\"private\" needs gradebook.history";
    assert!(lines.iter().any(|line| line.replace('\\', "").contains(warning)), "{lines:?}");
}

#[test]
fn explain_tells_what_will_be_released_and_how_uncertain_it_is() {
    let folder = private_course("", &MARKS);
    let text = done(folder.path(), &["explain"]);
    assert!(text.ends_with("\nstatistics of \"Quiz\": released, give or take 0.39\n"), "{text}");
    let explained = json(folder.path(), &["explain"]);
    assert_eq!(
        explained["statistics"],
        json!([{"assessment": "Quiz", "statistics": "released", "uncertainty": 0.39}])
    );
}

#[test]
fn exams_with_the_same_full_result_have_an_average_together() {
    let folder = private_course("", &MARKS);
    let rows = quiz(&MARKS).replace(",Quiz", ",Exam 1,Exam 2");
    let with_two = |line: &str| match line.rsplit_once(',') {
        Some((start, mark)) if mark.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{start},{mark},{mark}\n")
        }
        _ => format!("{line}\n"),
    };
    let rows: String = rows.lines().map(with_two).collect();
    write_private(&folder.path().join("class.csv"), rows);
    done(folder.path(), &["publish", "--accept"]);
    let server = served(folder);
    let text = read(&server, FIRST, "GEA");
    // Two noises of the scale 2.5 in 40 marks: 2.996 * sqrt(2 * 2.5^2) / 40 + 0.01, rounded up.
    assert!(text.starts_with("Exam average: about "), "{text}");
    assert!(text.contains(" of 10 (give or take 0.28) (Exam 1: about "), "{text}");
    // With other full results there is no common scale.
    let folder = server.end_with(Signal::TERM);
    write_private(
        &folder.path().join("course.toml"),
        "out_of = 10\n[assessment.\"Exam 2\"]\nout_of = 20\n",
    );
    done(folder.path(), &["publish", "--accept"]);
    done(folder.path(), &["publish", "--redraw", "Exam 2", "--accept"]);
    let text = done(folder.path(), &["preview", FIRST.0, "GEA"]);
    assert!(text.starts_with("Exam average: withheld (the exams differ"), "{text}");
}

#[test]
fn an_assessment_without_a_full_result_is_withheld_and_says_why() {
    let folder = private_course("", &MARKS);
    write_private(&folder.path().join("course.toml"), "");
    done(folder.path(), &["publish", "--accept"]);
    let server = served(folder);
    assert_eq!(class(&server), json!({"withheld": "the full result is not known"}));
}

#[test]
fn a_class_of_sixty_is_shown_a_histogram_and_what_follows_from_it() {
    let marks: Vec<_> = MARKS.iter().cycle().take(60).copied().collect();
    let folder = private_course("", &marks);
    done(folder.path(), &["publish", "--accept"]);
    let server = served(folder);
    let figures = class(&server);
    let bins = figures["histogram"].as_array().unwrap();
    assert_eq!(bins.len(), 10);
    assert_eq!((&bins[0]["from"], &bins[9]["to"]), (&json!(0), &json!(10)));
    assert_eq!(bins.iter().map(|bin| bin["count"].as_u64().unwrap()).sum::<u64>(), 60);
    for estimate in [&figures["median"], &figures["quartiles"][0], &figures["quartiles"][1]] {
        let of = |name: &str| estimate[name].as_f64().unwrap();
        assert!(of("from") <= of("value") && of("value") <= of("to"), "{estimate}");
    }
    assert!(figures["deviation"].is_number());
    // Half of the budget: 2.996 * (10 / 2) / 60 + 0.01, rounded up.
    assert_eq!(figures["uncertainty"], 0.26);
    let text = read(&server, FIRST, "STATS Quiz");
    assert!(text.contains(" of 10 (give or take 0.26), median about "), "{text}");
    assert!(text.contains("; 0 to 1: "), "{text}");
    // At a terminal the client draws them, with the student's own mark.
    let stats = at_a_terminal(&server, "STATS quiz");
    assert!(stats.contains(" 0 to  1  ") && stats.contains(" 9 to 10  "), "{stats}");
    assert_eq!(stats.matches("\u{25c4} you: 4 / 10").count(), 1, "{stats}");
    let own = stats.lines().find(|line| line.contains("you: ")).unwrap();
    assert!(own.starts_with(" 4 to  5  "), "{own}");
    let report = at_a_terminal(&server, "REPORT");
    assert!(report.contains("Quiz: 4 / 10 \u{2500}\u{2500}\u{2500}\u{2500}\u{25cf}"), "{report}");
    assert!(report.contains(" of 10 (give or take 0.26)"), "{report}");
}

/// What the client shows the first student at a terminal.
fn at_a_terminal(server: &Server, command: &str) -> String {
    write_private(&server.folder.path().join("me.key"), FIRST.1);
    let client = env!("CARGO_BIN_EXE_grade-client");
    let (port, id) = (server.port, FIRST.0);
    let command =
        format!("{client} --server 127.0.0.1:{port} --id {id} --key-file me.key {command}");
    let mut terminal = std::process::Command::new("script");
    terminal.current_dir(server.folder.path());
    terminal.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    let output = crate::harness::ended(&mut terminal);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_redraw_asks_first_counts_all_marks_anew_and_is_refused_after_the_second_draw() {
    let folder = private_course("publish = \"on-command\"", &MARKS);
    let path = folder.path().to_owned();
    done(&path, &["publish", "--accept"]);
    let server = served(folder);
    let first = class(&server);
    write_private(&path.join("class.csv"), quiz(&["10"; 20]));
    let refused = fails(&path, &["publish", "--redraw", "Quiz"]);
    assert!(refused.contains("each mark is disclosed a second time: 8 instead of 4"), "{refused}");
    let accept = "publish it with grade-actor-server publish --redraw Quiz --accept --config ";
    assert!(refused.contains(accept), "{refused}");
    // What was looked at is part of the command that is printed.
    let digest = json(&path, &["diff"])["digest"].as_str().unwrap().to_owned();
    let refused = fails(&path, &["publish", "--redraw", "Quiz", "--digest", &digest]);
    let accept = format!("publish --redraw Quiz --accept --digest {digest} --config ");
    assert!(refused.contains(&accept), "{refused}");
    assert_eq!(class(&server), first);
    done(&path, &["publish", "--redraw", "Quiz", "--accept"]);
    let second = class(&server);
    assert!(second["mean"].as_f64().unwrap() > first["mean"].as_f64().unwrap(), "{second}");
    assert_eq!(second["count"], 20);
    for (name, why) in [("Quiz", "drawn twice"), ("Test", "no such assessment")] {
        let refused = fails(&path, &["publish", "--redraw", name, "--accept"]);
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(class(&server), second);
    assert_eq!(published_by(&path), ["command", "command"]);
}

#[test]
fn another_full_result_is_held_and_figures_keep_the_old_one_until_a_redraw() {
    let folder = private_course("", &MARKS);
    let path = folder.path().to_owned();
    done(&path, &["publish", "--accept"]);
    let mut server = served(folder);
    let figures = class(&server);
    write_private(&path.join("course.toml"), "out_of = 20\n");
    let line = super::reload(&mut server, "class file held");
    assert!(line.contains("range-changed"), "{line}");
    assert_eq!(state(&path), ("held".to_owned(), vec!["range-changed".to_owned()]));
    done(&path, &["publish", "--accept"]);
    assert_eq!(class(&server)["mean"], figures["mean"]);
    assert_eq!(report(&server, FIRST)["assessments"][0]["out_of"], 20);
    assert!(read(&server, FIRST, "AVG Quiz").contains(" of 10 (give"), "the figures' own range");
    assert_eq!(class(&server)["out_of"], 10, "which the report has, since it differs");
    done(&path, &["publish", "--redraw", "Quiz", "--accept"]);
    assert!(read(&server, FIRST, "AVG Quiz").contains(" of 20 (give"));
}

#[test]
fn a_full_result_is_compared_with_the_one_that_was_drawn() {
    let folder = private_course("publish = \"on-command\"", &MARKS);
    let path = folder.path().to_owned();
    let course = |text: &str| write_private(&path.join("course.toml"), text);
    done(&path, &["publish", "--accept"]);
    // Accepted, and taken back: the old full result is the one that was drawn.
    course("out_of = 20\n");
    assert_eq!(state(&path), ("held".to_owned(), vec!["range-changed".to_owned()]));
    done(&path, &["publish", "--accept"]);
    let changed = quiz(&MARKS).replace("2300000,4", "2300000,5");
    write_private(&path.join("class.csv"), &changed);
    assert_eq!(state(&path).0, "staged", "it was accepted");
    course("out_of = 10\n");
    assert_eq!(state(&path).0, "staged");
    done(&path, &["publish"]);
    // A column that was gone returns with another full result.
    write_private(&path.join("class.csv"), changed.replace("Quiz", "Other"));
    done(&path, &["publish", "--accept"]);
    write_private(&path.join("class.csv"), &changed);
    course("[assessment.Quiz]\nout_of = 100\n");
    assert!(state(&path).1.contains(&"range-changed".to_owned()));
}

#[test]
fn a_redraw_with_another_budget_names_what_both_draws_spend() {
    let folder = private_course("publish = \"on-command\"", &MARKS);
    let path = folder.path();
    done(path, &["publish", "--accept"]);
    let settings = std::fs::read_to_string(path.join("test.toml")).unwrap();
    let settings = settings.replace("population_min = 5", "population_min = 5\nprivacy_budget = 8");
    std::fs::write(path.join("test.toml"), settings).unwrap();
    let refused = fails(path, &["publish", "--redraw", "Quiz"]);
    assert!(refused.contains("a second time: 12 instead of 4"), "{refused}");
}

#[test]
fn a_history_can_be_confirmed_before_there_is_anything_to_draw() {
    let mut marks = [""; 20];
    marks[0] = "3";
    let mut server = served(private_course("", &marks));
    let path = server.folder.path().to_owned();
    fails(&path, &["publish"]);
    assert_eq!(done(&path, &["publish", "--accept"]), "edition 2 is published\n");
    save(&mut server, &quiz(&MARKS), "class file installed edition=3");
    assert_eq!(class(&server)["count"], 20);
}

#[test]
fn an_edition_that_does_not_fit_is_refused_before_anything_is_drawn() {
    let names: Vec<_> = (0..40).map(|n| format!("Quiz number {n}")).collect();
    let folder = private_course("", &MARKS);
    let path = folder.path().to_owned();
    let rows: String = quiz(&MARKS)
        .lines()
        .map(|line| match line.strip_suffix(",Quiz") {
            Some(start) => format!("{start},{}\n", names.join(",")),
            None => format!("{line}{}\n", ",7".repeat(names.len() - 1)),
        })
        .collect();
    write_private(&path.join("class.csv"), rows);
    let settings = std::fs::read_to_string(path.join("test.toml")).unwrap();
    let decoys = "[lab]\nunknown_student = \"decoy\"\n[limits]\noutput_bytes = 10000\n";
    std::fs::write(path.join("test.toml"), format!("{settings}{decoys}")).unwrap();
    let needed = |text: &str| -> String {
        text.split_once("a REPORT of this class has ")
            .unwrap()
            .1
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    let first = needed(&fails(&path, &["publish", "--accept"]));
    for _ in 0..5 {
        assert_eq!(needed(&fails(&path, &["publish", "--accept"])), first, "it depends on no draw");
    }
    let fitting = format!("{settings}{}", decoys.replace("10000", &first));
    std::fs::write(path.join("test.toml"), fitting).unwrap();
    assert_eq!(done(&path, &["publish", "--accept"]), "edition 1 is published\n");
}

#[test]
fn a_rollback_shows_the_figures_of_its_edition_and_the_next_publication_all_draws_again() {
    let folder = private_course("publish = \"on-command\"\nprivacy_budget = 8", &MARKS[..10]);
    let path = folder.path().to_owned();
    done(&path, &["publish", "--accept"]);
    let server = served(folder);
    let first = class(&server);
    let students = super::students(20);
    let rows: Vec<_> = students.iter().map(|(id, key)| (id.as_str(), key.as_str())).collect();
    write_private(&path.join("keys.csv"), crate::harness::keys_of(&rows));
    write_private(&path.join("class.csv"), quiz(&MARKS));
    done(&path, &["publish"]);
    let second = class(&server);
    assert_eq!((&first["count"], &second["count"]), (&json!(10), &json!(20)));
    done(&path, &["rollback", "1"]);
    assert_eq!(class(&server), first);
    done(&path, &["publish", "--accept"]);
    assert_eq!(class(&server), second, "nothing is drawn again");
}

#[test]
fn exact_figures_are_replaced_by_private_ones_when_that_is_published() {
    let folder = private_course("publish = \"on-command\"", &MARKS);
    let path = folder.path();
    let private = std::fs::read_to_string(path.join("test.toml")).unwrap();
    done(path, &["publish", "--accept"]);
    let drawn = done(path, &["preview", FIRST.0, "AVG", "Quiz"]);
    let plain = private.replace("\"private\"", "\"plain\"");
    std::fs::write(path.join("test.toml"), plain).unwrap();
    assert_eq!(state(path).0, "staged", "the same marks, and other statistics");
    done(path, &["publish"]);
    assert_eq!(done(path, &["preview", FIRST.0, "AVG", "Quiz"]), "Quiz average: 5.5\n");
    std::fs::write(path.join("test.toml"), private).unwrap();
    assert_eq!(done(path, &["publish"]), "edition 3 is published\n");
    let again = done(path, &["preview", FIRST.0, "AVG", "Quiz"]);
    assert!(again.starts_with(drawn.trim_end()), "{again}: nothing is drawn again");
    assert_eq!(state(path).0, "none");
}

#[test]
fn a_change_from_plain_statistics_warns_that_exact_figures_are_known() {
    let folder = private_course("", &MARKS);
    let path = folder.path().join("test.toml");
    let private = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, private.replace("\"private\"", "\"plain\"")).unwrap();
    let server = served(folder);
    assert_eq!(class(&server)["mean"], 5.5);
    let folder = server.end_with(Signal::TERM);
    std::fs::write(&path, private).unwrap();
    let (_, lines) = served(folder).stopped();
    let warning = "exact statistics of this class were shown before";
    assert!(lines.iter().any(|line| line.contains(warning)), "{lines:?}");
}
