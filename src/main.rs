//! `grade-actor-server`: hands each student their own grades and the class averages, sealed with
//! that student's own key.
//!
//! Exit codes: 0 clean stop · 1 cannot serve (port taken, class file refused) · 2 usage or settings ·
//! 70 too many restarts.

use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use grade_actor_server::console::Console;
use grade_actor_server::loading::load;
use grade_actor_server::service::{End, serve};
use grade_actor_server::settings::Settings;
use gradebook::Edition;

const CANNOT_SERVE: u8 = 1;
const BAD_SETTINGS: u8 = 2;
const TOO_MANY_RESTARTS: u8 = 70;

/// Hands each student their own grades and the class averages, sealed with that student's own key.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 clean stop, 1 cannot serve, 2 usage or settings, \
    70 too many restarts.\nSignals: SIGINT and SIGTERM stop, a second one at once; SIGHUP loads the \
    class file again."
)]
struct Arguments {
    /// The settings file; settings/default.toml explains every setting
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Check the settings and the class file, and exit
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(report_panic));
    let arguments = Arguments::parse();
    let settings = match Settings::read(arguments.config.as_deref()) {
        Ok(settings) => settings,
        Err(error) => return fail(BAD_SETTINGS, &error.to_string()),
    };
    let end = if arguments.check { check(&settings) } else { run(settings) };
    end.unwrap_or_else(|error| fail(CANNOT_SERVE, &format!("{error:#}")))
}

fn check(settings: &Settings) -> anyhow::Result<ExitCode> {
    let book = load(&settings.class_file, &settings.read, Edition(1))?.book;
    let (file, students) = (settings.class_file.display(), book.students());
    let assessments = book.assessments().count();
    let mut out = std::io::stdout();
    // Nobody who closed the pipe wants to hear of it.
    let _ =
        writeln!(out, "{file}: {students} students, {assessments} assessments; settings are valid");
    Ok(ExitCode::SUCCESS)
}

fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let (console, waiting_lines) = Console::open(settings.style);
    let served = grade_actors::run(serve(settings, Arc::new(console)));
    drop(waiting_lines);
    Ok(match served? {
        End::Stopped => ExitCode::SUCCESS,
        End::Broken => ExitCode::from(TOO_MANY_RESTARTS),
    })
}

fn fail(code: u8, text: &str) -> ExitCode {
    // Standard error may be closed, and then there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "grade-actor-server: {text}");
    ExitCode::from(code)
}

/// Says where a panic happened, and not what it said: that may hold a secret.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    let _ = writeln!(std::io::stderr(), "grade-actor-server: internal fault at {place}");
}
