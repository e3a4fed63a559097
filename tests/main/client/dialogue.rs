//! The client's dialogue at a terminal.

use std::process::Child;

use super::*;

/// A client in a dialogue at a terminal.
struct Dialogue {
    child: Child,
    seen: String,
}

impl Dialogue {
    /// `script` gives the client a terminal.
    fn start(arguments: &str) -> Self {
        let dialogue = format!("{} {arguments}", env!("CARGO_BIN_EXE_grade-client"));
        let mut command = Command::new("script");
        command.args(["-qec", &dialogue, "/dev/null"]).env("NO_COLOR", "1").env("TERM", "xterm");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        command.env_remove("GRADE_KEY").stdin(Stdio::piped()).stdout(Stdio::piped());
        Self { child: command.spawn().unwrap(), seen: String::new() }
    }

    /// Waits for a text, and returns what came before it.
    #[track_caller]
    fn expect_text(&mut self, text: &str) -> String {
        while !self.seen.contains(text) {
            let mut buffer = [0; 1024];
            let read = self.child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(read > 0, "{text:?} never came, but {:?}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        let (before, rest) = self.seen.split_once(text).unwrap();
        let before = before.to_owned();
        self.seen = rest.to_owned();
        before
    }

    fn say(&mut self, text: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{text}").unwrap();
    }
}

#[test]
fn the_dialogue_shows_that_a_key_is_wrong_before_it_prompts_again() {
    let mut dialogue = Dialogue::start("--server 127.0.0.1:1 --id 2100001");
    dialogue.expect_text("Command: ");
    for typed in [&ADA.1[1..], &ADA.1[..40]] {
        dialogue.say("GG");
        dialogue.expect_text("Key of 2100001 (not shown): ");
        dialogue.say(typed);
        let shown = dialogue.expect_text("Command: ");
        assert!(shown.contains("your input: the key "), "{shown:?}");
    }
}

#[test]
fn the_dialogue_shows_that_a_student_has_no_key_before_it_prompts_again() {
    let server = Server::start("");
    let (server, keys) = (address(&server), server.class_file().display().to_string());
    let mut dialogue = Dialogue::start(&format!("--server {server} --keys {keys}"));
    dialogue.expect_text("Student ID: ");
    dialogue.say("2109999 GG");
    let shown = dialogue.expect_text("Command: ");
    assert!(shown.contains("no key for student 2109999 in the keys file"), "{shown:?}");
}

#[test]
fn the_dialogue_prints_the_prompts_of_the_lab() {
    let server = Server::start("");
    let (server, keys) = (address(&server), server.class_file().display().to_string());
    let mut dialogue = Dialogue::start(&format!("--server {server} --keys {keys}"));
    dialogue.expect_text("Student ID: ");
    dialogue.say("2100001");
    for (typed, announced, answer) in [
        ("GL3A", "Fetching Lab 3 average:", "Lab 3 average: 8.1667"),
        ("GG", "Getting Grades:", "│ Midterm    ┆   17 │"),
        ("AVG Lab 2", "Fetching Lab 2 average:", "Lab 2 average: 9.5"),
        ("2100002 GMA", "Fetching Midterm average:", "Midterm average: 13.3333"),
    ] {
        dialogue.expect_text("Command: ");
        dialogue.say(typed);
        dialogue.expect_text(&format!("Command entered: {}", typed.trim_start_matches("2100002 ")));
        dialogue.expect_text(announced);
        dialogue.expect_text(answer);
    }
    dialogue.expect_text("Command: ");
    dialogue.say("GXA");
    dialogue.expect_text("commands: GG, GMA, GEA");
    dialogue.expect_text("Command: ");
    dialogue.say("");
    assert!(dialogue.child.wait().unwrap().success());
}

#[test]
fn the_dialogue_helps_completes_and_takes_several_pasted_lines() {
    let server = Server::start("");
    let (server, keys) = (address(&server), server.class_file().display().to_string());
    let mut dialogue = Dialogue::start(&format!("--server {server} --keys {keys} --id 2100001"));
    dialogue.expect_text("[2100001] Command: ");
    dialogue.say("help");
    dialogue.expect_text("commands: GG, GMA, GEA");
    dialogue.expect_text("Command: ");
    // As a terminal sends what is pasted.
    dialogue.say("\u{1b}[200~gl3a\r2100002 GMA\u{1b}[201~");
    dialogue.expect_text("Lab 3 average: 8.1667");
    dialogue.expect_text("Midterm average: 13.3333");
    dialogue.expect_text("[2100002] Command: ");
    dialogue.say("GG");
    dialogue.expect_text("Exam 2");
    dialogue.expect_text("Command: ");
    dialogue.say("avg exam 2\t");
    dialogue.expect_text("Exam 2 average: 6");
    dialogue.expect_text("Command: ");
    dialogue.say("REPROT");
    dialogue.expect_text("the nearest command is REPORT");
    dialogue.expect_text("Command: ");
    dialogue.say("quit");
    assert!(dialogue.child.wait().unwrap().success());
}
