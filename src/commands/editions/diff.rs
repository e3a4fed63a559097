//! `diff`: what publishing would change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use super::{ask, offer, unexpected};
use crate::command_line::{CommandLine, quoted};
use crate::commands::{CommandError, count};
use crate::publishing::{AssessmentReport, DiffReport, Done, State, StatisticsWord, Task};
use crate::redact::escape;
use crate::settings::Settings;

/// What to show.
#[derive(Clone, Copy)]
pub(crate) struct DiffOptions {
    /// Each mark that changes.
    pub(crate) marks: bool,
    /// JSON.
    pub(crate) json: bool,
}

/// Compares a file, or the class file, with the current edition.
pub(crate) fn run(
    settings: Settings,
    file: Option<PathBuf>,
    options: DiffOptions,
) -> Result<String, CommandError> {
    let publish = PublishCommand::new(&settings, file.as_deref(), None);
    let report = compared(settings, file, options.marks)?;
    if options.json {
        return serde_json::to_string(&report).map_err(CommandError::failed);
    }
    Ok(text(&report, &publish))
}

/// The command that publishes a file, or the class file.
#[derive(Clone)]
pub(super) struct PublishCommand {
    command_line: CommandLine,
    /// The file as an argument, behind a blank.
    file: String,
    /// The option that draws an assessment again, behind a blank.
    redraw: String,
    /// The option that says what was looked at, behind a blank.
    digest: String,
}

impl PublishCommand {
    pub(super) fn new(settings: &Settings, file: Option<&Path>, redraw: Option<&str>) -> Self {
        let file = file.map(|file| format!(" {}", quoted(file))).unwrap_or_default();
        let redraw = redraw.map(|name| format!(" --redraw {}", quoted(Path::new(name))));
        let redraw = redraw.unwrap_or_default();
        Self { command_line: settings.command_line(), file, redraw, digest: String::new() }
    }

    pub(super) fn with_digest(self, digest: Option<&str>) -> Self {
        let digest = digest.map(|digest| format!(" --digest {digest}")).unwrap_or_default();
        Self { digest, ..self }
    }

    pub(super) fn with(&self, options: &str) -> String {
        let Self { command_line, file, redraw, digest } = self;
        command_line.with(&format!("publish{file}{redraw}{options}{digest}"))
    }

    /// The command that shows what publishing would change.
    pub(super) fn diff(&self) -> String {
        self.command_line.with(&format!("diff{}", self.file))
    }
}

/// What publishing a file would change.
pub(crate) fn compare(
    settings: Settings,
    file: Option<PathBuf>,
) -> Result<DiffReport, CommandError> {
    compared(settings, file, false)
}

fn compared(
    settings: Settings,
    file: Option<PathBuf>,
    marks: bool,
) -> Result<DiffReport, CommandError> {
    let settings = Arc::new(settings);
    settings.history()?;
    let offer = offer(&settings, file)?;
    match ask(&settings, Task::Diff { marks }, offer.as_ref())? {
        Done::Diff(report) => Ok(report),
        _ => Err(unexpected()),
    }
}

/// A difference for people to read.
pub(super) fn text(report: &DiffReport, publish: &PublishCommand) -> String {
    let mut parts = vec![head(report)];
    if !report.assessments.is_empty() {
        parts.push(assessments(report));
    }
    if report.state != State::None && is_invisible(report) {
        parts.push(
            "no mark changes, but names, comments, full results, releases or statistics do"
                .to_owned(),
        );
    }
    if let Some(marks) = report.marks.as_ref().filter(|marks| !marks.is_empty()) {
        let blank = |mark: &Option<String>| match mark {
            Some(mark) => escape(mark).into_owned(),
            None => "(blank)".to_owned(),
        };
        let lines = marks.iter().map(|mark| {
            let (old, new) = (blank(&mark.old), blank(&mark.new));
            format!("{}, {}: {old} -> {new}", mark.id, escape(&mark.assessment))
        });
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    for held in &report.held {
        parts.push(format!("held: {}: {}", held.rule.word(), escape(&held.text)));
    }
    if let Some(digest) = &report.digest {
        let accept = if report.state == State::Held { " --accept" } else { "" };
        let command = publish.clone().with_digest(Some(digest)).with(accept);
        parts.push(format!("{command}\npublishes exactly this"));
    }
    parts.join("\n")
}

fn head(report: &DiffReport) -> String {
    let base = match report.base {
        Some(edition) => format!("edition {edition}"),
        None => "no edition".to_owned(),
    };
    if report.state == State::None {
        return format!("nothing to publish: the file says what {base} says");
    }
    let students = report.students;
    format!(
        "changes of {base}: {}, {}",
        verb(students.joined, "joins", "join"),
        verb(students.left, "leaves", "leave")
    )
}

/// Returns true if nothing that is counted changes.
fn is_invisible(report: &DiffReport) -> bool {
    let counted = |line: &AssessmentReport| line.new + line.changed + line.cleared;
    let marks: usize = report.assessments.iter().map(counted).sum();
    marks + report.students.joined + report.students.left == 0
}

/// `1 student joins`, `2 students join`.
fn verb(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number, "student"), if number == 1 { one } else { many })
}

/// What students then see of the statistics: `released, give or take 0.39`.
fn statistics(line: &AssessmentReport) -> String {
    let word = line.statistics.map(StatisticsWord::text).unwrap_or_default();
    match &line.uncertainty {
        Some(uncertainty) => format!("{word}, give or take {uncertainty}"),
        None => word.to_owned(),
    }
}

fn assessments(report: &DiffReport) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(["Assessment", "New", "Changed", "Cleared", "Students see it", "Statistics"]);
    for line in &report.assessments {
        table.add_row([
            escape(&line.assessment).into_owned(),
            line.new.to_string(),
            line.changed.to_string(),
            line.cleared.to_string(),
            if line.released { "yes" } else { "no" }.to_owned(),
            statistics(line),
        ]);
    }
    table.to_string()
}
