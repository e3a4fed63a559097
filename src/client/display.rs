//! How the client shows answers: a plain line, a table on a terminal, or JSON for machines.

use std::io::{self, IsTerminal, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, Table};
use gradebook::Command;
use serde_json::{Value, json};

use super::error::ClientError;
use super::reply::Answer;
use super::request::ClientRequest;
use crate::redact::escape;

/// How to show answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The answer's text as a line.
    Plain,
    /// A table, where the answer can be one; for people at a terminal.
    Table {
        /// Whether the header may be bold.
        colour: bool,
    },
    /// One JSON object a line.
    Json,
}

impl Style {
    /// The style for standard output: JSON if requested, tables at a terminal, plain lines otherwise.
    pub(super) fn of_output(json: bool) -> Self {
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match (json, io::stdout().is_terminal()) {
            (true, _) => Self::Json,
            (_, true) => Self::Table { colour },
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
            }
            writeln!(out, "{object}")
        }
        Style::Table { colour } => match table(request, answer, colour) {
            Some(table) => writeln!(out, "{table}"),
            None => writeln!(out, "{}", escape(&answer.text)),
        },
    }
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
    let object = json!({
        "id": id,
        "command": command,
        "ok": false,
        "error": { "code": error.exit_code(), "word": error.word(), "text": error.to_string() },
    });
    writeln!(out, "{object}")
}

fn table(request: &ClientRequest, answer: &Answer, colour: bool) -> Option<Table> {
    let (header, rows) = match request.command() {
        Command::Grades => (&["Assessment", "Mark"][..], grades(&answer.text)?),
        Command::Report => (
            &["Assessment", "Mark", "Mean", "Median", "Lowest", "Highest", "Marks"][..],
            report(&answer.text)?,
        ),
        _ => return None,
    };
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    let mut cells = Vec::new();
    for name in header {
        let cell = Cell::new(name);
        cells.push(if colour { cell.add_attribute(Attribute::Bold) } else { cell });
    }
    table.set_header(cells);
    for row in aligned(rows) {
        table.add_row(row.iter().map(|cell| escape(cell).into_owned()));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Some(table)
}

/// The rows of `Lab 1: 3, Lab 2: 9`; `None` if the text has another form.
fn grades(text: &str) -> Option<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    for part in text.split(", ") {
        let (name, mark) = part.rsplit_once(':')?;
        rows.push(vec![name.to_owned(), mark.trim().to_owned()]);
    }
    Some(rows)
}

/// The rows of a report's JSON.
fn report(text: &str) -> Option<Vec<Vec<String>>> {
    let report: Value = serde_json::from_str(text).ok()?;
    let mut rows = Vec::new();
    for line in report.get("assessments")?.as_array()? {
        let mut row = vec![cell(line.get("assessment")), cell(line.get("mark"))];
        for figure in ["mean", "median", "min", "max", "count"] {
            row.push(cell(line.get("class").and_then(|class| class.get(figure))));
        }
        rows.push(row);
    }
    Some(rows)
}

/// A JSON value as the text of a cell.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The rows, with every column of numbers padded so that the decimal points are aligned.
fn aligned(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let columns = rows.first().map_or(0, Vec::len);
    for column in 1..columns {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|cell| fraction_chars(cell));
        let widest = widths.max().unwrap_or_default();
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
            // A no-break space: the table trims other blanks at a cell's end.
            cell.extend(std::iter::repeat_n('\u{a0}', widest - fraction_chars(cell)));
        }
    }
    rows
}

/// The length of the decimal point and the digits behind it.
fn fraction_chars(cell: &str) -> usize {
    cell.split_once('.').map_or(0, |(_, digits)| digits.len() + 1)
}

#[cfg(test)]
mod tests {
    use fernet_batch::{Key, Timestamp};

    use super::*;

    fn display(style: Style, command: &str, text: &str) -> String {
        let key = Key::parse(b"__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4=").unwrap();
        let request = ClientRequest::new("2100001".into(), command, key, None).unwrap();
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
    fn a_table_aligns_marks_at_the_point() {
        let style = Style::Table { colour: false };
        assert_eq!(
            display(style, "GG", "Lab 1: 10, Lab 2: 9.25, Midterm: "),
            "┌────────────┬───────┐\n\
             │ Assessment ┆  Mark │\n\
             ╞════════════╪═══════╡\n\
             │ Lab 1      ┆ 10    │\n\
             │ Lab 2      ┆  9.25 │\n\
             │ Midterm    ┆       │\n\
             └────────────┴───────┘\n"
        );
        assert_eq!(display(style, "GMA", "Midterm average: 7"), "Midterm average: 7\n");
        assert_eq!(display(style, "GG", "no assessments yet"), "no assessments yet\n");
    }
}
