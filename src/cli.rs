//! The command line of `grade-actor-server`.

mod keys_command;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use gradebook::command_list;

use crate::commands::editions::diff::{self, DiffOptions};
use crate::commands::editions::{list, publish};
use crate::commands::page::PageTask;
use crate::commands::{self, CommandError, audit, check, explain, keys, page, preview};
use crate::events::Console;
use crate::process::{complain, completions, manual, print};
use crate::publishing::PublishOptions;
use crate::redact::parse_arguments;
use crate::server::serve::{ServeOutcome, serve};
use crate::settings::{Settings, default_settings};
use keys_command::{KeysCommand, sources};

const SUCCESS: u8 = 0;
const TOO_MANY_RESTARTS: u8 = 70;

/// Give each student their own grades and the class statistics, encrypted with that student's key.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  \
    grade-actor-server --config settings/dev.toml\n  \
    grade-actor-server --config grades.toml --check\n  \
    grade-actor-server settings > grades.toml\n\n\
    Environment: GRADES__SECTION__KEY overrides a setting, as in GRADES__SERVER__WORKERS=2; RUST_LOG=debug logs \
    each request in the console styles log and json.\n\n\
    Signals: SIGINT and SIGTERM stop, a second one at once; SIGHUP reloads the class file, the key file and \
    the certificate, but no settings; SIGUSR1 continues in a new audit file after the old one was moved away.\n\n\
    Exit codes: 0 clean stop, 1 cannot serve or the command failed, 2 usage or settings, 70 too many restarts."
)]
struct Arguments {
    /// The settings file; settings/default.toml explains every setting
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// Check everything that a start needs, print its warnings, and exit
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
        task: KeysCommand,
    },
    /// Check an audit log
    Audit {
        #[command(subcommand)]
        task: AuditCommand,
    },
    /// Print what is understood of a class file, and what would be published
    #[command(after_help = "Examples:\n  \
                            grade-actor-server explain canvas.csv\n  \
                            grade-actor-server --config grades.toml explain")]
    Explain {
        /// The class file; by default gradebook.file
        file: Option<PathBuf>,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what publishing the class file would change
    #[command(after_help = "Examples:\n  \
                            grade-actor-server --config grades.toml diff\n  \
                            grade-actor-server --config grades.toml diff regraded.csv --marks")]
    Diff {
        /// The file to compare with the current edition; by default gradebook.file
        file: Option<PathBuf>,

        /// List each mark that changes
        #[arg(long)]
        marks: bool,

        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Publish the class file, or another one
    #[command(after_help = "Examples:\n  \
                            grade-actor-server --config grades.toml publish\n  \
                            grade-actor-server --config grades.toml publish regraded.csv --accept")]
    Publish {
        /// The file to publish; by default gradebook.file
        file: Option<PathBuf>,

        /// Publish also what looks wrong
        #[arg(long)]
        accept: bool,

        /// Publish only the content with this digest, which diff prints
        #[arg(long, value_name = "HEX")]
        digest: Option<String>,

        /// Draw the figures of this assessment anew, from all its present marks (private statistics only)
        #[arg(long, value_name = "ASSESSMENT")]
        redraw: Option<String>,
    },
    /// List the editions that were published
    #[command(after_help = "Example:\n  grade-actor-server --config grades.toml editions")]
    Editions {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Publish an earlier edition again
    #[command(after_help = "Example:\n  grade-actor-server --config grades.toml rollback 7")]
    Rollback {
        /// The number of the edition, which the command editions lists
        edition: u64,
    },
    /// Print what a student reads
    #[command(after_help = "Examples:\n  \
                            grade-actor-server --config grades.toml preview 2100001\n  \
                            grade-actor-server --config grades.toml preview 2100001 AVG Lab 1\n  \
                            grade-actor-server --config grades.toml preview --staged 2100001")]
    Preview {
        /// Print what the student will read once the class file is published
        #[arg(long)]
        staged: bool,

        /// The student ID
        id: String,

        /// The command; GG by default
        #[arg(help = format!("The command; GG by default: {}", command_list()))]
        command: Vec<String>,
    },
    /// Write the page on which students read their marks, as one file
    #[command(after_help = "Examples:\n  \
                            grade-actor-server --config grades.toml page --output grades.html\n  \
                            grade-actor-server --config grades.toml page --hash")]
    Page {
        /// The file to write; by default the page is printed
        #[arg(long, value_name = "FILE", conflicts_with = "hash")]
        output: Option<PathBuf>,

        /// Print the page's SHA-256, which stands on the slips
        #[arg(long)]
        hash: bool,
    },
    /// Print the default settings, which explain every setting
    #[command(after_help = "Example:\n  grade-actor-server settings > grades.toml")]
    Settings,
    /// Print the completions of a shell
    #[command(after_help = "Examples:\n  \
                            grade-actor-server completions bash > /etc/bash_completion.d/grade-actor-server\n  \
                            grade-actor-server completions zsh > ~/.zfunc/_grade-actor-server")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  \
                            grade-actor-server man > /usr/local/share/man/man1/grade-actor-server.1")]
    Man,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Find records that were edited, removed, moved or cut off
    #[command(
        after_help = "Example:\n  grade-actor-server audit verify audit-2026-11.jsonl audit.jsonl"
    )]
    Verify {
        /// The files of the audit log, the oldest first
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Runs the program. Returns the exit code.
pub fn run() -> u8 {
    let arguments = match parse_arguments::<Arguments>() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match run_task(arguments) {
        Ok(text) => {
            print(&text);
            SUCCESS
        }
        Err(error) => {
            if !error.text.is_empty() {
                complain(&error.text);
            }
            error.exit_code
        }
    }
}

/// Runs the task that the arguments name. Returns the text to print.
fn run_task(arguments: Arguments) -> Result<String, CommandError> {
    let config = arguments.config.as_deref();
    match arguments.task {
        None if arguments.check => check::run(&Settings::read(config)?),
        None => serve_until_end(Settings::read(config)?),
        Some(Task::Audit { task: AuditCommand::Verify { files } }) => audit::verify(&files),
        Some(Task::Keys { task }) => keys_command::run(task, config),
        Some(Task::Explain { file, json }) => {
            let settings = config.map(|_| Settings::read(config)).transpose()?;
            let limits = settings.as_ref().map_or(keys::LIMITS, |settings| settings.read_limits);
            let explained = explain::run(&sources(file, config)?, &limits, settings, json)?;
            if explained.exit_code == SUCCESS {
                return Ok(explained.text);
            }
            print(&explained.text);
            Err(CommandError { text: String::new(), exit_code: explained.exit_code })
        }
        Some(Task::Page { output, hash }) => {
            let task = match &output {
                Some(path) => PageTask::Write(path),
                None if hash => PageTask::Hash,
                None => PageTask::Print,
            };
            page::run(&Settings::read(config)?, &task)
        }
        Some(Task::Settings) => Ok(default_settings().trim_end().to_owned()),
        Some(Task::Completions { shell }) => Ok(completions(shell, Arguments::command())),
        Some(Task::Man) => Ok(manual(Arguments::command())),
        Some(Task::Diff { file, marks, json }) => {
            diff::run(Settings::read(config)?, file, DiffOptions { marks, json })
        }
        Some(Task::Publish { file, accept, digest, redraw }) => {
            let options = PublishOptions { accept, digest, redraw };
            publish::run(Settings::read(config)?, file, options)
        }
        Some(Task::Editions { json }) => list::run(Settings::read(config)?, json),
        Some(Task::Rollback { edition }) => publish::roll_back(Settings::read(config)?, edition),
        Some(Task::Preview { id, command, staged }) => {
            preview::run(Settings::read(config)?, &id, &command.join(" "), staged)
        }
    }
}

/// Serves, and ends the process.
fn serve_until_end(settings: Settings) -> ! {
    let console = Console::open(settings.console, settings.command_line());
    grade_actors::run_in_task(async move {
        let code = match serve(settings, &console).await {
            Ok(ServeOutcome::Stopped) => SUCCESS,
            Ok(ServeOutcome::TooManyRestarts) => TOO_MANY_RESTARTS,
            Err(error) => {
                complain(&format!("{error:#}"));
                commands::FAILED
            }
        };
        console.flush();
        // Leaving by way of the runtime would wait for a file that is still being read.
        std::process::exit(i32::from(code))
    })
}
