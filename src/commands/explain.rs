//! `explain`: what is understood of a class file, column by column.

use std::time::SystemTime;

use class_files::{ExplainedError, ExplainedUse, Explanation, ReadLimits};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use fernet_batch::Timestamp;
use gradebook::{Class, Drawing, EditionNumber, Publication, ReleaseHistory};
use serde::Serialize;

use super::editions::diff;
use super::{CommandError, FAILED, count};
use crate::files::load::{Sources, explain};
use crate::publishing::StatisticsWord;
use crate::redact::escape;
use crate::settings::Settings;

/// Explains a class file. Returns the text to print, and whether the file has errors. With settings for private
/// statistics, it states what would be released of them.
pub(crate) fn run(
    sources: &Sources,
    limits: &ReadLimits,
    settings: Option<Settings>,
    as_json: bool,
) -> Result<Explained, CommandError> {
    let (explanation, class) = explain(sources, limits).map_err(CommandError::failed)?;
    let settings = settings.filter(|settings| settings.policy.is_private());
    let statistics =
        class.zip(settings).map(|(class, settings)| statistics(class, sources, settings));
    let text = if as_json {
        let json = ExplanationJson { explanation: &explanation, statistics };
        serde_json::to_string(&json).map_err(CommandError::failed)?
    } else {
        let statistics = statistics.into_iter().flatten().map(|line| line.text());
        let lines: Vec<_> = std::iter::once(text(&explanation)).chain(statistics).collect();
        lines.join("\n")
    };
    let exit_code = if explanation.errors_total > 0 { FAILED } else { 0 };
    Ok(Explained { text, exit_code })
}

/// An explanation with what would be released.
#[derive(Serialize)]
struct ExplanationJson<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Vec<StatisticsLine>>,
}

/// What would be released of the statistics of an assessment.
#[derive(Serialize)]
struct StatisticsLine {
    assessment: String,
    statistics: StatisticsWord,
    /// `None` if the mean is exact, or none is shown.
    uncertainty: Option<serde_json::Number>,
}

impl StatisticsLine {
    /// `statistics of "Lab 1": released, give or take 0.39`
    fn text(&self) -> String {
        let Self { assessment, statistics, uncertainty } = self;
        let word = statistics.text();
        let uncertainty = uncertainty.as_ref().map(|number| format!(", give or take {number}"));
        let uncertainty = uncertainty.unwrap_or_default();
        format!("statistics of {:?}: {word}{uncertainty}", escape(assessment))
    }
}

/// What would be released of a class: by its history, or as the first one if that cannot be asked.
fn statistics(class: Class, sources: &Sources, settings: Settings) -> Vec<StatisticsLine> {
    let policy = settings.policy;
    let drawing = if settings.history.is_some() { Drawing::Confirmed } else { Drawing::NoHistory };
    if let Ok(report) = diff::compare(settings, Some(sources.class.clone())) {
        let lines = report.assessments.into_iter().filter_map(|line| {
            let (assessment, uncertainty) = (line.assessment, line.uncertainty);
            Some(StatisticsLine { assessment, statistics: line.statistics?, uncertainty })
        });
        return lines.collect();
    }
    let now = Timestamp::of(SystemTime::now());
    let class = class.released_at(now);
    let stamp = EditionNumber(1).published_at(now);
    let publication = Publication { stamp, class: &class, policy, drawing };
    // Nothing is drawn again, so there is a plan.
    let Ok(plan) = ReleaseHistory::default().plan(publication) else { return Vec::new() };
    let lines = class.assessments().zip(plan.forecasts()).map(|(name, forecast)| StatisticsLine {
        assessment: name.to_owned(),
        statistics: forecast.decision.into(),
        uncertainty: forecast.uncertainty.and_then(|number| number.to_string().parse().ok()),
    });
    lines.collect()
}

/// A file that was explained.
pub(crate) struct Explained {
    pub(crate) text: String,
    /// [`FAILED`] if the file has errors.
    pub(crate) exit_code: u8,
}

fn text(explanation: &Explanation) -> String {
    let mut parts = vec![head(explanation)];
    if !explanation.columns.is_empty() {
        parts.push(columns(explanation));
    }
    if explanation.skipped_rows_total > 0 {
        parts.push(skipped(explanation));
    }
    parts
        .extend(explanation.warnings.iter().map(|warning| format!("warning: {}", escape(warning))));
    if explanation.errors_total > 0 {
        parts.push(errors(explanation));
    } else {
        parts.push(published(explanation));
    }
    parts.join("\n")
}

/// `canvas.csv: canvas, UTF-8, cells separated by ",", decimal ".", 2 students`
fn head(explanation: &Explanation) -> String {
    let mut parts = Vec::new();
    parts.push(explanation.shape.unwrap_or("no known shape").to_owned());
    parts.extend(explanation.encoding.map(str::to_owned));
    let separator = explanation.separator.as_ref();
    parts.extend(separator.map(|separator| format!("cells separated by {separator:?}")));
    parts.extend(explanation.decimal.map(|decimal| format!("decimals with {decimal:?}")));
    parts.push(count(explanation.students, "student"));
    format!("{}: {}", escape(&explanation.file), parts.join(", "))
}

fn columns(explanation: &Explanation) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(["Column", "Use", "What it means"]);
    for column in &explanation.columns {
        let (usage, meaning) = meaning(&column.usage);
        table.add_row([escape(&column.column).as_ref(), usage, escape(&meaning).as_ref()]);
    }
    table.to_string()
}

fn meaning(usage: &ExplainedUse) -> (&'static str, String) {
    match usage {
        ExplainedUse::Id => ("id", "the student's ID".to_owned()),
        ExplainedUse::Name => ("name", "the student's name".to_owned()),
        ExplainedUse::Key => ("key", "the student's keys".to_owned()),
        ExplainedUse::Assessment { assessment, out_of, released, release } => {
            let mut meaning = format!("{assessment:?}");
            if let Some(out_of) = out_of {
                meaning.push_str(&format!(" out of {out_of}"));
            }
            match release {
                Some(moment) => meaning.push_str(&format!(", hidden until {moment}")),
                None if !released => meaning.push_str(", hidden"),
                None => {}
            }
            ("assessment", meaning)
        }
        ExplainedUse::Comment { assessment } => ("comment", format!("on {assessment:?}")),
        ExplainedUse::Ignored { reason } => ("ignored", reason.clone()),
    }
}

fn skipped(explanation: &Explanation) -> String {
    let rows = explanation.skipped_rows.iter();
    let rows: Vec<_> = rows.map(|row| format!("row {} ({})", row.row, row.reason)).collect();
    let more = explanation.skipped_rows_total.saturating_sub(rows.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("not students: {}{more}", rows.join(", "))
}

fn errors(explanation: &Explanation) -> String {
    let mut lines =
        vec![format!("{}; nothing would be published:", count(explanation.errors_total, "error"))];
    lines
        .extend(explanation.errors.iter().map(|error| format!("  {}", escape(&error_text(error)))));
    let more = explanation.errors_total.saturating_sub(explanation.errors.len());
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}

fn error_text(error: &ExplainedError) -> String {
    let mut place = Vec::new();
    place.extend(error.file.map(str::to_owned));
    place.extend(error.row.map(|row| format!("row {row}")));
    place.extend(error.column.as_ref().map(|column| format!("column {column:?}")));
    let separator = if place.is_empty() { "" } else { ": " };
    format!("{}{separator}{}", place.join(", "), error.message)
}

fn published(explanation: &Explanation) -> String {
    let names: Vec<_> = explanation.released().map(|name| format!("{:?}", escape(name))).collect();
    let now = Timestamp::of(SystemTime::now());
    if names.is_empty() {
        return format!(
            "published at {now}: {} and no marks",
            count(explanation.students, "student")
        );
    }
    format!(
        "published at {now}: {} with {}",
        count(explanation.students, "student"),
        names.join(", ")
    )
}
