//! Answers as tables, for people at a terminal; as lines where a table does not fit.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, Table};
use fernet_batch::Timestamp;
use gradebook::Command;
use serde_json::Value;

use super::chart::small_bar;
use super::marks::{marks, readable, readable_line, text};
use super::reply::Answer;
use super::request::ClientRequest;
use crate::redact::escape;

/// How a terminal shows tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    /// Whether the header may be bold.
    pub(super) bold: bool,
    /// How many characters fit a line.
    pub(super) columns: usize,
}

/// The figures of a report: the field and what a table calls it.
const FIGURES: [(&str, &str); 5] = [
    ("mean", "Mean"),
    ("median", "Median"),
    ("min", "Lowest"),
    ("max", "Highest"),
    ("count", "Marks"),
];

/// The column of small bars.
const SCALE: &str = "Scale";

/// The rows of a table, and what stands below it.
struct Rows {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// The comments on marks, which are wrapped to the terminal.
    comments: Vec<String>,
    notes: Vec<String>,
}

/// An answer as a table or as lines; `None` if it is a single text.
pub(super) fn table(
    request: &ClientRequest,
    answer: &Answer,
    terminal: Terminal,
) -> Option<String> {
    let Rows { header, rows, comments, notes } = match request.command() {
        Command::Grades => {
            let marks = marks(request, answer)?.into_iter();
            let rows =
                marks.map(|mark| vec![mark.assessment, readable(&mark.mark, None)]).collect();
            Rows {
                header: vec!["Assessment", "Mark"],
                rows,
                comments: Vec::new(),
                notes: Vec::new(),
            }
        }
        Command::Report => report(&answer.text)?,
        _ => return None,
    };
    let mut text = drawn(&header, rows.clone(), terminal.bold);
    if text.lines().any(|line| line.chars().count() > terminal.columns) {
        text = lines(&header, &rows);
    }
    for comment in comments {
        text.push('\n');
        text.push_str(&wrapped(&escape(&comment), terminal.columns));
    }
    for note in notes {
        text.push('\n');
        text.push_str(&escape(&note));
    }
    Some(text)
}

/// The rows of a report's JSON. Below them stands why figures are missing, and when the edition was
/// published.
fn report(answer: &str) -> Option<Rows> {
    let report: Value = serde_json::from_str(answer).ok()?;
    let mut rows = Vec::new();
    let mut comments = Vec::new();
    let mut notes = Vec::new();
    for line in report.get("assessments")?.as_array()? {
        let assessment = text(line.get("assessment"));
        let class = line.get("class");
        let figure = |name: &str| text(class.and_then(|class| class.get(name)));
        let withheld = figure("withheld");
        if !withheld.is_empty() {
            notes.push(format!("{assessment}: no class figures: {withheld}"));
        }
        let comment = text(line.get("comment"));
        if !comment.is_empty() {
            let words: Vec<_> = comment.split_whitespace().collect();
            comments.push(format!("{assessment}: {}", words.join(" ")));
        }
        let mut row = vec![assessment, readable_line(line), small_bar(line)];
        row.extend(FIGURES.iter().map(|(name, _)| figure_text(line, name)));
        rows.push(row);
    }
    if let Some(published) = date(report.get("published")) {
        notes.push(format!("as of {published}"));
    }
    let mut header = vec!["Assessment", "Mark", SCALE];
    header.extend(FIGURES.iter().map(|(_, name)| *name));
    drop_empty_columns(&mut header, &mut rows);
    Some(Rows { header, rows, comments, notes })
}

/// A figure of a line for people to read: `5.35`, `about 6.4 of 10 (give or take 0.39)`, `6.5 (5 to 7)`.
fn figure_text(line: &Value, name: &str) -> String {
    let Some(class) = line.get("class") else { return String::new() };
    let of = |figure: &Value, name: &str| text(figure.get(name));
    match class.get(name) {
        Some(estimate @ Value::Object(_)) => {
            let (from, to) = (of(estimate, "from"), of(estimate, "to"));
            format!("{} ({from} to {to})", of(estimate, "value"))
        }
        Some(mean) if name == "mean" && class.get("uncertainty").is_some() => {
            // Figures that were drawn with another full result say so.
            let drawn = class.get("out_of").or_else(|| line.get("out_of"));
            let uncertainty = of(class, "uncertainty");
            let (mean, out_of) = (text(Some(mean)), text(drawn));
            format!("about {mean} of {out_of} (give or take {uncertainty})")
        }
        figure => text(figure),
    }
}

/// Drops the columns in which no row has anything, but for the assessment and the mark.
fn drop_empty_columns(header: &mut Vec<&'static str>, rows: &mut [Vec<String>]) {
    for column in (2..header.len()).rev() {
        if rows.iter().all(|row| row.get(column).is_none_or(String::is_empty)) {
            header.remove(column);
            for row in rows.iter_mut().filter(|row| column < row.len()) {
                row.remove(column);
            }
        }
    }
}

/// A time of a report, for people to read.
fn date(time: Option<&Value>) -> Option<String> {
    let time = humantime::parse_rfc3339(time?.as_str()?).ok()?;
    Some(Timestamp::of(time).date())
}

/// A text on lines that fit the terminal; further lines are indented.
fn wrapped(text: &str, columns: usize) -> String {
    textwrap::fill(text, textwrap::Options::new(columns.max(1)).subsequent_indent("  "))
}

fn drawn(header: &[&str], rows: Vec<Vec<String>>, bold: bool) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    let mut cells = Vec::new();
    for name in header {
        let cell = Cell::new(name);
        cells.push(if bold { cell.add_attribute(Attribute::Bold) } else { cell });
    }
    table.set_header(cells);
    for row in aligned(rows) {
        table.add_row(row.iter().map(|cell| escape(cell).into_owned()));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// A line for each row: `Lab 1: 3 / 10 ───●─│─────; Mean 5.35, Median 5`.
fn lines(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut lines = Vec::new();
    for row in rows {
        let [assessment, mark, figures @ ..] = row.as_slice() else { continue };
        let names = header.iter().skip(2);
        let named =
            names.zip(figures).filter(|(name, figure)| **name != SCALE && !figure.is_empty());
        let named: Vec<_> = named.map(|(name, figure)| format!("{name} {figure}")).collect();
        let figures =
            if named.is_empty() { String::new() } else { format!("; {}", named.join(", ")) };
        let scale = header.iter().position(|name| *name == SCALE).and_then(|at| row.get(at));
        let scale = scale.filter(|scale| !scale.is_empty());
        let scale = scale.map(|scale| format!(" {scale}")).unwrap_or_default();
        lines.push(format!("{}: {}{scale}{figures}", escape(assessment), escape(mark)));
    }
    lines.join("\n")
}

/// The rows, with every column of numbers padded so that the decimal points are aligned.
fn aligned(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let columns = rows.first().map_or(0, Vec::len);
    for column in 1..columns {
        let cells = rows.iter().filter_map(|row| row.get(column)).filter(|cell| is_number(cell));
        let widest = cells.map(|cell| fraction_chars(cell)).max().unwrap_or_default();
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
            if is_number(cell) {
                let padding = widest.saturating_sub(fraction_chars(cell));
                let at = number(cell).len();
                // A no-break space: the table trims other blanks at a cell's end.
                cell.insert_str(at, &"\u{a0}".repeat(padding));
            }
        }
    }
    rows
}

/// The number in `9.5 / 10`.
fn number(cell: &str) -> &str {
    cell.split(' ').next().unwrap_or_default()
}

fn is_number(cell: &str) -> bool {
    cell.starts_with(|char: char| char.is_ascii_digit() || char == '-')
}

/// The length of the decimal point and the digits behind it.
fn fraction_chars(cell: &str) -> usize {
    number(cell).split_once('.').map_or(0, |(_, digits)| digits.len() + 1)
}
