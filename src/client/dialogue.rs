//! The lab's dialogue at a terminal: student ID, command, answer, again and again.
//!
//! Each question goes over a connection of its own, as the lab has it; so it never matters what
//! became of the last one.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::SystemTime;

use gradebook::request::LAB_COMMANDS;
use gradebook::{Command, Key, StudentId};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::client::display::{Style, show};
use crate::client::keys::{Keys, ask_for_key};
use crate::client::{Answer, ClientError, ClientRequest, Connection, Endpoint};
use crate::redact::escape;

const COMMANDS: &str = "commands: GG, GMA, GEA, GL1A, GL2A, GL3A, GL4A, AVG <assessment>, \
    STATS <assessment>, REPORT; another student ID changes the student; an empty line or Ctrl-D ends";

/// A dialogue in progress.
pub struct Dialogue<'a> {
    /// Whom to ask.
    pub server: &'a Endpoint,
    /// The keys at hand.
    pub keys: &'a Keys,
    /// How to show answers.
    pub style: Style,
    /// The student to begin with, if one is named already.
    pub id: Option<String>,
}

/// Why a dialogue cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DialogueError {
    /// The terminal failed.
    #[error("cannot read from the terminal: {0}")]
    Terminal(ReadlineError),
    /// The answers cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl Dialogue<'_> {
    /// Talks until the user ends it.
    ///
    /// # Errors
    /// [`DialogueError`].
    pub fn run(mut self, out: &mut impl Write) -> Result<(), DialogueError> {
        let mut editor = DefaultEditor::new().map_err(DialogueError::Terminal)?;
        let mut asked_keys = HashMap::new();
        loop {
            let prompt = if self.id.is_some() { "Command: " } else { "Student ID: " };
            let line = match editor.readline(prompt) {
                Ok(line) => line,
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(()),
                Err(error) => return Err(DialogueError::Terminal(error)),
            };
            let line = line.trim();
            if line.is_empty() {
                return Ok(());
            }
            let Some((id, command)) = self.understand(line) else {
                // What is not understood may be a key, so it is neither repeated nor remembered.
                let remedy = if self.id.is_some() { COMMANDS } else { "That is no student ID." };
                writeln!(out, "{remedy}")?;
                out.flush()?;
                continue;
            };
            // The history is a convenience.
            let _ = editor.add_history_entry(line);
            self.id = Some(id.clone());
            if let Some(command) = command {
                self.ask(&id, &command, &mut asked_keys, out)?;
            }
        }
    }

    /// What a line asks: a command of the current student, another student, or both at once.
    fn understand(&self, line: &str) -> Option<(String, Option<String>)> {
        let (first, rest) = line.split_once([' ', ',']).unwrap_or((line, ""));
        match (&self.id, known(line), rest.trim()) {
            (Some(id), true, _) => Some((id.clone(), Some(line.to_owned()))),
            // A word at the command prompt is rather a mistyped command, unless it looks like an ID.
            (Some(_), _, "") if !first.starts_with(|c: char| c.is_ascii_digit()) => None,
            (_, _, "") => is_id(first).then(|| (first.to_owned(), None)),
            (_, _, command) if is_id(first) && known(command) => {
                Some((first.to_owned(), Some(command.to_owned())))
            }
            _ => None,
        }
    }

    fn ask(
        &self,
        id: &str,
        command: &str,
        asked_keys: &mut HashMap<String, Key>,
        out: &mut impl Write,
    ) -> Result<(), DialogueError> {
        writeln!(out, "Command entered: {}", escape(command))?;
        let key = match asked_keys.get(id) {
            Some(key) => Ok(key.clone()),
            None => self.keys.of(id, || ask_for_key(id)),
        };
        let key = match key {
            Ok(key) => key,
            Err(error) => return Ok(writeln!(out, "{error}")?),
        };
        if let Keys::Asked = self.keys {
            asked_keys.insert(id.to_owned(), key.clone());
        }
        writeln!(out, "{}", escape(&announcement(command)))?;
        out.flush()?;
        let request = ClientRequest::new(id.to_owned(), command.to_owned(), key);
        match ask_once(self.server, &request) {
            Ok(answer) => show(out, self.style, &request, &answer)?,
            Err(error) => {
                if error == ClientError::WrongKey {
                    asked_keys.remove(id);
                }
                writeln!(out, "{}", escape(&error.to_string()))?;
            }
        }
        Ok(out.flush()?)
    }
}

/// Asks one question over a connection of its own.
///
/// # Errors
/// [`ClientError`].
pub fn ask_once(server: &Endpoint, request: &ClientRequest) -> Result<Answer, ClientError> {
    let mut connection = Connection::open(server)?;
    connection.send(std::iter::once(request))?;
    let line = connection.receive()?;
    server.read_reply(&line, request, SystemTime::now())
}

/// The lab's line before an answer.
fn announcement(command: &str) -> String {
    let about = match command {
        "GG" => return "Getting Grades:".to_owned(),
        "REPORT" => return "Fetching report:".to_owned(),
        stats if stats.starts_with("STATS ") => {
            return format!("Fetching {} statistics:", stats.trim_start_matches("STATS ").trim());
        }
        "GMA" => "Midterm",
        "GEA" => "Exam",
        "GL1A" => "Lab 1",
        "GL2A" => "Lab 2",
        "GL3A" => "Lab 3",
        "GL4A" => "Lab 4",
        other => other.strip_prefix("AVG").unwrap_or(other).trim(),
    };
    format!("Fetching {about} average:")
}

/// Whether the text is a command.
fn known(text: &str) -> bool {
    let assessment = ["AVG ", "STATS "].into_iter().find_map(|verb| text.strip_prefix(verb));
    let is = |command: &Command<&str>| command.word() == text;
    LAB_COMMANDS.iter().any(is)
        || text == "REPORT"
        || assessment.is_some_and(|name| !name.trim().is_empty())
}

/// Whether the text is a student ID and not, by its length, rather a key.
fn is_id(text: &str) -> bool {
    const KEY_TEXT_BYTES: usize = 43;
    StudentId::new(text.as_bytes()).is_some() && text.len() < KEY_TEXT_BYTES
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn understood(id: Option<&str>, line: &str) -> Option<(String, Option<String>)> {
        let server = Endpoint {
            address: String::new(),
            timeout: Duration::ZERO,
            age_max: Duration::ZERO,
            sealed: None,
        };
        let (keys, id) = (Keys::Asked, id.map(str::to_owned));
        Dialogue { server: &server, keys: &keys, style: Style::Plain, id }.understand(line)
    }

    fn meaning(id: &str, command: Option<&str>) -> Option<(String, Option<String>)> {
        Some((id.to_owned(), command.map(str::to_owned)))
    }

    #[test]
    fn a_line_is_a_student_a_command_or_both() {
        assert_eq!(understood(None, "2100001"), meaning("2100001", None));
        assert_eq!(understood(None, "2100001 GG"), meaning("2100001", Some("GG")));
        assert_eq!(understood(Some("2100001"), "GL1A"), meaning("2100001", Some("GL1A")));
        assert_eq!(understood(Some("2100001"), "AVG Lab 1"), meaning("2100001", Some("AVG Lab 1")));
        assert_eq!(understood(Some("2100001"), "2100002"), meaning("2100002", None));
        assert_eq!(understood(Some("2100001"), "2100002,GG"), meaning("2100002", Some("GG")));
        assert_eq!(understood(Some("2100001"), "give me grades"), None);
        assert_eq!(understood(Some("2100001"), "AVG "), None);
        assert_eq!(understood(None, "__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4="), None);
        assert_eq!(understood(None, "--21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4"), None);
    }

    #[test]
    fn the_lab_s_lines_announce_each_answer() {
        assert_eq!(announcement("GG"), "Getting Grades:");
        assert_eq!(announcement("GL1A"), "Fetching Lab 1 average:");
        assert_eq!(announcement("GMA"), "Fetching Midterm average:");
        assert_eq!(announcement("GEA"), "Fetching Exam average:");
        assert_eq!(announcement("AVG Quiz 3"), "Fetching Quiz 3 average:");
        assert_eq!(announcement("STATS Quiz 3"), "Fetching Quiz 3 statistics:");
    }
}
