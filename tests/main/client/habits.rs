//! What makes the client a habit: a file of options, completions, a manual, and watching for new marks.

use super::*;
use crate::harness::{CLASS, write_private};
use rustix::process::Signal;

/// The client with a file of options.
fn with_options(server: &Server, options: &str, arguments: &[&str], input: &str) -> Ended {
    let folder = server.folder.path();
    write_private(&folder.join("grade-client.toml"), options);
    write_private(&folder.join("me.key"), ADA.1);
    let mut command = Command::new(env!("CARGO_BIN_EXE_grade-client"));
    command.args(arguments).env("XDG_CONFIG_HOME", folder).env("XDG_STATE_HOME", folder);
    for variable in ["GRADE_SERVER", "GRADE_ID", "GRADE_AUDIENCE", "GRADE_KEY"] {
        command.env_remove(variable);
    }
    run(command, input)
}

#[test]
fn options_that_a_student_always_uses_stand_in_a_file() {
    let server = Server::start("");
    let options =
        format!("server = \"{}\"\nid = \"{}\"\nkey_file = \"me.key\"\n", address(&server), ADA.0);
    let answer = with_options(&server, &options, &["gg"], "");
    assert_eq!(answer, (0, format!("{ADA_GRADES}\n"), String::new()));
    let answer = with_options(&server, &options, &["avg", "lab", "3"], "");
    assert_eq!(answer.1, "Lab 3 average: 8.1667\n");
    // The command line comes first.
    let (code, _, complaint) =
        with_options(&server, &options, &["--server", "127.0.0.1:1", "GG"], "");
    assert!(code == 3 && complaint.contains("cannot connect to 127.0.0.1:1"), "{complaint}");
    let (code, _, complaint) = with_options(&server, "port = 1\n", &["GG"], "");
    assert!(
        code == 2 && complaint.contains("grade-client.toml: is not a file of options"),
        "{complaint}"
    );
}

#[test]
fn a_key_may_come_from_standard_input_and_an_id_from_the_environment() {
    let server = Server::start("");
    let client = |arguments: &[&str], input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grade-client"));
        command.args(["--server", &address(&server), "--key-file", "-"]).args(arguments);
        command.env("GRADE_ID", ADA.0).env_remove("GRADE_KEY");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        run(command, input)
    };
    let answer = client(&["GG"], &format!("{}\n", ADA.1));
    assert_eq!(answer, (0, format!("{ADA_GRADES}\n"), String::new()));
    let (code, _, complaint) = client(&["GG"], "nonsense\n");
    assert!(code == 2 && complaint.contains("standard input: the key "), "{complaint}");
    let (code, _, complaint) = client(&[], ADA.1);
    assert!(
        code == 2 && complaint.contains("--key-file - reads the key from standard input"),
        "{complaint}"
    );
}

#[test]
fn a_server_without_a_port_means_port_50000() {
    let (code, _, complaint) = client("127.0.0.77", &["--id", ADA.0, "--timeout", "1s", "GG"], "");
    assert!(code == 3 && complaint.contains("cannot connect to 127.0.0.77:50000"), "{complaint}");
}

#[test]
fn wrong_usage_is_json_where_json_is_asked_for_and_a_mistyped_command_has_a_nearest_one() {
    for arguments in
        [&["--json", "GG"][..], &["--json", "--nonsense"], &["--json", "--server", ":", "GG"]]
    {
        let (code, out, _) = client("127.0.0.1:1", arguments, "");
        let object: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &object["error"]["word"]), (2, &"usage".into()), "{out}");
        assert_eq!(object["ok"], false);
    }
    let (code, _, complaint) = client("127.0.0.1:1", &["--id", ADA.0, "REPROT"], "");
    assert!(code == 1 && complaint.contains("the nearest is REPORT"), "{complaint}");
}

#[test]
fn both_programs_print_completions_and_a_manual_and_show_examples() {
    for (program, subcommands) in [
        (env!("CARGO_BIN_EXE_grade-client"), &["", "watch", "completions", "man"][..]),
        (
            env!("CARGO_BIN_EXE_grade-actor-server"),
            &[
                "",
                "preview",
                "settings",
                "completions",
                "man",
                "keys issue",
                "keys rotate",
                "keys retire",
                "keys drop",
                "keys check",
                "keys slips",
                "audit verify",
            ],
        ),
    ] {
        let printed = |arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).env("XDG_CONFIG_HOME", "/nonexistent");
            let (code, out, complaint) = run(command, "");
            assert_eq!((code, complaint.as_str()), (0, ""), "{arguments:?}");
            out
        };
        for shell in ["bash", "zsh", "fish"] {
            assert!(printed(&["completions", shell]).contains("completions"), "{shell}");
        }
        assert!(printed(&["man"]).contains(".SH SYNOPSIS"));
        for subcommand in subcommands {
            let words: Vec<_> = subcommand.split_whitespace().chain(["--help"]).collect();
            let help = printed(&words);
            assert!(help.contains("Example"), "{subcommand}: {help}");
        }
        assert!(printed(&["--help"]).contains("Environment: "));
    }
}

#[test]
fn the_default_settings_can_be_printed_and_used() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grade-actor-server"));
    let (code, out, _) = run(
        {
            command.arg("settings");
            command
        },
        "",
    );
    assert_eq!(
        (code, out.trim_end()),
        (0, include_str!("../../../settings/default.toml").trim_end())
    );
}

#[test]
fn a_watch_shows_what_changed() {
    let mut server = Server::start("");
    let mut command = Command::new(env!("CARGO_BIN_EXE_grade-client"));
    command.args(["--server", &address(&server), "watch", "--id", ADA.0, "--every", "1s"]);
    command.env("GRADE_KEY", ADA.1).env("XDG_CONFIG_HOME", "/nonexistent");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), ADA_GRADES);
    server.save_class(&CLASS.replace(",3,9,9,0,", ",,9,8.5,0,"));
    server.signal(Signal::HUP);
    server.prints("is in place");
    let changes: Vec<_> = lines.by_ref().take(2).map(|line| line.unwrap()).collect();
    assert!(changes[0].ends_with("Z  Lab 1: 3 -> blank"), "{changes:?}");
    assert!(changes[1].ends_with("Z  Lab 3: 9 -> 8.5"), "{changes:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    let (code, _, complaint) =
        client("127.0.0.1:1", &["--id", ADA.0, "watch", "--every", "0s"], "");
    assert!(code == 2 && complaint.contains("--every must be 1s to 1 day"), "{complaint}");
}

#[test]
fn an_empty_audience_asks_in_clear_and_an_id_of_the_file_is_for_one_s_own_key_only() {
    let server = Server::start("[lab]\nreveal_key = true");
    let options =
        format!("server = \"{}\"\nid = \"{}\"\naudience = \"nets\"\n", address(&server), BO.0);
    let keys = server.class_file();
    let arguments = ["--sealed", "", "--keys", keys.to_str().unwrap()];
    let answer = with_options(&server, &options, &arguments, "2100001 GG\n2100002 GG\n");
    assert_eq!(answer, (0, format!("{ADA_GRADES}\n{BO_GRADES}\n"), String::new()));
    let (code, _, complaint) = with_options(&server, &options, &["--script", "s.txt", "watch"], "");
    assert!(code == 2 && complaint.contains("are not for a task such as watch"), "{complaint}");
    let (code, out, _) = with_options(&server, "nonsense", &["completions", "bash"], "");
    assert!(code == 0 && out.contains("grade-client"), "a task that needs no options");
}

#[test]
fn no_part_of_a_key_that_is_typed_in_the_wrong_place_is_in_json() {
    for arguments in [
        &["--json", "--id", ADA.1, "GG"][..],
        &["--json", "--id", "1", ADA.1],
        &["--json", "--id", "1", "watch", ADA.1],
        &["--json", "--id", &ADA.1[..30], "XX"],
    ] {
        let (_, out, complaint) = client("127.0.0.1:1", arguments, "");
        assert!(!out.contains(&ADA.1[..25]) && out.contains("base64 characters"), "{out}");
        assert!(!complaint.contains(&ADA.1[..43]), "{complaint}");
    }
}
