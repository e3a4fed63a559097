//! The command line of `grade-actor-server keys`.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::commands::keys::{KeyIds, KeysTask};
use crate::commands::slips::{SlipFormat, SlipOptions};
use crate::commands::{CommandError, keys, slips};
use crate::files::load::Sources;
use crate::settings::{Settings, SettingsError};

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key for each student of a class file who has none
    #[command(after_help = "Example:\n  grade-actor-server keys issue class.csv --output keys.csv")]
    Issue {
        /// The class file, with a column ID Number
        class: PathBuf,

        /// The key file to create or add to; by default keys.csv beside the class file
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Make new keys for students; the old ones stay valid until they are retired
    #[command(
        after_help = "Examples:\n  grade-actor-server --config grades.toml keys rotate 2100001\n  grade-actor-server keys rotate --keys keys.csv --stolen 2100001"
    )]
    Rotate {
        /// The student IDs
        #[arg(required = true)]
        ids: Vec<String>,

        /// The key file; by default gradebook.keys_file
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,

        /// Somebody else knows the old keys: they are no longer valid
        #[arg(long)]
        stolen: bool,
    },
    /// Remove the old keys of students who have the new ones
    #[command(
        after_help = "Example:\n  grade-actor-server --config grades.toml keys retire 2100001"
    )]
    Retire {
        /// The student IDs
        #[arg(required = true)]
        ids: Vec<String>,

        /// The key file; by default gradebook.keys_file
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Remove students from the key file
    #[command(after_help = "Example:\n  grade-actor-server --config grades.toml keys drop 2100001")]
    Drop {
        /// The student IDs
        #[arg(required = true)]
        ids: Vec<String>,

        /// The key file; by default gradebook.keys_file
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Check that the class and its keys belong together
    #[command(after_help = "Example:\n  grade-actor-server --config grades.toml keys check")]
    Check,
    /// Write a slip of paper for each student, with key and fingerprint
    #[command(
        after_help = "Examples:\n  grade-actor-server --config grades.toml keys slips --server grades.example.org\n  grade-actor-server --config grades.toml keys slips --html\n  grade-actor-server --config grades.toml keys slips --per-student slips"
    )]
    Slips {
        /// The student IDs; all students by default
        ids: Vec<String>,

        /// The server's address for students; server.listen by default
        #[arg(long, value_name = "HOST:PORT")]
        server: Option<String>,

        /// Write a sheet to print from a browser, with a QR code for each student
        #[arg(long)]
        html: bool,

        /// Write a table for mail merge
        #[arg(long, conflicts_with = "html")]
        csv: bool,

        /// The file, which must be new; by default slips.txt, slips.html or slips.csv beside the key file
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,

        /// Write a file for each student into this folder
        #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "csv"])]
        per_student: Option<PathBuf>,
    },
}

/// The key file that is given, or else that of the settings.
fn key_file(given: Option<PathBuf>, config: Option<&Path>) -> Result<PathBuf, SettingsError> {
    given.map_or_else(|| Settings::read(config)?.keys_file(), Ok)
}

/// The class file that is given, or else that of the settings; with settings, read as they say.
pub(super) fn sources(
    class: Option<PathBuf>,
    config: Option<&Path>,
) -> Result<Sources, SettingsError> {
    let sources = match (config, &class) {
        (None, Some(class)) => return Ok(Sources::of_class_file(class.clone())),
        _ => Settings::read(config)?.sources,
    };
    Ok(Sources { class: class.unwrap_or(sources.class), ..sources })
}

/// Runs a task with keys. Returns the text to print.
pub(super) fn run(task: KeysCommand, config: Option<&Path>) -> Result<String, CommandError> {
    let done = match task {
        KeysCommand::Issue { class, output } => {
            keys::issue(&sources(Some(class), config)?, output.as_deref())
        }
        KeysCommand::Rotate { ids, keys, stolen } => {
            let ids = KeyIds { file: key_file(keys, config)?, ids };
            keys::update(&ids, KeysTask::Rotate { stolen })
        }
        KeysCommand::Retire { ids, keys } => {
            let ids = KeyIds { file: key_file(keys, config)?, ids };
            keys::update(&ids, KeysTask::Retire)
        }
        KeysCommand::Drop { ids, keys } => {
            let ids = KeyIds { file: key_file(keys, config)?, ids };
            keys::update(&ids, KeysTask::Drop)
        }
        KeysCommand::Check => keys::check(&Settings::read(config)?),
        KeysCommand::Slips { ids, server, html, csv, output, per_student } => {
            let options = SlipOptions {
                ids: &ids,
                server: server.as_deref(),
                format: match (html, csv) {
                    (true, _) => SlipFormat::Sheet,
                    (_, true) => SlipFormat::MailMerge,
                    _ => SlipFormat::Text,
                },
                output: output.as_deref(),
                per_student: per_student.as_deref(),
            };
            let settings = Settings::read(config)?;
            if html {
                settings.page()?;
                settings.public_url()?;
            }
            slips::write(&settings, &options)
        }
    };
    done.map_err(CommandError::failed)
}
