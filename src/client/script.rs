//! Requests from a file or a pipe, pipelined over one connection, answered in order.

use std::collections::VecDeque;
use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, SystemTime};

use super::connection::{Connection, ask_once};
use super::display::{Style, show, show_error};
use super::endpoint::Endpoint;
use super::error::ClientError;
use super::keys::{Keys, KeysError};
use super::reply::{Answer, read_reply};
use super::request::ClientRequest;

/// The most requests in flight. Their bytes and those of their answers fit the system's buffers, so
/// neither side waits for the other to read.
const IN_FLIGHT_MAX: usize = 64;

/// How long to wait at first where the server allows no more requests for now; each time twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The most waits for one request: a minute in all.
const WAITS_MAX: u32 = 6;

/// How a script runs.
pub(super) struct Script<'a> {
    /// The server.
    pub(super) endpoint: &'a Endpoint,
    /// The students' keys.
    pub(super) keys: &'a Keys,
    /// The student of every line; without one, each line begins with an ID.
    pub(super) id: Option<&'a str>,
    /// Whether to go on after a request without an answer.
    pub(super) keep_going: bool,
    /// How to show answers.
    pub(super) style: Style,
}

/// Why a script ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScriptError {
    /// The answers cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// The script cannot be read.
    #[error("line {line}: cannot be read: {error}")]
    Input {
        /// The line, counted from 1.
        line: usize,
        /// The system's error.
        error: io::Error,
    },
}

/// How a script went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ScriptOutcome {
    keeps_going: bool,
    answered: usize,
    failed: usize,
    /// The exit code of the first error, or of the one that ended the script.
    first_code: u8,
}

impl ScriptOutcome {
    /// The program's exit code: 7 if the script went on and only a part was answered.
    pub(super) const fn exit_code(&self) -> u8 {
        match (self.keeps_going, self.answered, self.failed) {
            (_, _, 0) => 0,
            (true, 1.., _) => 7,
            _ => self.first_code,
        }
    }
}

/// A line of a script.
struct Line {
    number: usize,
    id: String,
    command: String,
    /// The request, or why there is none. Both keep the line's place among the answers.
    request: Result<ClientRequest, ClientError>,
}

/// A line of a script with its answer, or why there is none.
struct Answered {
    number: usize,
    id: String,
    command: String,
    result: Result<(ClientRequest, Answer), ClientError>,
}

impl Script<'_> {
    /// Sends the requests of all lines. Errors are passed to `complain` with their line's number.
    ///
    /// # Errors
    /// Returns an error if a line is not a request or the answers cannot be written.
    pub(super) fn run(
        &self,
        input: impl BufRead + Send + 'static,
        out: &mut impl Write,
        mut complain: impl FnMut(usize, &ClientError),
    ) -> Result<ScriptOutcome, ScriptError> {
        let mut pipeline = Pipeline::new(self, read_ahead(input));
        let mut outcome = ScriptOutcome { keeps_going: self.keep_going, ..<_>::default() };
        while pipeline.fill() {
            let Some(Answered { number, id, command, result }) = pipeline.next_answer() else {
                continue;
            };
            match result {
                Ok((request, answer)) => {
                    show(out, self.style, &request, &answer)?;
                    outcome.answered += 1;
                }
                Err(error) => {
                    show_error(out, self.style, &id, &command, &error)?;
                    complain(number, &error);
                    outcome.failed += 1;
                    if outcome.failed == 1 {
                        outcome.first_code = error.exit_code();
                    }
                    if !self.keep_going {
                        out.flush()?;
                        return Ok(outcome);
                    }
                    if let ClientError::NotConnected { .. } = error {
                        break;
                    }
                }
            }
            // A reader wants the answers now, not when there are more.
            if pipeline.in_flight.is_empty() {
                out.flush()?;
            }
        }
        out.flush()?;
        pipeline.failure.map_or(Ok(outcome), Err)
    }

    /// The request on a line; `None` on a blank line or a comment.
    fn parse_line(&self, number: usize, text: &str) -> Option<Line> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let words = match self.id {
            Some(id) => Some((id, text)),
            None => text.split_once([' ', ',', '\t']),
        };
        let Some((id, command)) = words else {
            // The line may be a key, so it is not repeated.
            let request = Err(ClientError::BadLine);
            return Some(Line { number, id: String::new(), command: String::new(), request });
        };
        let command = command.trim_start_matches([' ', ',', '\t']);
        let request = self.request(id, command);
        Some(Line { number, id: id.to_owned(), command: command.to_owned(), request })
    }

    fn request(&self, id: &str, command: &str) -> Result<ClientRequest, ClientError> {
        let key = self.keys.key_of(id, || Err(KeysError::NoSource))?;
        ClientRequest::new(id, command, key, self.endpoint.sealed.as_ref())
    }
}

/// The requests in flight, and the connection that they go over.
struct Pipeline<'a> {
    script: &'a Script<'a>,
    lines: Receiver<(usize, io::Result<String>)>,
    /// The requests without an answer, in order.
    in_flight: VecDeque<Line>,
    connection: Option<Connection<'a>>,
    /// The number of these requests that were sent over this connection.
    sent: usize,
    /// Whether this connection has brought no answer yet.
    fresh: bool,
    /// How often the first request was sent again since the server allows no more for now.
    waits: u32,
    /// What ends the script.
    failure: Option<ScriptError>,
}

impl<'a> Pipeline<'a> {
    fn new(script: &'a Script<'a>, lines: Receiver<(usize, io::Result<String>)>) -> Self {
        Self {
            script,
            lines,
            in_flight: VecDeque::new(),
            connection: None,
            sent: 0,
            fresh: true,
            waits: 0,
            failure: None,
        }
    }

    /// Takes the lines that are there, and waits for one if nothing else is left to do. Returns true
    /// if there is a request.
    fn fill(&mut self) -> bool {
        while self.in_flight.len() < IN_FLIGHT_MAX && self.failure.is_none() {
            let line = match self.in_flight.is_empty() {
                true => self.lines.recv().map_err(|_| TryRecvError::Disconnected),
                false => self.lines.try_recv(),
            };
            let Ok((number, text)) = line else { break };
            match text {
                Ok(text) => self.in_flight.extend(self.script.parse_line(number, &text)),
                Err(error) => self.failure = Some(ScriptError::Input { line: number, error }),
            }
        }
        !self.in_flight.is_empty()
    }

    /// The first line and its answer; `None` if it must be sent again over a new connection.
    fn next_answer(&mut self) -> Option<Answered> {
        if self.in_flight.front()?.request.is_err() {
            // Nothing was sent, so no reply belongs to this line.
            return self.pop(Err(ClientError::Lost));
        }
        let mut answer = self.exchange();
        if answer.as_ref().is_err_and(|error| !error.leaves_connection()) {
            self.connection = None;
        }
        match &answer {
            // The server may have closed a connection that was idle.
            Err(ClientError::Closed | ClientError::ClosedSealed | ClientError::Lost)
                if !self.fresh =>
            {
                return None;
            }
            Err(error) if error.asks_to_wait() && self.waits < WAITS_MAX => {
                // What is in flight behind it was sent too early as well.
                self.connection = None;
                std::thread::sleep(FIRST_WAIT * 2_u32.pow(self.waits));
                self.waits += 1;
                return None;
            }
            // The requests that were made before the server stated its time.
            Err(ClientError::ClockSkew { .. }) => {
                if let Some(Line { request: Ok(request), .. }) = self.in_flight.front() {
                    answer = ask_once(self.script.endpoint, request);
                }
            }
            _ => {}
        }
        self.waits = 0;
        self.pop(answer)
    }

    /// Removes the first line, and joins its request with the answer.
    fn pop(&mut self, answer: Result<Answer, ClientError>) -> Option<Answered> {
        let Line { number, id, command, request } = self.in_flight.pop_front()?;
        self.sent = self.sent.saturating_sub(1);
        let result = request.and_then(|request| Ok((request, answer?)));
        Some(Answered { number, id, command, result })
    }

    fn exchange(&mut self) -> Result<Answer, ClientError> {
        let endpoint = self.script.endpoint;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                self.sent = 0;
                self.fresh = true;
                self.connection.insert(Connection::open(endpoint)?)
            }
        };
        let unsent = self.in_flight.iter().skip(self.sent);
        connection.send(unsent.filter_map(|line| line.request.as_ref().ok()))?;
        self.sent = self.in_flight.len();
        let reply = connection.receive()?;
        self.fresh = false;
        let first = self.in_flight.front().and_then(|line| line.request.as_ref().ok());
        read_reply(endpoint, &reply, first.ok_or(ClientError::Lost)?, SystemTime::now())
    }
}

/// Reads lines on a thread of its own, so that waiting for the next line delays no answer.
fn read_ahead(input: impl BufRead + Send + 'static) -> Receiver<(usize, io::Result<String>)> {
    let (sender, lines) = sync_channel(IN_FLIGHT_MAX);
    std::thread::spawn(move || {
        for (number, line) in (1..).zip(input.lines()) {
            let is_last = line.is_err();
            if sender.send((number, line)).is_err() || is_last {
                return;
            }
        }
    });
    lines
}
