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
use gradebook::{Edition, Publications};

const SUCCESS: u8 = 0;
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
    match Settings::read(arguments.config.as_deref()) {
        Ok(settings) if arguments.check => ExitCode::from(check(&settings)),
        Ok(settings) => run(settings),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(BAD_SETTINGS)
        }
    }
}

fn check(settings: &Settings) -> u8 {
    let book =
        match load(&settings.class_file, &settings.read, Edition(1), &Publications::default()) {
            Ok(loaded) => loaded.book,
            Err(error) => {
                complain(&error.to_string());
                return CANNOT_SERVE;
            }
        };
    let (file, students) = (settings.class_file.display(), book.students());
    let assessments = book.assessments().count();
    let text = format!("{students} students, {assessments} assessments; settings are valid");
    // Nobody who closed the pipe wants to hear of it.
    let _ = writeln!(std::io::stdout(), "{file}: {text}");
    SUCCESS
}

fn run(settings: Settings) -> ! {
    let console = Arc::new(Console::open(settings.style));
    grade_actors::run(async move {
        let code = match serve(settings, Arc::clone(&console)).await {
            Ok(End::Stopped) => SUCCESS,
            Ok(End::Broken) => TOO_MANY_RESTARTS,
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

fn complain(text: &str) {
    // Standard error may be closed, and then there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "grade-actor-server: {text}");
}

/// Says where a panic happened, and not what it said: that may hold a secret.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    complain(&format!("internal fault at {place}"));
}
