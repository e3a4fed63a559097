//! What the Tab key completes in the dialogue: commands, and the assessments of the student's answers.

use gradebook::COMMANDS;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

/// The words of the dialogue that are no commands of the server.
pub(super) const DIALOGUE_WORDS: [&str; 2] = ["help", "quit"];

/// Completes lines.
#[derive(Default)]
pub(super) struct LineCompleter {
    /// The assessments that answers have named so far.
    pub(super) assessments: Vec<String>,
}

impl LineCompleter {
    /// The lines that the beginning of a line can become.
    fn completions(&self, beginning: &str) -> Vec<String> {
        let mut lines: Vec<_> = COMMANDS
            .iter()
            .map(|spec| {
                if spec.argument.is_empty() { spec.word.into() } else { format!("{} ", spec.word) }
            })
            .chain(DIALOGUE_WORDS.map(str::to_owned))
            .collect();
        for spec in COMMANDS.iter().filter(|spec| !spec.argument.is_empty()) {
            // Only once the word is complete, so that it does not hide the other words.
            if beginning.to_lowercase().starts_with(&format!("{} ", spec.word.to_lowercase())) {
                lines.extend(self.assessments.iter().map(|name| format!("{} {name}", spec.word)));
            }
        }
        let folded = beginning.to_lowercase();
        lines.retain(|line| {
            line.to_lowercase().starts_with(&folded) && line.len() > beginning.len()
        });
        lines
    }
}

impl Completer for LineCompleter {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok((0, self.completions(line.get(..position).unwrap_or(line))))
    }
}

impl Hinter for LineCompleter {
    type Hint = String;
}

impl Highlighter for LineCompleter {}
impl Validator for LineCompleter {}
impl Helper for LineCompleter {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_assessments_are_completed_in_any_case() {
        let completer =
            LineCompleter { assessments: vec!["Lab 1".into(), "Lab 2".into(), "Exam".into()] };
        assert_eq!(completer.completions("gl"), ["GL1A", "GL2A", "GL3A", "GL4A"]);
        assert_eq!(completer.completions("RE"), ["REPORT"]);
        assert_eq!(completer.completions("av"), ["AVG "]);
        assert_eq!(completer.completions("avg l"), ["AVG Lab 1", "AVG Lab 2"]);
        assert_eq!(completer.completions("STATS e"), ["STATS Exam"]);
        assert_eq!(completer.completions("q"), ["quit"]);
        assert!(completer.completions("zz").is_empty());
    }
}
