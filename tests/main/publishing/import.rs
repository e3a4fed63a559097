//! The state file of an earlier version: a history takes over what it says, once.

use std::fs;

use rustix::process::Signal;

use super::{FIRST, fails, json, published_by, quiz, quiz_course, read, save, served, settings};
use crate::harness::{Server, write_private};

const STATE: &str = r#"{"form":1,"edition":7,"published":1763820300,"content":5,"assessments":[
    {"name":"Quiz","edition":3,"published":1763820000,"population_min":5,
     "told":[[["0",1],["1",1],["2",1],["3",1],["4",1]]]}]}"#;

fn average(server: &Server) -> String {
    read(server, FIRST, "AVG Quiz")
}

fn imported() -> String {
    settings("state_file = \"state.json\"\npopulation_min = 5\nshrink_percent_max = 100")
}

#[test]
fn a_history_counts_on_above_the_state_file_once() {
    let folder = quiz_course(&imported(), &["0", "1", "2", "3", "4", "9"]);
    write_private(&folder.path().join("state.json"), STATE);
    let mut server = served(folder);
    let path = server.folder.path().to_owned();
    let editions = json(&path, &["editions"]);
    assert_eq!(
        (&editions["current"], &editions["editions"][0]["by"]),
        (&8.into(), &"import".into())
    );
    assert_eq!(average(&server), "Quiz average: 3.1667");
    // It is taken over once: later the history alone counts.
    fs::remove_file(path.join("state.json")).unwrap();
    server = served(server.end_with(Signal::TERM));
    assert_eq!(json(&path, &["editions"])["current"], 8);
    write_private(&path.join("state.json"), "nonsense");
    server = served(server.end_with(Signal::TERM));
    save(&mut server, &quiz(&["5", "6", "7", "8", "9", "9"]), "class file installed edition=9");
    assert_eq!(average(&server), "Quiz average: 7.3333");
    assert_eq!(published_by(&path), ["import", "save"]);
}

#[test]
fn a_state_file_that_is_gone_is_a_warning() {
    let folder = quiz_course(&imported(), &["0", "1", "2", "3", "4"]);
    let (_, lines) = served(folder).stopped();
    let warning = "gradebook.state_file does not exist, so nothing is taken over from it";
    assert!(lines.iter().any(|line| line.contains(warning)), "{lines:?}");
}

#[test]
fn figures_of_a_state_file_count_as_shown() {
    let settings =
        format!("{}\n", imported()).replace("population_min = 5", "statistics = \"private\"");
    let folder = quiz_course(&settings, &["0", "1", "2", "3", "4"]);
    write_private(&folder.path().join("state.json"), STATE);
    let refused = fails(folder.path(), &["publish"]);
    assert!(refused.contains("each mark is disclosed a second time: 8 instead of 4"), "{refused}");
    let (_, lines) = served(folder).stopped();
    assert!(
        lines.iter().any(|line| line.contains("exact statistics of this class were shown before"))
    );
}

#[test]
fn a_state_file_that_cannot_be_read_prevents_the_first_edition_and_stays_as_it_is() {
    let folder = quiz_course(&imported(), &["0", "1", "2", "3", "4"]);
    let state = folder.path().join("state.json");
    write_private(&state, "nonsense");
    for arguments in [&[][..], &["--check"], &["publish"]] {
        let failed = fails(folder.path(), arguments);
        assert!(
            failed.contains(
                "state.json (gradebook.state_file): is not a release history, or is damaged"
            ),
            "{failed}"
        );
    }
    assert_eq!(fs::read_to_string(&state).unwrap(), "nonsense");
}
