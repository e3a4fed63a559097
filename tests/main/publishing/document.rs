//! What docs/PUBLISHING.md shows.

use super::{done, published_by, run, settings};
use crate::harness::{class_folder, project, write_private};

/// The fenced blocks of this kind.
fn blocks(kind: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project("docs/PUBLISHING.md")).unwrap();
    let fence = format!("```{kind}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_commands_print_what_the_document_shows() {
    let (folder, _) = class_folder(&settings(""));
    let path = folder.path();
    let class = &blocks("csv")[0];
    write_private(&path.join("course.toml"), "");
    write_private(&path.join("class.csv"), class);
    done(path, &["keys", "issue", "class.csv"]);
    done(path, &["publish"]);
    write_private(&path.join("class.csv"), class.replace("2100001,7,", "2100001,,5"));
    let shown = blocks("console");
    assert_eq!(shown.len(), 5);
    for block in shown {
        let (command, expected) = block.split_once('\n').unwrap();
        let arguments = command.strip_prefix("$ grade-actor-server --config grades.toml ").unwrap();
        let said = run(path, &arguments.split(' ').collect::<Vec<_>>());
        let printed = format!("{}{}", said.out, without_warnings(&said.err));
        // The settings of the tests have another name.
        let printed = without_digest(&printed).replace("test.toml", "grades.toml");
        assert_eq!(printed, expected, "{command}");
    }
    assert_eq!(published_by(path), ["command", "command", "rollback"]);
}

/// The text without the digest of a content.
fn without_digest(text: &str) -> String {
    let Some((before, rest)) = text.split_once("--digest ") else { return text.to_owned() };
    format!("{before}--digest DIGEST{}", &rest[64..])
}

fn without_warnings(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("warning: "));
    lines.map(|line| format!("{line}\n")).collect()
}
