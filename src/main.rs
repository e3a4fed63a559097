//! `grade-actor-server`: hands each student their own grades and the class averages, sealed with
//! that student's own key.
//!
//! Exit codes: 0 clean stop · 1 cannot serve (port taken, class file refused) · 2 usage or settings ·
//! 70 too many restart_limit.

use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::{Parser, Subcommand};
use grade_actor_server::audit::{self, Verified};
use grade_actor_server::console::Console;
use grade_actor_server::keys;
use grade_actor_server::loading::{LoadedClass, load};
use grade_actor_server::redact::{arguments, escape, redact_keys};
use grade_actor_server::service::{Outcome, serve};
use grade_actor_server::settings::{Settings, SettingsError};
use grade_actor_server::state;
use gradebook::wire::{self, Grammar, Parsed};
use gradebook::{Book, EditionNumber, Timestamp};
use rustix::process::{Resource, Rlimit, setrlimit};

const SUCCESS: u8 = 0;
const CANNOT_SERVE: u8 = 1;
const BAD_SETTINGS: u8 = 2;
const TOO_MANY_RESTARTS: u8 = 70;

/// Hands each student their own grades and the class averages, sealed with that student's own key.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 clean stop, 1 cannot serve, 2 usage or settings, \
    70 too many restart_limit.\nSignals: SIGINT and SIGTERM stop, a second one at once; SIGHUP loads the \
    class file again; SIGUSR1 begins a new audit file where the old one was moved away."
)]
struct Arguments {
    /// The settings file; settings/default.toml explains every setting
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// Check the settings and the class file, and exit
    #[arg(long)]
    check: bool,

    #[command(subcommand)]
    task: Option<Task>,
}

/// What to do instead of serving.
#[derive(Subcommand)]
enum Task {
    /// Make, replace, check and hand out keys
    Keys {
        #[command(subcommand)]
        task: KeysTask,
    },
    /// Look at what an audit file holds
    Audit {
        #[command(subcommand)]
        task: AuditTask,
    },
    /// Print exactly what a student will read
    Preview {
        /// The student ID
        id: String,

        /// GG, GMA, GEA, GL1A to GL4A, AVG ASSESSMENT, STATS ASSESSMENT, REPORT; GG if none is given
        command: Vec<String>,
    },
}

/// What to do with keys.
#[derive(Subcommand)]
enum KeysTask {
    /// Make a key for each student of a class file who has none
    Issue {
        /// The class file, with a column ID Number
        class: PathBuf,

        /// The file of keys, which is made or added to; keys.csv beside the class file if none is given
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Make a new key for students; the old one stays good until it is retired
    Rotate {
        /// The student IDs
        #[arg(required = true)]
        ids: Vec<String>,

        /// The file of keys; gradebook.keys_file if none is given
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,

        /// The old key is known to somebody else: it is good no longer
        #[arg(long)]
        stolen: bool,
    },
    /// Drop the old key of students who have the new one
    Retire {
        /// The student IDs
        #[arg(required = true)]
        ids: Vec<String>,

        /// The file of keys; gradebook.keys_file if none is given
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Say whether the class and its keys belong together
    Check,
    /// Write a slip of paper for each student, with key and fingerprint
    Slips {
        /// The student IDs; all students if none is given
        ids: Vec<String>,

        /// The server, as students reach it; server.listen if none is given
        #[arg(long, value_name = "HOST:PORT")]
        server: Option<String>,

        /// The file, which must be new; slips.txt beside the file of keys if none is given
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// What to do with an audit.
#[derive(Subcommand)]
enum AuditTask {
    /// Find records that were edited, taken out, moved or cut off
    Verify {
        /// The files of the audit, the oldest first
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(report_panic));
    keep_memory_private();
    let Arguments { config, check: only_check, task } = match arguments() {
        Ok(arguments) => arguments,
        Err(code) => return code.into(),
    };
    let settings = || Settings::read(config.as_deref());
    let done = match task {
        Some(Task::Audit { task: AuditTask::Verify { files } }) => Ok(verify(&files)),
        Some(Task::Keys { task }) => keys_task(task, settings),
        Some(Task::Preview { id, command }) => {
            settings().map(|settings| preview(&settings, &id, &command.join(" ")))
        }
        None if only_check => settings().map(|settings| check(&settings)),
        None => settings().map(|settings| run(settings)),
    };
    done.unwrap_or_else(|error| {
        complain(&error.to_string());
        BAD_SETTINGS
    })
    .into()
}

/// Sees to it that keys do not end up in a file when the process is killed by a fault.
fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if setrlimit(Resource::Core, none).is_err() {
        complain("warning: core dumps cannot be turned off; keys could end up in one");
    }
}

fn first_book(settings: &Settings) -> Result<Book, u8> {
    let told = settings.state_file.as_deref().map(state::read).transpose();
    let (before, last) = told.map(Option::unwrap_or_default).map_err(|error| {
        complain(&error.to_string());
        CANNOT_SERVE
    })?;
    let edition = EditionNumber(last.0.saturating_add(1));
    let loaded = load(&settings.sources, &settings.read, edition, &before);
    match loaded {
        Ok(LoadedClass { book, warning, .. }) => {
            if let Some(warning) = warning {
                complain(&format!("warning: {warning}"));
            }
            Ok(book)
        }
        Err(error) => {
            complain(&error.to_string());
            Err(CANNOT_SERVE)
        }
    }
}

/// Prints what a student will read, of a class that is loaded for the first time.
fn preview(settings: &Settings, id: &str, command: &str) -> u8 {
    let command = if command.is_empty() { "GG" } else { command };
    let line = format!("{id} {command}\n");
    let grammar = Grammar { sealed: false, ..settings.session_config.grammar };
    let Parsed::Request { request, .. } = wire::parse(grammar, line.as_bytes()) else {
        complain("that is no student ID, or no command; see grade-actor-server help preview");
        return BAD_SETTINGS;
    };
    let book = match first_book(settings) {
        Ok(book) => book,
        Err(code) => return code,
    };
    match book.preview(&request, Timestamp::of(SystemTime::now())) {
        Ok(text) => {
            print(&escape(&text));
            SUCCESS
        }
        Err(rejection) => {
            complain(rejection.text());
            CANNOT_SERVE
        }
    }
}

/// Says whether an audit is as it was written.
fn verify(files: &[PathBuf]) -> u8 {
    match audit::verify(files) {
        Ok(Verified { first, last, from, to, unfinished }) => {
            let earlier = if first == 1 { "" } else { "; those before are not in these files" };
            let behind = if unfinished { "; behind them, one that was not finished" } else { "" };
            let sound = "all there, none changed";
            print(&format!("records {first} to {last}, {from} to {to}: {sound}{earlier}{behind}"));
            SUCCESS
        }
        Err(error) => {
            complain(&error.to_string());
            CANNOT_SERVE
        }
    }
}

fn keys_task(
    task: KeysTask,
    settings: impl Fn() -> Result<Settings, SettingsError>,
) -> Result<u8, SettingsError> {
    let keys_file = |given: Option<PathBuf>| match given {
        Some(path) => Ok(path),
        None => settings()?.keys_file(),
    };
    let done = match task {
        KeysTask::Issue { class, output } => keys::issue(&class, output.as_deref()),
        KeysTask::Rotate { ids, keys, stolen } => keys::rotate(&keys_file(keys)?, &ids, stolen),
        KeysTask::Retire { ids, keys } => keys::retire(&keys_file(keys)?, &ids),
        KeysTask::Check => keys::check(&settings()?),
        KeysTask::Slips { ids, server, output } => {
            keys::slips(&settings()?, &ids, server.as_deref(), output.as_deref())
        }
    };
    Ok(match done {
        Ok(text) => {
            print(&text);
            SUCCESS
        }
        Err(error) => {
            complain(&error.to_string());
            CANNOT_SERVE
        }
    })
}

fn check(settings: &Settings) -> u8 {
    let book = match first_book(settings) {
        Ok(book) => book,
        Err(code) => return code,
    };
    let (file, students) = (settings.sources.class.display(), book.students());
    let assessments = book.assessments().count();
    let text = format!("{students} students, {assessments} assessments; settings are valid");
    print(&format!("{file}: {text}"));
    SUCCESS
}

fn run(settings: Settings) -> ! {
    let console = Arc::new(Console::open(settings.style));
    grade_actors::run(async move {
        let code = match serve(settings, Arc::clone(&console)).await {
            Ok(Outcome::Stopped) => SUCCESS,
            Ok(Outcome::TooManyRestarts) => TOO_MANY_RESTARTS,
            Err(error) => {
                complain(&format!("{error:#}"));
                CANNOT_SERVE
            }
        };
        console.flush();
        // Leaving by way of the runtime would wait for a file that is still being read, however long
        // that takes.
        std::process::exit(i32::from(code))
    })
}

fn print(text: &str) {
    // Nobody who closed the pipe wants to hear of it.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(text: &str) {
    // Standard error may be closed, and then there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "grade-actor-server: {}", redact_keys(text));
}

/// Says where a panic happened, and not what it said: that may hold a secret.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    complain(&format!("internal fault at {place}"));
}
