//! The histogram below an answer to `STATS`: it takes a report, which has the figures and the student's own mark.

use std::io::{self, Write};

use gradebook::Command;
use serde_json::Value;

use super::chart::histogram;
use super::connection::ask;
use super::display::Style;
use super::endpoint::Endpoint;
use super::marks::text;
use super::request::ClientRequest;

/// Draws the histogram below the answer to `STATS`, at a terminal. The figures and the student's mark come from a
/// report; without one there is no drawing.
///
/// # Errors
/// Returns an error if the drawing cannot be written.
pub(super) fn show_histogram(
    out: &mut impl Write,
    style: Style,
    endpoint: &Endpoint,
    request: &ClientRequest,
) -> io::Result<()> {
    let (Style::Table(terminal), Command::Statistics(name)) = (style, request.command()) else {
        return Ok(());
    };
    let sealed = endpoint.sealed.as_ref();
    let report = ClientRequest::new(&request.id, "REPORT", request.key.clone(), sealed);
    let Ok(answer) = report.and_then(|report| ask(endpoint, &report)) else { return Ok(()) };
    let report = serde_json::from_str(&answer.text).unwrap_or_default();
    match line_named(&report, name).and_then(|line| histogram(line, terminal.columns)) {
        Some(histogram) => writeln!(out, "{histogram}"),
        None => Ok(()),
    }
}

/// The line of a report about an assessment, named in any case.
fn line_named<'a>(report: &'a Value, name: &str) -> Option<&'a Value> {
    let lines = report.get("assessments")?.as_array()?;
    let named = |line: &&Value| text(line.get("assessment"));
    let exact = lines.iter().find(|line| named(line) == name);
    exact.or_else(|| lines.iter().find(|line| named(line).to_lowercase() == name.to_lowercase()))
}
