//! Running `grade-client`: from the arguments to the exit code.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use clap::CommandFactory;
use fernet_batch::Key;
use fernet_batch::redact::redact_keys;

use super::arguments::{Arguments, ClientTask};
use super::connection::ask;
use super::dialogue::{Dialogue, DialogueError};
use super::display::{Style, show, show_error, show_usage_error};
use super::editions::Editions;
use super::endpoint::{Endpoint, SealedOptions, ServerClock};
use super::error::ClientError;
use super::histogram::show_histogram;
use super::keys::{Keys, prompt_for_key};
use super::preferences::Preferences;
use super::request::ClientRequest;
use super::script::{Script, ScriptError};
use super::watch::{EVERY_MAX, EVERY_MIN, Watch, WatchError};
use crate::process::{close_memory, completions, manual};
use crate::redact::{escape, parse_arguments, show_path};
use crate::server_address::{DEFAULT_PORT, ServerAddress};

const USAGE: u8 = 2;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_SERVER: &str = "127.0.0.1";

/// An error for the user, and the exit code.
struct Exit(u8, String);

impl Exit {
    fn usage(error: impl std::fmt::Display) -> Self {
        Self(USAGE, format!("{error}"))
    }
}

/// Runs the program. Returns the exit code.
pub fn run() -> u8 {
    // Even an argument that is not understood is reported as JSON.
    let json = std::env::args_os().any(|argument| argument == "--json");
    let arguments = match parse_arguments::<Arguments>() {
        Ok(arguments) => arguments,
        Err(code) => {
            if json && code == USAGE {
                report_usage_error(code, "the arguments are not understood; see --help");
            }
            return code;
        }
    };
    if let Some(warning) = close_memory() {
        complain(warning);
    }
    match run_with(arguments) {
        Ok(code) => code,
        Err(Exit(code, text)) => {
            complain(&text);
            if json {
                report_usage_error(code, &text);
            }
            code
        }
    }
}

fn report_usage_error(code: u8, text: &str) {
    // Standard output may be closed.
    drop(show_usage_error(&mut io::stdout(), code, &redact_keys(text)));
}

fn run_with(arguments: Arguments) -> Result<u8, Exit> {
    let out = &mut io::BufWriter::new(io::stdout().lock());
    let page = match &arguments.task {
        Some(ClientTask::Completions { shell }) => completions(*shell, Arguments::command()),
        Some(ClientTask::Man) => manual(Arguments::command()),
        _ => String::new(),
    };
    if !page.is_empty() {
        return printed(writeln!(out, "{page}").and_then(|()| out.flush()));
    }
    let arguments = with_preferences(arguments)?;
    let server = check(&arguments)?;
    let style = Style::of_output(arguments.json);
    let endpoint = Endpoint {
        address: server.to_string(),
        timeout: arguments.timeout,
        age_max: arguments.max_age,
        sealed: arguments.sealed.clone().map(sealed_options).transpose()?,
    };
    let keys = keys(&arguments)?;
    let client = Client { arguments: &arguments, endpoint: &endpoint, keys: &keys, style };
    if arguments.fingerprint {
        return client.fingerprint(out);
    }
    if let Some(ClientTask::Watch { every, command }) = &arguments.task {
        return client.watch(*every, command, out);
    }
    if !arguments.command.is_empty() {
        return client.ask(out);
    }
    match &arguments.script {
        None if io::stdin().is_terminal() => client.dialogue(out),
        file => client.script(file.as_deref(), out),
    }
}

/// Fills in what neither the command line nor the environment says from the user's file.
fn with_preferences(arguments: Arguments) -> Result<Arguments, Exit> {
    let Preferences { server, id, audience, key_file } =
        Preferences::read().map_err(Exit::usage)?;
    let has_key = arguments.keys.is_some() || Keys::in_environment();
    // With the keys of many students, each line of a script names its student.
    let own_id = id.filter(|_| arguments.keys.is_none());
    Ok(Arguments {
        server: arguments.server.or(server),
        id: arguments.id.or(own_id),
        // An empty text asks for requests in clear.
        sealed: arguments.sealed.or(audience).filter(|audience| !audience.is_empty()),
        key_file: arguments.key_file.or(key_file.filter(|_| !has_key)),
        ..arguments
    })
}

/// Checks the arguments. Returns the server's address.
fn check(arguments: &Arguments) -> Result<ServerAddress, Exit> {
    if arguments.key.is_some() {
        return Err(Exit::usage(
            "every user of this machine can read a key on the command line, so it is no longer \
             secret; use --key-file",
        ));
    }
    if arguments.timeout.is_zero() || arguments.timeout > DAY {
        return Err(Exit::usage("--timeout must be greater than zero and at most a day"));
    }
    if arguments.task.is_some() && (arguments.script.is_some() || arguments.fingerprint) {
        return Err(Exit::usage("--script and --fingerprint are not for a task such as watch"));
    }
    if let Some(ClientTask::Watch { every, .. }) = &arguments.task
        && !(EVERY_MIN..=EVERY_MAX).contains(every)
    {
        return Err(Exit::usage("--every must be 1s to 1 day"));
    }
    let reads_key = arguments.key_file.as_deref() == Some(Path::new("-"));
    if reads_key
        && arguments.command.is_empty()
        && arguments.task.is_none()
        && !arguments.fingerprint
    {
        return Err(Exit::usage(
            "--key-file - reads the key from standard input, so the command must stand on the command line",
        ));
    }
    let words = arguments.id.iter().chain(&arguments.command).chain(&arguments.sealed);
    if words.flat_map(|word| word.chars()).any(char::is_control) {
        return Err(Exit::usage("the ID or the command contains a control character"));
    }
    let server = arguments.server.as_deref().unwrap_or(DEFAULT_SERVER);
    ServerAddress::parse(server, DEFAULT_PORT)
        .ok_or_else(|| Exit::usage("--server must be HOST:PORT or HOST"))
}

fn sealed_options(audience: String) -> Result<SealedOptions, Exit> {
    let editions = Editions::load(complain).map_err(Exit::usage)?;
    Ok(SealedOptions { audience, editions, clock: ServerClock::default() })
}

/// The students' keys, from the first source that is named.
fn keys(arguments: &Arguments) -> Result<Keys, Exit> {
    match &arguments.key_file {
        Some(path) if path == Path::new("-") => {
            return Keys::from_standard_input().map_err(Exit::usage);
        }
        Some(path) => return Keys::from_file(path).map_err(Exit::usage),
        None => {}
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

    /// Asks again and again.
    fn watch(&self, every: Duration, command: &[String], out: &mut impl Write) -> Result<u8, Exit> {
        let missing = || Exit::usage("missing --id (student ID)");
        let id = self.arguments.id.as_deref().ok_or_else(missing)?;
        let command = if command.is_empty() { "GG".to_owned() } else { command.join(" ") };
        let key = self.key_of(id)?;
        let watch = Watch { endpoint: self.endpoint, style: self.style, every };
        let request = || {
            let sealed = self.endpoint.sealed.as_ref();
            ClientRequest::new(id, &command, key.clone(), sealed)
        };
        let complain = |error: &ClientError| complain(&error.to_string());
        match watch.run(request, out, complain) {
            Err(WatchError::Output(error)) => output_failed(&error),
            Err(WatchError::NoAnswer(error)) => {
                complain(&error);
                let written = show_error(out, self.style, id, &command, &error);
                let written = written.and_then(|()| out.flush());
                written.map_or_else(|error| output_failed(&error), |()| Ok(error.exit_code()))
            }
            Ok(never) => match never {},
        }
    }

    /// Asks for the command on the command line.
    fn ask(&self, out: &mut impl Write) -> Result<u8, Exit> {
        let missing = || Exit::usage("missing --id (student ID)");
        let id = self.arguments.id.as_deref().ok_or_else(missing)?;
        let command = self.arguments.command.join(" ");
        let key = self.key_of(id)?;
        let sealed = self.endpoint.sealed.as_ref();
        let request = ClientRequest::new(id, &command, key, sealed);
        let answered = request.and_then(|request| {
            let answer = ask(self.endpoint, &request)?;
            Ok((request, answer))
        });
        let (written, code) = match answered {
            Ok((request, answer)) => {
                let shown = show(out, self.style, &request, &answer)
                    .and_then(|()| show_histogram(out, self.style, self.endpoint, &request));
                (shown, 0)
            }
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
        let dialogue = Dialogue::new(self.endpoint, self.keys, self.style, id);
        match dialogue.run(out) {
            Ok(()) => Ok(0),
            Err(DialogueError::Output(error)) => output_failed(&error),
            Err(error) => Err(Exit::usage(error)),
        }
    }
}

fn printed(written: io::Result<()>) -> Result<u8, Exit> {
    written.map_or_else(|error| output_failed(&error), |()| Ok(0))
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
