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
                mark: text(line.get("mark")),
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
