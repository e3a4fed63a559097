//! Runs the transcripts and scripts of README.md and docs/ against the built programs.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{ADA, ADA_GRADES, Client, Server, missing_tool, project, server_command};
use fernet::Fernet;

/// The example class as README and PROTOCOL.md start it, but on a free port.
fn example_server() -> Server {
    let mut command = server_command();
    command.arg("--config").arg(project("settings/dev.toml"));
    command.env("GRADES__SERVER__LISTEN", "127.0.0.1:0");
    command.env("GRADES__GRADEBOOK__WATCH", "false");
    Server::start_with(tempfile::tempdir().unwrap(), &mut command)
}

/// The fenced blocks of this kind in a document.
fn blocks(document: &str, kind: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project(document)).unwrap();
    let fence = format!("```{kind}\n");
    let blocks =
        text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.collect()
}

/// The keys of the example class.
fn example_keys() -> HashMap<String, Fernet> {
    let mut class = csv::Reader::from_path(project("settings/example_class.csv")).unwrap();
    let rows = class.records().map(Result::unwrap);
    rows.map(|row| (row[1].to_owned(), Fernet::new(&row[2]).unwrap())).collect()
}

#[test]
fn command_line_transcripts_match_the_programs() {
    trycmd::TestCases::new()
        .case("tests/cmd/*.toml")
        .default_bin_name("grade-client")
        .env("GRADE_SERVER", "127.0.0.1:1");
}

#[test]
fn protocol_transcripts_match_the_server() {
    let server = example_server();
    let keys = example_keys();
    let transcripts = blocks("docs/PROTOCOL.md", "transcript");
    assert_eq!(transcripts.len(), 4);
    for transcript in transcripts {
        let mut client = server.connect();
        for line in transcript.lines() {
            match line.split_at(2) {
                ("> ", "FIN") => drop(client.finish_sending()),
                ("> ", said) => drop(client.say(unescaped(said))),
                ("< ", "FIN") => assert_eq!(client.remaining_replies(), Vec::<String>::new()),
                ("< ", expected) => assert_eq!(next_reply(&mut client, expected, &keys), expected),
                _ => panic!("not a line of a transcript: {line}"),
            }
        }
    }
}

/// Reads the next reply. A token is opened with the key of the student that `expected` names.
fn next_reply(client: &mut Client, expected: &str, keys: &HashMap<String, Fernet>) -> String {
    let reply = client.reply();
    let Some((id, _)) = expected.strip_prefix('{').and_then(|rest| rest.split_once(": ")) else {
        return reply;
    };
    let text = keys[id].decrypt(&reply).map(|text| String::from_utf8(text).unwrap());
    text.map_or(reply, |text| format!("{{{id}: {text}}}"))
}

/// Decodes C escapes.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().unwrap() {
                b'n' => b'\n',
                b'r' => b'\r',
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("unknown escape {other}"),
            },
            byte => byte,
        });
    }
    bytes
}

#[test]
fn the_python_client_for_requests_in_clear_works() {
    let python = |arguments: &[&str]| Command::new("python3").args(arguments).output();
    if !python(&["-c", "import cryptography"]).is_ok_and(|output| output.status.success()) {
        return missing_tool("python3 with the package cryptography");
    }
    let server = Server::start("");
    let (script, key) = (server.folder.path().join("client.py"), server.folder.path().join("key"));
    std::fs::write(&script, &blocks("docs/PROTOCOL.md", "python")[0]).unwrap();
    std::fs::write(&key, ADA.1).unwrap();
    let ask = |id: &str, command: &[&str]| {
        let port = server.port.to_string();
        let (script, key) = (script.to_str().unwrap(), key.to_str().unwrap());
        let output = python(&[&[script, "127.0.0.1", &port, id, key], command].concat()).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().trim_end().to_owned();
        (text(output.stdout), text(output.stderr))
    };
    assert_eq!(ask(ADA.0, &["GG"]), (ADA_GRADES.into(), String::new()));
    assert_eq!(ask(ADA.0, &["AVG", "Lab", "3"]).0, "Lab 3 average: 8.1667");
    assert!(ask(ADA.0, &["XX"]).1.starts_with("ERR malformed unknown command"));
    assert_eq!(ask("9999999", &["GG"]).1, "closed without an answer: is the student ID right?");
}

#[test]
fn readme_commands_print_what_the_readme_shows() {
    let server = example_server();
    let folder = tempfile::tempdir().unwrap();
    let class = folder.path().join("settings/example_class.csv");
    std::fs::create_dir(class.parent().unwrap()).unwrap();
    std::fs::copy(project("settings/example_class.csv"), &class).unwrap();
    // The usual mode after `git clone`.
    std::fs::set_permissions(&class, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (mut servers, mut clients) = (0, 0);
    for block in blocks("README.md", "console") {
        let (command, shown) = block.split_once('\n').unwrap();
        let arguments: Vec<_> =
            command.split_once(" -- ").map_or("", |(_, arguments)| arguments).split(' ').collect();
        if command.starts_with("$ cargo run --release --bin grade-client -- ") {
            clients += 1;
            let mut client = Command::new(env!("CARGO_BIN_EXE_grade-client"));
            client.args(arguments).current_dir(folder.path());
            client.env("GRADE_SERVER", format!("127.0.0.1:{}", server.port));
            let output = client.output().unwrap();
            let printed = [output.stdout, output.stderr].concat();
            assert_eq!(sorted(std::str::from_utf8(&printed).unwrap()), sorted(shown));
        } else if command.starts_with("$ cargo run --release -- ") {
            servers += 1;
            assert_eq!(arguments, ["--config", "settings/dev.toml"]);
        }
    }
    assert_eq!((servers, clients), (1, 3));
    let shown =
        blocks("README.md", "console")[0].replace("port 50000", &format!("port {}", server.port));
    let (code, printed) = server.stopped();
    assert_eq!(code, Some(0));
    let mut printed = printed.iter();
    for line in shown.lines().skip(1).filter(|line| *line != "...") {
        assert!(printed.any(|other| other == line), "the server does not print {line}");
    }
}

/// Sorts the lines, since the README shows two streams as one.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}
