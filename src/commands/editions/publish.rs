//! `publish` and `rollback`: making an edition on purpose.

use std::io::{IsTerminal as _, stderr, stdin};
use std::path::PathBuf;
use std::sync::Arc;

use rustyline::DefaultEditor;

use super::diff::{PublishCommand, text};
use super::{ask, offer, unexpected};
use crate::commands::CommandError;
use crate::process::complain;
use crate::publishing::{DiffReport, Done, PublishOptions, Task};
use crate::settings::Settings;

/// Publishes a file, or the class file.
pub(crate) fn run(
    settings: Settings,
    file: Option<PathBuf>,
    options: PublishOptions,
) -> Result<String, CommandError> {
    let settings = Arc::new(settings);
    settings.history()?;
    let command = PublishCommand::new(&settings, file.as_deref(), options.redraw.as_deref());
    let command = command.with_digest(options.digest.as_deref());
    let offer = offer(&settings, file)?;
    let redraw = options.redraw.clone();
    let done = ask(&settings, Task::Publish(options), offer.as_ref())?;
    let Done::Unconfirmed { report, questions } = done else { return published(&done, &command) };
    if !confirms(&report, &questions, &command) {
        return Err(CommandError::failed(refusal(&report, &questions, &command)));
    }
    // Exactly what was shown, and not what was saved since.
    let accepted = PublishOptions { accept: true, digest: report.digest, redraw };
    published(&ask(&settings, Task::Publish(accepted), offer.as_ref())?, &command)
}

/// Publishes an earlier edition again.
pub(crate) fn roll_back(settings: Settings, edition: u64) -> Result<String, CommandError> {
    let settings = Arc::new(settings);
    settings.history()?;
    match ask(&settings, Task::Rollback { edition }, None)? {
        Done::Published { edition: new } => Ok(format!(
            "edition {new} is published, with the content of edition {edition}; a class file that says \
             something else is held until it changes"
        )),
        Done::Nothing { .. } => Ok(format!("edition {edition} is the current edition")),
        _ => Err(unexpected()),
    }
}

fn published(done: &Done, command: &PublishCommand) -> Result<String, CommandError> {
    match done {
        Done::Published { edition } => Ok(format!("edition {edition} is published")),
        Done::Nothing { edition: Some(edition) } => {
            Ok(format!("nothing to publish: the file says what edition {edition} says"))
        }
        Done::Nothing { edition: None } => Ok("nothing to publish".to_owned()),
        Done::Unconfirmed { report, questions } => {
            Err(CommandError::failed(refusal(report, questions, command)))
        }
        _ => Err(unexpected()),
    }
}

/// Asks at a terminal whether to publish.
fn confirms(report: &DiffReport, questions: &[String], command: &PublishCommand) -> bool {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return false;
    }
    complain(&format!("please look at this\n{}", text(report, command)));
    for question in questions {
        complain(question);
    }
    let answer = DefaultEditor::new().and_then(|mut editor| editor.readline("publish it? [y/N] "));
    answer.is_ok_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn refusal(report: &DiffReport, questions: &[String], command: &PublishCommand) -> String {
    let mut lines = Vec::new();
    if !report.held.is_empty() {
        lines.push("not published, since this looks wrong:".to_owned());
    }
    for held in &report.held {
        lines.push(format!("  {}: {}", held.rule.word(), held.text));
    }
    for question in questions {
        lines.push(format!("not published: {question}"));
    }
    lines.push(format!("look at it with {}", command.diff()));
    lines.push(format!("publish it with {}", command.with(" --accept")));
    lines.join("\n")
}
