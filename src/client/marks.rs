//! The marks in an answer, as data.

use gradebook::Command;
use serde_json::Value;

use super::reply::Answer;
use super::request::ClientRequest;

/// One assessment of a student.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) assessment: String,
    /// Empty for a blank mark.
    pub(super) mark: String,
}

/// The marks in the answer to `GG` or `REPORT`; `None` if it is not one, or has another form.
pub(super) fn marks(request: &ClientRequest, answer: &Answer) -> Option<Vec<Mark>> {
    match request.command() {
        Command::Grades => grades(&answer.text),
        Command::Report => {
            let report: Value = serde_json::from_str(&answer.text).ok()?;
            let lines = report.get("assessments")?.as_array()?.iter();
            let mark = |line: &Value| Mark {
                assessment: text(line.get("assessment")),
                mark: mark_text(line),
            };
            Some(lines.map(mark).collect())
        }
        _ => None,
    }
}

/// The marks of `Lab 1: 3, Lab 2: 9`; those that it lists, if the server has cut it.
fn grades(text: &str) -> Option<Vec<Mark>> {
    /// What the server appends to a list that it has cut.
    const MORE: &str = ", ... (REPORT shows all)";
    let mut marks = Vec::new();
    for part in text.strip_suffix(MORE).unwrap_or(text).split(", ") {
        let (assessment, mark) = part.rsplit_once(':')?;
        marks.push(Mark { assessment: assessment.to_owned(), mark: mark.trim().to_owned() });
    }
    Some(marks)
}

/// What `GG` writes for an excused mark and for a missing one, and the words for them.
const STATES: [(&str, &str); 2] = [("EX", "excused"), ("MI", "missing")];

/// The mark in a line of a report, as `GG` writes it.
fn mark_text(line: &Value) -> String {
    let status = text(line.get("status"));
    let state = STATES.iter().find(|(_, word)| *word == status);
    match (state, line.get("letter")) {
        (Some((short, _)), _) => (*short).to_owned(),
        (None, Some(letter @ Value::String(_))) => text(Some(letter)),
        (None, _) => text(line.get("mark")),
    }
}

/// A mark as a person reads it: `9.5 / 10` in a report that states the full result, `excused`.
pub(super) fn readable(mark: &str, line: Option<&Value>) -> String {
    let out_of = line.map(|line| text(line.get("out_of"))).unwrap_or_default();
    let is_number = line.is_none_or(|line| matches!(line.get("mark"), Some(Value::Number(_))));
    let is_word = line.is_some_and(|line| matches!(line.get("letter"), Some(Value::String(_))));
    match STATES.iter().find(|(short, _)| *short == mark) {
        Some((_, word)) if !is_word => (*word).to_owned(),
        _ if is_number && !out_of.is_empty() && !mark.is_empty() => format!("{mark} / {out_of}"),
        _ => mark.to_owned(),
    }
}

/// The mark in a line of a report as a person reads it.
pub(super) fn readable_line(line: &Value) -> String {
    readable(&mark_text(line), Some(line))
}

/// A JSON value as text; a blank for `null` or nothing.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

impl Mark {
    /// The mark as JSON: a number, a text, or `null` for a blank.
    pub(super) fn value(&self) -> Value {
        match self.mark.as_str() {
            "" => Value::Null,
            mark => match serde_json::from_str(mark) {
                Ok(number @ Value::Number(_)) => number,
                _ => Value::from(mark),
            },
        }
    }
}
