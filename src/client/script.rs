//! Requests from a file or a pipe, pipelined over one connection, answered in order.

use std::collections::VecDeque;
use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::SystemTime;

use crate::client::display::{Style, show, show_error};
use crate::client::keys::{Keys, KeysError};
use crate::client::{Answer, ClientError, ClientRequest, Connection, Endpoint};

/// How many requests may be on their way at once. Both their bytes and those of their answers fit
/// what the system buffers, so neither side waits for the other to read.
const IN_FLIGHT_MAX: usize = 64;

/// What a script runs with.
pub struct Script<'a> {
    /// Whom to ask.
    pub server: &'a Endpoint,
    /// The keys at hand.
    pub keys: &'a Keys,
    /// The student that every line asks for; without one, each line begins with an ID.
    pub id: Option<&'a str>,
    /// Whether to go on after a question without an answer.
    pub keep_going: bool,
    /// How to show answers.
    pub style: Style,
}

/// Why a script ended early.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The answers cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// A line is no question.
    #[error("line {line}: {why}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// How a script went, to its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it was to go on after failures.
    pub keeps_going: bool,
    /// How many requests were answered.
    pub answered: usize,
    /// How many were not.
    pub failed: usize,
    /// The exit code of the first failure, or of the one that ended the script.
    pub first_code: u8,
}

impl Outcome {
    /// The program's exit code: 7 if the script went on and only a part was answered.
    pub const fn exit_code(&self) -> u8 {
        match (self.keeps_going, self.answered, self.failed) {
            (_, _, 0) => 0,
            (true, 1.., _) => 7,
            _ => self.first_code,
        }
    }
}

/// A question and the line that it stands on.
struct Line {
    line: usize,
    request: ClientRequest,
}

impl Script<'_> {
    /// Asks what the lines ask. Failures are told through `complain`, with their line.
    ///
    /// # Errors
    /// [`ScriptError`] when a line is no question or the answers cannot be written.
    pub fn run(
        &self,
        input: impl BufRead + Send + 'static,
        out: &mut impl Write,
        mut complain: impl FnMut(usize, &ClientError),
    ) -> Result<Outcome, ScriptError> {
        let mut pipeline = Pipeline::new(self, read_ahead(input));
        let mut outcome = Outcome { keeps_going: self.keep_going, ..Outcome::default() };
        while pipeline.gather() {
            let Some((Line { line, request }, answer)) = pipeline.next_answer() else {
                continue;
            };
            match answer {
                Ok(answer) => {
                    show(out, self.style, &request, &answer)?;
                    outcome.answered += 1;
                }
                Err(error) => {
                    show_error(out, self.style, &request, &error)?;
                    complain(line, &error);
                    outcome.failed += 1;
                    if !self.keep_going {
                        out.flush()?;
                        outcome.first_code = error.exit_code();
                        return Ok(outcome);
                    }
                    if outcome.failed == 1 {
                        outcome.first_code = error.exit_code();
                    }
                    if let ClientError::NotConnected { .. } = error {
                        break;
                    }
                }
            }
            // Whoever reads along wants the answers now, not when there are more.
            if pipeline.in_flight.is_empty() {
                out.flush()?;
            }
        }
        out.flush()?;
        pipeline.bad_line.map_or(Ok(outcome), Err)
    }

    /// The question on a line; nothing on a blank line or a comment.
    fn request(&self, line: usize, text: &str) -> Result<Option<Line>, ScriptError> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let bad = |why: String| ScriptError::Line { line, why };
        let (id, command) = match self.id {
            Some(id) => (id, text),
            None => text.split_once([' ', ',', '\t']).ok_or_else(|| {
                bad("is not ID COMMAND; with --id, a command alone is enough".to_owned())
            })?,
        };
        let nobody = || Err(KeysError::NoSource);
        let key = self.keys.of(id, nobody).map_err(|error| bad(error.to_string()))?;
        let request = ClientRequest::new(id.to_owned(), command.trim().to_owned(), key);
        Ok(Some(Line { line, request }))
    }
}

/// Requests on their way and the connection that they go over.
struct Pipeline<'a> {
    script: &'a Script<'a>,
    lines: Receiver<(usize, io::Result<String>)>,
    /// The requests that have no answer yet, in order.
    in_flight: VecDeque<Line>,
    connection: Option<Connection<'a>>,
    /// How many of the requests have been sent over this connection.
    sent: usize,
    /// Whether this connection has brought no answer yet.
    fresh: bool,
    /// The line behind which nothing is asked any more.
    bad_line: Option<ScriptError>,
}

impl<'a> Pipeline<'a> {
    fn new(script: &'a Script<'a>, lines: Receiver<(usize, io::Result<String>)>) -> Self {
        let (in_flight, connection) = (VecDeque::new(), None);
        Self { script, lines, in_flight, connection, sent: 0, fresh: true, bad_line: None }
    }

    /// Takes the lines that are there, and waits for one if nothing else is left to do. Says
    /// whether there is a question.
    fn gather(&mut self) -> bool {
        while self.in_flight.len() < IN_FLIGHT_MAX && self.bad_line.is_none() {
            let line = match self.in_flight.is_empty() {
                true => self.lines.recv().map_err(|_| TryRecvError::Disconnected),
                false => self.lines.try_recv(),
            };
            let Ok((line, text)) = line else { break };
            let text = text.map_err(|error| ScriptError::Line { line, why: error.to_string() });
            match text.and_then(|text| self.script.request(line, &text)) {
                Ok(request) => self.in_flight.extend(request),
                Err(error) => self.bad_line = Some(error),
            }
        }
        !self.in_flight.is_empty()
    }

    /// The first question and its answer; nothing if it must be asked again over a new connection.
    fn next_answer(&mut self) -> Option<(Line, Result<Answer, ClientError>)> {
        let answer = self.exchange();
        if answer.as_ref().is_err_and(|error| !error.leaves_connection()) {
            self.connection = None;
        }
        // The server may have ended a connection that was idle.
        let stale = matches!(answer, Err(ClientError::Closed | ClientError::Lost)) && !self.fresh;
        if stale { None } else { Some((self.in_flight.pop_front()?, answer)) }
    }

    fn exchange(&mut self) -> Result<Answer, ClientError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                (self.sent, self.fresh) = (0, true);
                self.connection.insert(Connection::open(self.script.server)?)
            }
        };
        let unsent = self.in_flight.iter().skip(self.sent).map(|line| &line.request);
        connection.send(unsent)?;
        self.sent = self.in_flight.len();
        let line = connection.receive()?;
        (self.sent, self.fresh) = (self.sent.saturating_sub(1), false);
        let Some(first) = self.in_flight.front() else { return Err(ClientError::Lost) };
        self.script.server.read_reply(&line, &first.request, SystemTime::now())
    }
}

/// Reads lines on a thread of its own, so that waiting for the next line holds up no answer.
fn read_ahead(input: impl BufRead + Send + 'static) -> Receiver<(usize, io::Result<String>)> {
    let (sender, lines) = sync_channel(IN_FLIGHT_MAX);
    std::thread::spawn(move || {
        for (at, line) in input.lines().enumerate() {
            let last = line.is_err();
            if sender.send((at + 1, line)).is_err() || last {
                return;
            }
        }
    });
    lines
}
