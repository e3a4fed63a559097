//! `grade-client`: asks a grade server and opens its answers.
//!
//! Exit codes: 0 ok · 1 refused or unknown · 2 usage · 3 cannot connect or connection lost ·
//! 4 cannot decrypt · 5 answer not to be trusted · 7 partial in a batch.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use grade_actor_server::client::dialogue::{Dialogue, DialogueError, ask_once};
use grade_actor_server::client::display::{Style, show, show_error};
use grade_actor_server::client::editions::Editions;
use grade_actor_server::client::keys::{Keys, KeysError, ask_for_key};
use grade_actor_server::client::script::{Script, ScriptError};
use grade_actor_server::client::{ClientRequest, Endpoint, Sealed};
use grade_actor_server::redact::{arguments, escape, redact_keys};
use gradebook::Key;

const USAGE: u8 = 2;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Asks a grade server and opens its answers.
///
/// Without a command: a dialogue at a terminal, else requests from standard input, one a line.
#[derive(Parser)]
#[command(
    name = "grade-client",
    version,
    after_help = "The key comes from --key-file, from --keys, from the variable \
    GRADE_KEY, or is asked for; never from the command line.\n\
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

    /// A file that holds the key and nobody else can read
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    key_file: Option<PathBuf>,

    /// A CSV with the columns ID Number and Key
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Requests from a file, one a line; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    script: Option<PathBuf>,

    /// One JSON object an answer
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

    /// Seal requests, for this course and term: what the server's sealed.audience says
    #[arg(long, value_name = "AUDIENCE", env = "GRADE_AUDIENCE")]
    sealed: Option<String>,

    /// Show the fingerprint of the key, as slips of paper have it, and ask nothing
    #[arg(long, conflicts_with_all = ["script", "command"])]
    fingerprint: bool,

    /// Refused: a key on the command line can be read by every user of the machine
    #[arg(long, hide = true, num_args = 0..=1)]
    key: Option<Option<String>>,

    /// GG, GMA, GEA, GL1A to GL4A, AVG ASSESSMENT, STATS ASSESSMENT, REPORT
    command: Vec<String>,
}

/// A message for people, and the exit code.
struct Exit(u8, String);

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(code) => return code.into(),
    };
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(Exit(code, text)) => {
            complain(&text);
            ExitCode::from(code)
        }
    }
}

fn run(arguments: &Arguments) -> Result<u8, Exit> {
    if arguments.key.is_some() {
        let text = "a key on the command line can be read by every user of this machine, and is \
                    no secret any more; use --key-file";
        return Err(Exit(USAGE, text.to_owned()));
    }
    if arguments.timeout.is_zero() || arguments.timeout > DAY {
        return Err(Exit(
            USAGE,
            "--timeout must be longer than nothing and at most a day".to_owned(),
        ));
    }
    let port = arguments.server.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        return Err(Exit(USAGE, "--server is not HOST:PORT".to_owned()));
    }
    let words = arguments.id.iter().chain(&arguments.command).chain(&arguments.sealed);
    if words.flat_map(|word| word.chars()).any(char::is_control) {
        return Err(Exit(USAGE, "the ID or the command holds a control character".to_owned()));
    }
    let server = Endpoint {
        address: arguments.server.clone(),
        timeout: arguments.timeout,
        age_max: arguments.max_age,
        sealed: arguments.sealed.clone().map(sealed).transpose()?,
    };
    let keys = keys(arguments)?;
    let style = Style::of_output(arguments.json);
    let out = &mut io::BufWriter::new(io::stdout().lock());
    if arguments.fingerprint {
        let id = arguments.id.as_deref().unwrap_or_default();
        let key = key_of(&keys, id)?;
        let written = writeln!(out, "{}", key.fingerprint()).and_then(|()| out.flush());
        return written.map_or_else(|error| output_failed(&error), |()| Ok(0));
    }
    if !arguments.command.is_empty() {
        return one_shot(arguments, &server, &keys, style, out);
    }
    let at_terminal = io::stdin().is_terminal();
    match &arguments.script {
        None if at_terminal => dialogue(arguments, &server, &keys, style, out),
        file => script(arguments, file.as_deref(), &server, &keys, style, out),
    }
}

fn sealed(audience: String) -> Result<Sealed, Exit> {
    let editions = Editions::of_user().map_err(|error| Exit(USAGE, error.to_string()))?;
    Ok(Sealed { audience, editions })
}

/// The keys at hand: the first source that is named.
fn keys(arguments: &Arguments) -> Result<Keys, Exit> {
    let bad = |error: KeysError| Exit(USAGE, error.to_string());
    if let Some(path) = &arguments.key_file {
        return Keys::from_file(path).map_err(bad);
    }
    if let Some(path) = &arguments.keys {
        let (keys, exposed) = Keys::from_csv(path).map_err(bad)?;
        if exposed {
            let path = path.display();
            complain(&format!("warning: {path}: other users of this machine can read these keys"));
        }
        return Ok(keys);
    }
    Ok(Keys::from_environment().map_err(bad)?.unwrap_or(Keys::Asked))
}

fn key_of(keys: &Keys, id: &str) -> Result<Key, Exit> {
    keys.of(id, || ask_for_key(id)).map_err(|error| Exit(USAGE, error.to_string()))
}

fn one_shot(
    arguments: &Arguments,
    server: &Endpoint,
    keys: &Keys,
    style: Style,
    out: &mut impl Write,
) -> Result<u8, Exit> {
    let missing = || Exit(USAGE, "whose grades? give --id".to_owned());
    let id = arguments.id.as_deref().ok_or_else(missing)?;
    let key = key_of(keys, id)?;
    let request = ClientRequest::new(id.to_owned(), arguments.command.join(" "), key);
    let (written, code) = match ask_once(server, &request) {
        Ok(answer) => (show(out, style, &request, &answer), 0),
        Err(error) => {
            complain(&error.to_string());
            (show_error(out, style, &request, &error), error.exit_code())
        }
    };
    written.and_then(|()| out.flush()).map_or_else(|error| output_failed(&error), |()| Ok(code))
}

fn script(
    arguments: &Arguments,
    file: Option<&Path>,
    server: &Endpoint,
    keys: &Keys,
    style: Style,
    out: &mut impl Write,
) -> Result<u8, Exit> {
    let input: Box<dyn BufRead + Send> = match file {
        Some(path) if path != Path::new("-") => {
            let unreadable = |error| Exit(USAGE, format!("{}: {error}", path.display()));
            Box::new(BufReader::new(File::open(path).map_err(unreadable)?))
        }
        _ => Box::new(BufReader::new(io::stdin())),
    };
    let (id, keep_going) = (arguments.id.as_deref(), arguments.keep_going);
    let script = Script { server, keys, id, keep_going, style };
    match script.run(input, out, |line, error| complain(&format!("line {line}: {error}"))) {
        Ok(outcome) => Ok(outcome.exit_code()),
        Err(ScriptError::Output(error)) => output_failed(&error),
        Err(error) => Err(Exit(USAGE, error.to_string())),
    }
}

fn dialogue(
    arguments: &Arguments,
    server: &Endpoint,
    keys: &Keys,
    style: Style,
    out: &mut impl Write,
) -> Result<u8, Exit> {
    match (Dialogue { server, keys, style, id: arguments.id.clone() }).run(out) {
        Ok(()) => Ok(0),
        Err(DialogueError::Output(error)) => output_failed(&error),
        Err(error) => Err(Exit(USAGE, error.to_string())),
    }
}

/// A reader that has seen enough, as `head` has, is success.
fn output_failed(error: &io::Error) -> Result<u8, Exit> {
    match error.kind() {
        ErrorKind::BrokenPipe => Ok(0),
        _ => Err(Exit(USAGE, format!("cannot write the answer: {error}"))),
    }
}

fn complain(text: &str) {
    // Standard error may be closed, and then there is nobody to tell.
    let _ = writeln!(io::stderr(), "grade-client: {}", redact_keys(&escape(text)));
}
