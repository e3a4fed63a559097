//! How the client shows answers: a plain line, a table on a terminal, or JSON for machines.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

use fernet_batch::redact::redact_keys;
use gradebook::Command;
use serde_json::{Value, json};

use super::error::ClientError;
use super::marks::{Mark, marks};
use super::reply::Answer;
use super::request::ClientRequest;
use super::table::{Terminal, table};
use crate::redact::{escape, redact_word};

/// How to show answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The answer's text as a line.
    Plain,
    /// A table, where the answer can be one; for people at a terminal.
    Table(Terminal),
    /// One JSON object a line.
    Json,
}

impl Style {
    /// The style for standard output: JSON if requested, tables at a terminal, plain lines otherwise.
    pub(super) fn of_output(json: bool) -> Self {
        let is = |variable, dull: fn(&OsStr) -> bool| {
            std::env::var_os(variable).is_some_and(|value| dull(&value))
        };
        let bold = !is("NO_COLOR", |value| !value.is_empty()) && !is("TERM", |term| term == "dumb");
        match (json, io::stdout().is_terminal()) {
            (true, _) => Self::Json,
            (_, true) => Self::Table(Terminal { bold, columns: terminal_columns() }),
            _ => Self::Plain,
        }
    }
}

/// Shows an answer.
///
/// # Errors
/// Returns an error if the answer cannot be written.
pub(super) fn show(
    out: &mut impl Write,
    style: Style,
    request: &ClientRequest,
    answer: &Answer,
) -> io::Result<()> {
    match style {
        Style::Plain => writeln!(out, "{}", escape(&answer.text)),
        Style::Json => {
            let mut object = json!({
                "id": request.id,
                "command": request.command_text(),
                "ok": true,
                "time": answer.time.to_string(),
            });
            let (field, value) = match serde_json::from_str(&answer.text) {
                Ok(report @ Value::Object(_)) => ("report", report),
                _ => ("answer", Value::from(answer.text.as_str())),
            };
            if let Some(object) = object.as_object_mut() {
                object.insert(field.to_owned(), value);
                if let (Command::Grades, Some(marks)) = (request.command(), marks(request, answer))
                {
                    object.insert("marks".to_owned(), marks_value(&marks));
                }
            }
            writeln!(out, "{object}")
        }
        Style::Table(terminal) => match table(request, answer, terminal) {
            Some(table) => writeln!(out, "{table}"),
            None => writeln!(out, "{}", escape(&answer.text)),
        },
    }
}

/// The width of the terminal, or that of a usual one.
fn terminal_columns() -> usize {
    const USUAL_COLUMNS: usize = 80;
    terminal_size::terminal_size().map_or(USUAL_COLUMNS, |(columns, _)| usize::from(columns.0))
}

/// Marks as a list of objects.
fn marks_value(marks: &[Mark]) -> Value {
    let object = |mark: &Mark| json!({ "assessment": mark.assessment, "mark": mark.value() });
    marks.iter().map(object).collect()
}

/// Shows, in JSON only, that there is no answer. People read that on standard error.
///
/// # Errors
/// Returns an error if the answer cannot be written.
pub(super) fn show_error(
    out: &mut impl Write,
    style: Style,
    id: &str,
    command: &str,
    error: &ClientError,
) -> io::Result<()> {
    if style != Style::Json {
        return Ok(());
    }
    // Whoever typed a key in the wrong place must not find it in a file of answers.
    let text = error.to_string();
    let object = json!({
        "id": redact_word(id),
        "command": redact_word(command),
        "ok": false,
        "error": { "code": error.exit_code(), "word": error.word(), "text": redact_keys(&text) },
    });
    writeln!(out, "{object}")
}

/// Shows, in JSON only, that the arguments are not valid. People read that on standard error.
///
/// # Errors
/// Returns an error if it cannot be written.
pub(super) fn show_usage_error(out: &mut impl Write, code: u8, text: &str) -> io::Result<()> {
    let object = json!({ "ok": false, "error": { "code": code, "word": "usage", "text": text } });
    writeln!(out, "{object}")
}

#[cfg(test)]
mod tests {
    use fernet_batch::{Key, Timestamp};

    use super::*;

    fn display(style: Style, command: &str, text: &str) -> String {
        let key = Key::parse(b"__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4=").unwrap();
        let request = ClientRequest::new("2100001", command, key, None).unwrap();
        let answer = Answer { time: Timestamp(1_800_000_000), text: text.into() };
        let mut out = Vec::new();
        show(&mut out, style, &request, &answer).unwrap();
        String::from_utf8(out).unwrap().replace('\u{a0}', " ")
    }

    #[test]
    fn a_plain_answer_is_one_line_with_control_characters_escaped() {
        assert_eq!(display(Style::Plain, "GG", "Lab 1: 3\n\u{1b}[2J"), "Lab 1: 3\\n\\u{1b}[2J\n");
    }

    #[test]
    fn json_is_one_object_a_line() {
        assert_eq!(
            display(Style::Json, "GMA", "Midterm average: 7"),
            "{\"answer\":\"Midterm average: 7\",\"command\":\"GMA\",\"id\":\"2100001\",\"ok\":true,\
             \"time\":\"2027-01-15T08:00:00Z\"}\n"
        );
        let report = display(Style::Json, "REPORT", "{\"edition\":3}");
        assert!(report.contains("\"report\":{\"edition\":3}"), "{report}");
    }

    #[test]
    fn grades_are_data_in_json() {
        let json = display(Style::Json, "GG", "Lab 1: 9.25, Lab 2: 10, Lab 3: EX, Exam: ");
        let object: Value = serde_json::from_str(&json).unwrap();
        let mark =
            |assessment: &str, mark: Value| json!({ "assessment": assessment, "mark": mark });
        assert_eq!(
            object["marks"],
            json!([
                mark("Lab 1", json!(9.25)),
                mark("Lab 2", json!(10)),
                mark("Lab 3", json!("EX")),
                mark("Exam", Value::Null)
            ])
        );
    }

    fn terminal(columns: usize) -> Style {
        Style::Table(Terminal { bold: false, columns })
    }

    #[test]
    fn a_table_aligns_marks_at_the_point() {
        assert_eq!(
            display(terminal(80), "GG", "Lab 1: 10, Lab 2: 9.25, Midterm: "),
            "┌────────────┬───────┐\n\
             │ Assessment ┆  Mark │\n\
             ╞════════════╪═══════╡\n\
             │ Lab 1      ┆ 10    │\n\
             │ Lab 2      ┆  9.25 │\n\
             │ Midterm    ┆       │\n\
             └────────────┴───────┘\n"
        );
        assert_eq!(display(terminal(80), "GMA", "Midterm average: 7"), "Midterm average: 7\n");
        assert_eq!(display(terminal(80), "GG", "no assessments yet"), "no assessments yet\n");
    }

    #[test]
    fn a_table_that_does_not_fit_the_terminal_is_lines() {
        assert_eq!(display(terminal(20), "GG", "Lab 1: 10, Midterm: "), "Lab 1: 10\nMidterm: \n");
        let report = r#"{"id":"2100001","edition":3,"published":"2026-11-22T14:05:00Z","assessments":[
            {"assessment":"Lab 1","mark":7,"class":{"count":20,"mean":5.35,"median":5}},
            {"assessment":"Lab 2","mark":null,"class":{"withheld":"fewer than 5 marks"}}]}"#;
        assert_eq!(
            display(terminal(40), "REPORT", report),
            "Lab 1: 7; Mean 5.35, Median 5, Marks 20\n\
             Lab 2: \n\
             Lab 2: no class figures: fewer than 5 marks\n\
             as of 22 Nov 2026, 14:05 UTC\n"
        );
        let wide = display(terminal(80), "REPORT", report);
        assert!(wide.starts_with('┌') && wide.contains("\nas of 22 Nov 2026"), "{wide}");
    }

    #[test]
    fn a_report_with_private_figures_shows_how_uncertain_they_are() {
        let report = r#"{"published":"2026-11-22T14:05:00Z","assessments":[
            {"assessment":"Lab 1","mark":9,"status":"number","out_of":10,"class":{"policy":"private","count":64,
             "mean":6.4,"uncertainty":0.26,"median":{"value":6.5,"from":6,"to":7}}}]}"#;
        assert_eq!(
            display(terminal(60), "REPORT", report),
            "Lab 1: 9 / 10 ──────│──●─; Mean about 6.4 of 10 (give or take 0.26), Median 6.5 (6 to 7), Marks 64\n\
             as of 22 Nov 2026, 14:05 UTC\n"
        );
        let wide = display(terminal(120), "REPORT", report);
        assert!(wide.contains("about 6.4 of 10 (give or take 0.26)"), "{wide}");
        assert!(wide.contains("\u{2500}\u{2502}\u{2500}\u{2500}\u{25cf}\u{2500}"), "{wide}");
        assert!(!wide.contains("Lowest"), "no private figure");
    }

    #[test]
    fn a_report_shows_full_results_states_and_comments() {
        let line = |assessment: &str, mark: &str, status: &str, letter: &str, comment: &str| {
            format!(
                r#"{{"assessment":"{assessment}","mark":{mark},"status":"{status}","letter":{letter},
                "out_of":10,"comment":{comment},"class":{{}}}}"#
            )
        };
        let comment = r#""Well argued, but the second proof\nlacks a case""#;
        let lines = [
            line("Lab 1", "9.5", "number", "null", comment),
            line("Lab 2", "10", "number", "null", "null"),
            line("Lab 3", "null", "excused", "null", "null"),
            line("Lab 4", "null", "missing", "null", "null"),
            line("Quiz", "null", "letter", r#""EX""#, "null"),
            line("Exam", "null", "blank", "null", "null"),
        ];
        let report = format!(r#"{{"assessments":[{}]}}"#, lines.join(","));
        let shown = display(terminal(24), "REPORT", &report);
        assert_eq!(
            shown,
            "Lab 1: 9.5 / 10\nLab 2: 10 / 10\nLab 3: excused\nLab 4: missing\nQuiz: EX\nExam: \n\
             Lab 1: Well argued, but\n  the second proof lacks\n  a case\n"
        );
        let shown = display(terminal(100), "REPORT", &report);
        assert!(shown.contains("\u{2502} Lab 1      \u{2506}  9.5 / 10 \u{2502}"), "{shown}");
        assert!(shown.contains("\u{2502} Lab 2      \u{2506} 10   / 10 \u{2502}"), "{shown}");
        assert!(shown.contains("excused") && shown.ends_with("lacks a case\n"), "{shown}");
        let grades = display(terminal(80), "GG", "Lab 1: EX, Lab 2: MI, Lab 3: B+");
        assert!(grades.contains("excused") && grades.contains("missing") && grades.contains("B+"));
    }
}
