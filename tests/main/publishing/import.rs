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
fn a_history_counts_on_above_the_state_file_and_remembers_what_was_released() {
    let folder = quiz_course(&imported(), &["0", "1", "2", "3", "4", "9"]);
    write_private(&folder.path().join("state.json"), STATE);
    let mut server = served(folder);
    let path = server.folder.path().to_owned();
    let editions = json(&path, &["editions"]);
    assert_eq!(
        (&editions["current"], &editions["editions"][0]["by"]),
        (&8.into(), &"import".into())
    );
    // One mark more than what was released: the figures of then stay.
    assert_eq!(average(&server), "Quiz average: 2 (as of 22 Nov 2025, 14:00 UTC)");
    // It is taken over once: later the history alone counts.
    fs::remove_file(path.join("state.json")).unwrap();
    server = served(server.end_with(Signal::TERM));
    assert_eq!(average(&server), "Quiz average: 2 (as of 22 Nov 2025, 14:00 UTC)");
    write_private(&path.join("state.json"), "nonsense");
    server = served(server.end_with(Signal::TERM));
    save(&mut server, &quiz(&["5", "6", "7", "8", "9", "9"]), "class file installed edition=9");
    assert_eq!(average(&server), "Quiz average: 7.33");
    assert_eq!(published_by(&path), ["import", "save"]);
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
