//! The arguments of `grade-client`, and its help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use gradebook::command_list;

/// Ask a grade server and open its answers.
///
/// Without a command: a dialogue at a terminal, else requests from standard input, one a line.
#[derive(Parser)]
#[command(
    name = "grade-client",
    version,
    override_usage = "grade-client [OPTIONS] [COMMAND]...\n       grade-client [OPTIONS] <TASK>",
    subcommand_help_heading = "Tasks",
    after_help = "Examples:\n  \
    grade-client --server grades.example.org --sealed nets-2026-autumn --id 2100001 --key-file me.key GG\n  \
    grade-client --id 2100001 AVG Lab 1\n  \
    grade-client --id 2100001 watch\n  \
    grade-client --keys keys.csv --script requests.txt --json --keep-going\n\n\
    The key comes from --key-file, from --keys, from the variable GRADE_KEY, or from a prompt; never from the \
    command line. Options that you use always can stand in ~/.config/grade-client.toml, without the dashes: \
    server, id, audience, key_file.\n\n\
    Environment: GRADE_SERVER, GRADE_ID, GRADE_AUDIENCE, GRADE_KEY; NO_COLOR for a plain header; \
    XDG_CONFIG_HOME and XDG_STATE_HOME for other folders than ~/.config and ~/.local/state, where the client \
    keeps the newest edition that it has seen.\n\n\
    Exit codes: 0 ok, 1 refused or unknown, 2 usage, 3 cannot connect or connection lost, 4 cannot \
    decrypt, 5 answer not to be trusted, 7 partial in a batch."
)]
pub(super) struct Arguments {
    /// The server; port 50000 if none is given [default: 127.0.0.1:50000]
    #[arg(long, value_name = "HOST[:PORT]", env = "GRADE_SERVER", global = true)]
    pub(super) server: Option<String>,

    /// The student ID
    #[arg(long, env = "GRADE_ID", global = true, allow_negative_numbers = true)]
    pub(super) id: Option<String>,

    /// A file with the key, readable by its owner only; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "keys", global = true)]
    pub(super) key_file: Option<PathBuf>,

    /// A CSV with the columns ID Number and Key
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) keys: Option<PathBuf>,

    /// Requests from a file, one a line; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub(super) script: Option<PathBuf>,

    /// Print one JSON object for each answer
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// In a script, go on after a request without an answer
    #[arg(long)]
    pub(super) keep_going: bool,

    /// How long to wait for a connection, and for each answer
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10s",
        value_parser = humantime::parse_duration,
        global = true
    )]
    pub(super) timeout: Duration,

    /// How old an answer may be, and how far in the future
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5m",
        value_parser = humantime::parse_duration,
        global = true
    )]
    pub(super) max_age: Duration,

    /// Seal requests for this course and term (the server's sealed.audience); empty: ask in clear
    #[arg(long, value_name = "AUDIENCE", env = "GRADE_AUDIENCE", global = true)]
    pub(super) sealed: Option<String>,

    /// Print the fingerprint of the key, as on the student's slip, and exit
    #[arg(long, conflicts_with_all = ["script", "command"])]
    pub(super) fingerprint: bool,

    /// Refused: every user of the machine can read a key on the command line
    #[arg(long, hide = true, num_args = 0..=1)]
    pub(super) key: Option<Option<String>>,

    #[arg(help = format!("What to ask for, in capitals or small letters: {}", command_list()))]
    pub(super) command: Vec<String>,

    #[command(subcommand)]
    pub(super) task: Option<ClientTask>,
}

/// What to do instead of asking once.
#[derive(Subcommand)]
pub(super) enum ClientTask {
    /// Ask again every few minutes, and show what changed
    #[command(after_help = "Examples:\n  grade-client --id 2100001 watch\n  \
                            grade-client --id 2100001 watch --every 15m AVG Lab 1\n\nCtrl-C ends it. GG lists \
                            some 60 assessments; watch REPORT in a class with more.")]
    Watch {
        /// How long to wait between two requests, 1s to 1 day, give or take a fifth
        #[arg(
            long,
            value_name = "TIME",
            default_value = "5m",
            value_parser = humantime::parse_duration
        )]
        every: Duration,

        #[arg(help = format!("What to ask for; GG by default: {}", command_list()))]
        command: Vec<String>,
    },
    /// Print the completions of a shell
    #[command(after_help = "Examples:\n  \
                            grade-client completions bash > ~/.local/share/bash-completion/completions/grade-client\n  \
                            grade-client completions zsh > ~/.zfunc/_grade-client\n  \
                            grade-client completions fish > ~/.config/fish/completions/grade-client.fish")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  grade-client man > ~/.local/share/man/man1/grade-client.1")]
    Man,
}
