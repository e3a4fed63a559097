//! `editions`: which editions there are; and `preview` of what a student reads.

use std::sync::Arc;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use super::{ask, unexpected};
use crate::commands::CommandError;
use crate::process::complain;
use crate::publishing::{Done, EditionReport, EditionsReport, State, Task};
use crate::redact::escape;
use crate::settings::Settings;

/// Lists the editions that are kept.
pub(crate) fn run(settings: Settings, json: bool) -> Result<String, CommandError> {
    let settings = Arc::new(settings);
    let diff = settings.command_line().with("diff");
    let Done::Editions(report) = ask(&settings, Task::Editions, None)? else {
        return Err(unexpected());
    };
    if json {
        return serde_json::to_string(&report).map_err(CommandError::failed);
    }
    Ok(text(&report, &diff))
}

/// What a student reads.
pub(crate) fn preview(
    settings: Settings,
    id: &str,
    command: &str,
    staged: bool,
) -> Result<String, CommandError> {
    let settings = Arc::new(settings);
    let task = Task::Preview { id: id.to_owned(), command: command.to_owned(), staged };
    let Done::Preview { text, warnings } = ask(&settings, task, None)? else {
        return Err(unexpected());
    };
    for warning in warnings {
        complain(&format!("warning: {warning}"));
    }
    Ok(escape(&text).into_owned())
}

fn text(report: &EditionsReport, diff: &str) -> String {
    let mut parts = Vec::new();
    if report.editions.is_empty() {
        parts.push("no edition has been published yet".to_owned());
    } else {
        parts.push(table(&report.editions));
    }
    if let Some(staged) = &report.staged {
        let rules: Vec<_> = staged.held.iter().map(|held| held.rule.word()).collect();
        let state = match staged.state {
            State::Held => format!("held ({})", rules.join(", ")),
            State::Staged | State::None => "staged".to_owned(),
        };
        parts.push(format!("the class file is {state}; {diff} shows its changes"));
    }
    parts.join("\n")
}

fn table(editions: &[EditionReport]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(["Edition", "Published", "By", "Students", "Assessments", "Marks", "On hold"]);
    for edition in editions {
        let of = edition.of.map(|of| format!(" to {of}")).unwrap_or_default();
        let who = edition.who.as_ref().map(|who| format!(" ({})", escape(who))).unwrap_or_default();
        table.add_row([
            edition.edition.to_string(),
            edition.time.clone(),
            format!("{}{of}{who}", edition.by.word()),
            edition.students.to_string(),
            edition.assessments.to_string(),
            edition.marks.to_string(),
            edition.on_hold.to_string(),
        ]);
    }
    table.to_string()
}
