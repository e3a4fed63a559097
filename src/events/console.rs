//! The console: standard output in one of several styles.

use std::sync::Arc;
use std::time::Duration;

use grade_actors::event::SharedSink;

use super::console_lab::LabConsole;
use super::console_log::LogConsole;
use super::fanout::Fanout;
use super::printer::Printer;
use crate::command_line::CommandLine;

/// How long the end of the program waits for its last lines to be printed.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// What the console prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleStyle {
    /// The lab's lines.
    Lab,
    /// One text line for each event.
    Log,
    /// One JSON object for each event.
    Json,
    /// Nothing.
    Quiet,
}

/// A console on standard output.
pub struct Console {
    sink: SharedSink,
    printer: Option<Printer>,
}

impl Console {
    /// Opens the console, which shows commands as this command line has them.
    pub fn open(style: ConsoleStyle, command_line: CommandLine) -> Self {
        if style == ConsoleStyle::Quiet {
            return Self { sink: Arc::new(Fanout::new(Vec::new())), printer: None };
        }
        let printer = Printer::open(std::io::stdout());
        let sink: SharedSink = match style {
            ConsoleStyle::Lab => Arc::new(LabConsole::new(printer.clone(), command_line)),
            ConsoleStyle::Json => Arc::new(LogConsole::json(printer.clone(), command_line)),
            ConsoleStyle::Log | ConsoleStyle::Quiet => {
                Arc::new(LogConsole::text(printer.clone(), command_line))
            }
        };
        Self { sink, printer: Some(printer) }
    }

    /// The console as a sink.
    pub fn sink(&self) -> SharedSink {
        Arc::clone(&self.sink)
    }

    /// Waits until the lines so far are printed, for a second at most.
    pub fn flush(&self) {
        if let Some(printer) = &self.printer {
            printer.flush(FLUSH_TIMEOUT);
        }
    }
}
