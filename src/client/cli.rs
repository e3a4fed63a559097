//! The command line of `grade-client`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use fernet_batch::Key;
use fernet_batch::redact::redact_keys;
use gradebook::command_list;

use super::connection::ask;
use super::dialogue::{Dialogue, DialogueError};
use super::display::{Style, show, show_error};
use super::editions::Editions;
use super::endpoint::{Endpoint, SealedOptions, ServerClock};
use super::keys::{Keys, prompt_for_key};
use super::request::ClientRequest;
use super::script::{Script, ScriptError};
use crate::process::close_memory;
use crate::redact::{escape, parse_arguments, show_path};

const USAGE: u8 = 2;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Ask a grade server and open its answers.
///
/// Without a command: a dialogue at a terminal, else requests from standard input, one a line.
#[derive(Parser)]
#[command(
    name = "grade-client",
    version,
    after_help = "The key comes from --key-file, from --keys, from the variable GRADE_KEY, or from a \
    prompt; never from the command line.\n\
    Exit codes: 0 ok, 1 refused or unknown, 2 usage, 3 cannot connect or connection lost, 4 cannot \
    decrypt, 5 answer not to be trusted, 7 partial in a batch."
)]
struct Arguments {
    /// The server
    #[arg(long, value_name = "HOST:PORT", env = "GRADE_SERVER", default_value = "127.0.0.1:50000")]
    server: String,

    /// The student ID
    #[arg(long)]
    id: Option<String>,

    /// A file with the key, readable by its owner only
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    key_file: Option<PathBuf>,

    /// A CSV with the columns ID Number and Key
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Requests from a file, one a line; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    script: Option<PathBuf>,

    /// Print one JSON object for each answer
    #[arg(long)]
    json: bool,

    /// In a script, go on after a request without an answer
    #[arg(long)]
    keep_going: bool,

    /// How long to wait for a connection, and for each answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,

    /// How old an answer may be, and how far in the future
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = humantime::parse_duration)]
    max_age: Duration,

    /// Seal requests for this course and term (the server's sealed.audience)
    #[arg(long, value_name = "AUDIENCE", env = "GRADE_AUDIENCE")]
    sealed: Option<String>,

    /// Print the fingerprint of the key, as on the student's slip, and exit
    #[arg(long, conflicts_with_all = ["script", "command"])]
    fingerprint: bool,

    /// Refused: every user of the machine can read a key on the command line
    #[arg(long, hide = true, num_args = 0..=1)]
    key: Option<Option<String>>,

    #[arg(help = command_list())]
    command: Vec<String>,
}

/// An error for the user, and the exit code.
struct Exit(u8, String);

impl Exit {
    fn usage(error: impl std::fmt::Display) -> Self {
        Self(USAGE, format!("{error}"))
    }
}

/// Runs the program. Returns the exit code.
pub fn run() -> u8 {
    let arguments = match parse_arguments::<Arguments>() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    if let Some(warning) = close_memory() {
        complain(warning);
    }
    match run_with(&arguments) {
        Ok(code) => code,
        Err(Exit(code, text)) => {
            complain(&text);
            code
        }
    }
}

fn run_with(arguments: &Arguments) -> Result<u8, Exit> {
    check(arguments)?;
    let endpoint = Endpoint {
        address: arguments.server.clone(),
        timeout: arguments.timeout,
        age_max: arguments.max_age,
        sealed: arguments.sealed.clone().map(sealed_options).transpose()?,
    };
    let keys = keys(arguments)?;
    let style = Style::of_output(arguments.json);
    let client = Client { arguments, endpoint: &endpoint, keys: &keys, style };
    let out = &mut io::BufWriter::new(io::stdout().lock());
    if arguments.fingerprint {
        return client.fingerprint(out);
    }
    if !arguments.command.is_empty() {
        return client.ask(out);
    }
    match &arguments.script {
        None if io::stdin().is_terminal() => client.dialogue(out),
        file => client.script(file.as_deref(), out),
    }
}

fn check(arguments: &Arguments) -> Result<(), Exit> {
    if arguments.key.is_some() {
        return Err(Exit::usage(
            "every user of this machine can read a key on the command line, so it is no longer \
             secret; use --key-file",
        ));
    }
    if arguments.timeout.is_zero() || arguments.timeout > DAY {
        return Err(Exit::usage("--timeout must be greater than zero and at most a day"));
    }
    let port = arguments.server.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(_))) {
        return Err(Exit::usage("--server must be HOST:PORT"));
    }
    let words = arguments.id.iter().chain(&arguments.command).chain(&arguments.sealed);
    if words.flat_map(|word| word.chars()).any(char::is_control) {
        return Err(Exit::usage("the ID or the command contains a control character"));
    }
    Ok(())
}

fn sealed_options(audience: String) -> Result<SealedOptions, Exit> {
    let editions = Editions::load().map_err(Exit::usage)?;
    Ok(SealedOptions { audience, editions, clock: ServerClock::default() })
}

/// The students' keys, from the first source that is named.
fn keys(arguments: &Arguments) -> Result<Keys, Exit> {
    if let Some(path) = &arguments.key_file {
        return Keys::from_file(path).map_err(Exit::usage);
    }
    if let Some(path) = &arguments.keys {
        let (keys, world_readable) = Keys::from_csv(path).map_err(Exit::usage)?;
        if world_readable {
            let path = show_path(path);
            complain(&format!("warning: {path}: other users of this machine can read these keys"));
        }
        return Ok(keys);
    }
    Ok(Keys::from_environment().map_err(Exit::usage)?.unwrap_or(Keys::Prompt))
}

/// What every way of asking needs.
struct Client<'a> {
    arguments: &'a Arguments,
    endpoint: &'a Endpoint,
    keys: &'a Keys,
    style: Style,
}

impl Client<'_> {
    fn key_of(&self, id: &str) -> Result<Key, Exit> {
        self.keys.key_of(id, || prompt_for_key(id)).map_err(Exit::usage)
    }

    fn fingerprint(&self, out: &mut impl Write) -> Result<u8, Exit> {
        let id = self.arguments.id.as_deref().unwrap_or_default();
        let key = self.key_of(id)?;
        let written = writeln!(out, "{}", key.fingerprint()).and_then(|()| out.flush());
        written.map_or_else(|error| output_failed(&error), |()| Ok(0))
    }

    /// Asks for the command on the command line.
    fn ask(&self, out: &mut impl Write) -> Result<u8, Exit> {
        let missing = || Exit::usage("missing --id (student ID)");
        let id = self.arguments.id.as_deref().ok_or_else(missing)?;
        let command = self.arguments.command.join(" ");
        let key = self.key_of(id)?;
        let sealed = self.endpoint.sealed.as_ref();
        let request = ClientRequest::new(id.to_owned(), &command, key, sealed);
        let answered = request.and_then(|request| {
            let answer = ask(self.endpoint, &request)?;
            Ok((request, answer))
        });
        let (written, code) = match answered {
            Ok((request, answer)) => (show(out, self.style, &request, &answer), 0),
            Err(error) => {
                complain(&error.to_string());
                (show_error(out, self.style, id, &command, &error), error.exit_code())
            }
        };
        let written = written.and_then(|()| out.flush());
        written.map_or_else(|error| output_failed(&error), |()| Ok(code))
    }

    fn script(&self, file: Option<&Path>, out: &mut impl Write) -> Result<u8, Exit> {
        let input: Box<dyn BufRead + Send> = match file {
            Some(path) if path != Path::new("-") => {
                let file = File::open(path)
                    .map_err(|error| Exit::usage(format!("{}: {error}", show_path(path))))?;
                Box::new(BufReader::new(file))
            }
            _ => Box::new(BufReader::new(io::stdin())),
        };
        let script = Script {
            endpoint: self.endpoint,
            keys: self.keys,
            id: self.arguments.id.as_deref(),
            keep_going: self.arguments.keep_going,
            style: self.style,
        };
        match script.run(input, out, |line, error| complain(&format!("line {line}: {error}"))) {
            Ok(outcome) => Ok(outcome.exit_code()),
            Err(ScriptError::Output(error)) => output_failed(&error),
            Err(error) => Err(Exit::usage(error)),
        }
    }

    fn dialogue(&self, out: &mut impl Write) -> Result<u8, Exit> {
        let id = self.arguments.id.clone();
        let dialogue = Dialogue { endpoint: self.endpoint, keys: self.keys, style: self.style, id };
        match dialogue.run(out) {
            Ok(()) => Ok(0),
            Err(DialogueError::Output(error)) => output_failed(&error),
            Err(error) => Err(Exit::usage(error)),
        }
    }
}

/// A reader that has seen enough, as `head` has, is success.
fn output_failed(error: &io::Error) -> Result<u8, Exit> {
    match error.kind() {
        ErrorKind::BrokenPipe => Ok(0),
        _ => Err(Exit::usage(format!("cannot write the answer: {error}"))),
    }
}

fn complain(text: &str) {
    // Standard error may be closed.
    let _ = writeln!(io::stderr(), "grade-client: {}", redact_keys(&escape(text)));
}
