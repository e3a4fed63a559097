//! The lab's dialogue at a terminal: student ID, command, answer, again and again.
//!
//! Each request goes over a connection of its own, as the lab has it, so that the end of the last
//! connection never matters.

use std::collections::HashMap;
use std::io::{self, Write};

use fernet_batch::Key;
use fernet_batch::redact::KEY_CHARS;
use gradebook::{Command, StudentId, command_list};
use rustyline::Editor;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;

use super::completer::{DIALOGUE_WORDS, LineCompleter};
use super::connection::ask;
use super::display::{Style, show};
use super::endpoint::Endpoint;
use super::error::{ClientError, nearest_command};
use super::histogram::show_histogram;
use super::keys::{Keys, prompt_for_key};
use super::marks::marks;
use super::request::ClientRequest;
use crate::redact::escape;

/// A dialogue in progress.
pub(super) struct Dialogue<'a> {
    /// The server.
    endpoint: &'a Endpoint,
    /// The students' keys.
    keys: &'a Keys,
    /// How to show answers.
    style: Style,
    /// The current student, if there is one.
    id: Option<String>,
    /// The keys that the user has typed.
    prompted_keys: HashMap<String, Key>,
    /// The assessments that the last list of marks named.
    assessments: Vec<String>,
}

/// Why a dialogue cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialogueError {
    /// The terminal failed.
    #[error("cannot read from the terminal: {0}")]
    Terminal(ReadlineError),
    /// The answers cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Input {
    /// The student from now on.
    id: String,
    /// The student's command, if there is one.
    command: Option<Command<String>>,
}

impl<'a> Dialogue<'a> {
    /// A dialogue that begins with a student, if one is given.
    pub(super) fn new(
        endpoint: &'a Endpoint,
        keys: &'a Keys,
        style: Style,
        id: Option<String>,
    ) -> Self {
        Self { endpoint, keys, style, id, prompted_keys: HashMap::new(), assessments: Vec::new() }
    }

    /// Runs until the user ends it.
    ///
    /// # Errors
    /// Returns an error if the terminal fails or the answers cannot be written.
    pub(super) fn run(mut self, out: &mut impl Write) -> Result<(), DialogueError> {
        let mut editor =
            Editor::<LineCompleter, DefaultHistory>::new().map_err(DialogueError::Terminal)?;
        editor.set_helper(Some(LineCompleter::default()));
        loop {
            let pasted = match editor.readline(&self.prompt()) {
                Ok(lines) => lines,
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(()),
                Err(error) => return Err(DialogueError::Terminal(error)),
            };
            if pasted.trim().is_empty() {
                return Ok(());
            }
            for line in pasted.lines().map(str::trim).filter(|line| !line.is_empty()) {
                if line.eq_ignore_ascii_case("quit") {
                    return Ok(());
                }
                if self.answer_line(line, out)? {
                    // The history is a convenience.
                    let _ = editor.add_history_entry(line);
                }
            }
            if let Some(completer) = editor.helper_mut() {
                completer.assessments.clone_from(&self.assessments);
            }
        }
    }

    fn prompt(&self) -> String {
        self.id.as_ref().map_or_else(|| "Student ID: ".into(), |id| format!("[{id}] Command: "))
    }

    /// Does what a line asks for. Returns false if it asks for nothing: it may be a key then, which is
    /// neither repeated nor put into the history.
    fn answer_line(&mut self, line: &str, out: &mut impl Write) -> Result<bool, DialogueError> {
        let Some(Input { id, command }) = self.parse(line) else {
            print(out, &self.help(line))?;
            return Ok(false);
        };
        self.id = Some(id.clone());
        if let Some(command) = command {
            self.ask(&id, &command, out)?;
        }
        Ok(true)
    }

    fn help(&self, line: &str) -> String {
        let commands = format!(
            "commands: {}; another student ID changes the student; an empty line, quit or Ctrl-D ends",
            command_list()
        );
        let (word, _) = line.split_once(' ').unwrap_or((line, ""));
        match (&self.id, nearest_command(word)) {
            _ if line.eq_ignore_ascii_case("help") => commands,
            (None, _) => "That is not a student ID.".to_owned(),
            (Some(_), Some(nearest)) => format!("the nearest command is {nearest}; {commands}"),
            (Some(_), None) => commands,
        }
    }

    /// Reads a line: a command of the current student, another student, or both at once.
    fn parse(&self, line: &str) -> Option<Input> {
        let (first, rest) = line.split_once([' ', ',']).unwrap_or((line, ""));
        if DIALOGUE_WORDS.iter().any(|word| line.eq_ignore_ascii_case(word)) {
            return None;
        }
        let command_of = |text| Command::parse(text).ok().map(|command| command.map(str::to_owned));
        if let (Some(id), Some(command)) = (&self.id, command_of(line)) {
            return Some(Input { id: id.clone(), command: Some(command) });
        }
        let rest = rest.trim();
        // At the command prompt, a word is a mistyped command unless it looks like an ID.
        let may_be_id = self.id.is_none() || first.starts_with(|char: char| char.is_ascii_digit());
        if !is_id(first) || (rest.is_empty() && !may_be_id) {
            return None;
        }
        let id = first.to_owned();
        if rest.is_empty() {
            return Some(Input { id, command: None });
        }
        command_of(rest).map(|command| Input { id, command: Some(command) })
    }

    fn ask(
        &mut self,
        id: &str,
        command: &Command<String>,
        out: &mut impl Write,
    ) -> Result<(), DialogueError> {
        print(out, &format!("Command entered: {command}"))?;
        let key = match self.prompted_keys.get(id) {
            Some(key) => Ok(key.clone()),
            None => self.keys.key_of(id, || prompt_for_key(id)),
        };
        let key = match key {
            Ok(key) => key,
            Err(error) => return Ok(print(out, &error.to_string())?),
        };
        if let Keys::Prompt = self.keys {
            self.prompted_keys.insert(id.to_owned(), key.clone());
        }
        print(out, &announcement(command))?;
        let sealed = self.endpoint.sealed.as_ref();
        let request = ClientRequest::new(id, &command.to_string(), key, sealed);
        let answered = request.and_then(|request| {
            let answer = ask(self.endpoint, &request)?;
            Ok((request, answer))
        });
        match answered {
            Ok((request, answer)) => {
                if let Some(marks) = marks(&request, &answer) {
                    self.assessments = marks.into_iter().map(|mark| mark.assessment).collect();
                }
                show(out, self.style, &request, &answer)?;
                show_histogram(out, self.style, self.endpoint, &request)?;
                Ok(out.flush()?)
            }
            Err(error) => {
                if let ClientError::WrongKey = error {
                    self.prompted_keys.remove(id);
                }
                Ok(print(out, &error.to_string())?)
            }
        }
    }
}

/// Prints a line before the next prompt, which the terminal shows at once.
fn print(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{}", escape(line))?;
    out.flush()
}

/// The lab's line before an answer.
fn announcement(command: &Command<String>) -> String {
    let subject = match command {
        Command::Grades => return "Getting Grades:".to_owned(),
        Command::Report | Command::Sealed(_) => return "Fetching report:".to_owned(),
        Command::Statistics(name) => return format!("Fetching {name} statistics:"),
        Command::MidtermAverage => "Midterm",
        Command::ExamAverage => "Exam",
        Command::LabAverage(lab) => lab.column(),
        Command::Average(name) => name,
    };
    format!("Fetching {subject} average:")
}

/// Returns true if the text is a student ID, and too short to be a key.
fn is_id(text: &str) -> bool {
    StudentId::new(text.as_bytes()).is_some() && text.len() < KEY_CHARS
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parse(id: Option<&str>, line: &str) -> Option<Input> {
        let endpoint = Endpoint {
            address: String::new(),
            timeout: Duration::ZERO,
            age_max: Duration::ZERO,
            sealed: None,
        };
        let id = id.map(str::to_owned);
        Dialogue::new(&endpoint, &Keys::Prompt, Style::Plain, id).parse(line)
    }

    fn command(text: &str) -> Command<String> {
        Command::parse(text).unwrap().map(str::to_owned)
    }

    fn input(id: &str, text: Option<&str>) -> Option<Input> {
        Some(Input { id: id.to_owned(), command: text.map(command) })
    }

    #[test]
    fn a_line_is_a_student_a_command_or_both() {
        assert_eq!(parse(None, "2100001"), input("2100001", None));
        assert_eq!(parse(None, "2100001 GG"), input("2100001", Some("GG")));
        assert_eq!(parse(Some("2100001"), "GL1A"), input("2100001", Some("GL1A")));
        assert_eq!(parse(Some("2100001"), "AVG Lab 1"), input("2100001", Some("AVG Lab 1")));
        assert_eq!(parse(Some("2100001"), "2100002"), input("2100002", None));
        assert_eq!(parse(Some("2100001"), "2100002,GG"), input("2100002", Some("GG")));
        assert_eq!(parse(Some("2100001"), "give me grades"), None);
        assert_eq!(parse(Some("2100001"), "AVG "), None);
        assert_eq!(parse(Some("2100001"), "gg"), input("2100001", Some("GG")));
        assert_eq!(parse(None, "help"), None);
        assert_eq!(parse(None, "__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4="), None);
        assert_eq!(parse(None, "--21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4"), None);
    }

    #[test]
    fn the_lab_s_lines_announce_each_answer() {
        assert_eq!(announcement(&command("GG")), "Getting Grades:");
        assert_eq!(announcement(&command("GL1A")), "Fetching Lab 1 average:");
        assert_eq!(announcement(&command("GMA")), "Fetching Midterm average:");
        assert_eq!(announcement(&command("GEA")), "Fetching Exam average:");
        assert_eq!(announcement(&command("AVG Quiz 3")), "Fetching Quiz 3 average:");
        assert_eq!(announcement(&command("STATS Quiz 3")), "Fetching Quiz 3 statistics:");
    }
}
