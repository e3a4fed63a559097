//! The one place of the server that prints.
//!
//! No key and no mark is ever printed but in the lab style's copy of the class file, where keys are
//! masked. Texts from clients and files are escaped.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use grade_actors::event::{CloseReason, EventSink, Part, ServerEvent};
use gradebook::{Book, EditionNumber, Outcome, Rejection};
use tracing::{Level, debug, error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::printer::Printer;
use crate::redact::{escape, redact_id};
use crate::settings::Style;

/// How long the end of the program waits for its last lines to be read.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

/// What the program itself has to tell, beside the events of the server.
pub enum Notice<'a> {
    /// The class file has been read.
    ClassFile(&'a Path, &'a Book),
    /// The class file has been read again and is the same.
    Unchanged(EditionNumber),
    /// The class file was refused, or held back; the edition goes on.
    Kept(EditionNumber, String),
    /// Something the instructor should know at every start.
    Warning(&'a str),
    /// The class file cannot be watched, for this reason.
    NotWatched(String),
    /// The audit cannot be written, for this reason; no grade goes out.
    AuditFailed(&'a str),
    /// The audit is written again; so many requests had been refused.
    AuditResumed(u64),
}

/// Prints what is told, in one style.
pub struct Console {
    face: Face,
}

enum Face {
    Lab(Printer),
    Traced(Printer),
    Quiet,
}

impl Console {
    /// A console on standard output.
    pub fn open(style: Style) -> Self {
        if style == Style::Quiet {
            return Self { face: Face::Quiet };
        }
        let printer = Printer::open(std::io::stdout());
        if style == Style::Lab {
            return Self { face: Face::Lab(printer) };
        }
        let filter = EnvFilter::builder().with_default_directive(Level::INFO.into());
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter.from_env_lossy())
            .with_target(false)
            .with_ansi(false)
            .with_writer(printer.clone());
        // A second console in one process, as in a test, leaves the first one in place.
        drop(match style {
            Style::Json => subscriber.json().flatten_event(true).try_init(),
            _ => subscriber.try_init(),
        });
        Self { face: Face::Traced(printer) }
    }

    /// Waits for what has been told to be printed, but not for long.
    pub fn flush(&self) {
        if let Face::Lab(printer) | Face::Traced(printer) = &self.face {
            printer.flush(FLUSH_PATIENCE);
        }
    }

    /// Tells what the program itself has to tell.
    pub fn notice(&self, notice: &Notice<'_>) {
        match &self.face {
            Face::Lab(printer) => printer.print(lab_notice(notice).as_bytes()),
            Face::Traced(_) => trace_notice(notice),
            Face::Quiet => {}
        }
    }
}

impl EventSink for Console {
    fn emit(&self, event: &ServerEvent<'_>) {
        match &self.face {
            Face::Lab(printer) => printer.print(lab_event(event).as_bytes()),
            Face::Traced(_) => trace_event(event),
            Face::Quiet => {}
        }
    }

    fn wants_requests(&self) -> bool {
        match &self.face {
            Face::Lab(_) => true,
            Face::Traced(_) => tracing::enabled!(Level::DEBUG),
            Face::Quiet => false,
        }
    }
}

/// The lab's lines for an event; the lab is marked on their wording.
fn lab_event(event: &ServerEvent<'_>) -> String {
    match event {
        ServerEvent::Listening(address) => {
            format!("Listening for connections on port {}.\n", address.port())
        }
        ServerEvent::Accepted { peer, .. } => {
            let (ip, port) = (peer.ip(), peer.port());
            format!("Connection received from {ip} on port {port}.\n")
        }
        ServerEvent::Answered { request, outcome, reply, .. } => {
            let heard = match request {
                Ok(request) => {
                    format!("Received {} command from client.\n", request.command.word())
                }
                Err(rejection) => {
                    format!("Received no command from client: {}.\n", heard(*rejection))
                }
            };
            let found = match (request, outcome) {
                (Err(_), _) => "",
                (
                    _,
                    Outcome::Silence
                    | Outcome::Decoy
                    | Outcome::Rejected(Rejection::UnknownStudent),
                ) => "User not found.\n",
                _ => "User found.\n",
            };
            let reply = String::from_utf8_lossy(reply);
            let reply = escape(reply.trim_end());
            let end = if reply.is_empty() { "" } else { "\n" };
            format!("{heard}{found}{reply}{end}")
        }
        ServerEvent::ConnectionRejected(peer) => {
            format!("Connection from {} refused: it has too many open.\n", peer.ip())
        }
        ServerEvent::Ended { reason: CloseReason::Closed, .. } => String::new(),
        ServerEvent::Ended { session, reason, .. } => {
            format!("Connection {session} ended: {reason}.\n")
        }
        ServerEvent::AcceptPaused(error) => format!("No connection can be accepted: {error}.\n"),
        ServerEvent::AcceptFailed(error) => format!("The listening socket failed: {error}.\n"),
        ServerEvent::AcceptResumed(_) => "Connections are accepted again.\n".into(),
        ServerEvent::Panicked(part) => format!("The {} failed and restart_limit.\n", name(*part)),
        ServerEvent::TooManyRestarts => "Too many restarts; the server ends.\n".into(),
        ServerEvent::Installed { edition, students } => {
            format!("Edition {} of the class file is in place: {students} students.\n", edition.0)
        }
        ServerEvent::Draining(open) => format!("Stopping; {open} connections are open.\n"),
        ServerEvent::Drained(0) => "Stopped.\n".into(),
        ServerEvent::Drained(cut_off) => format!("Stopped; {cut_off} connections were cut off.\n"),
    }
}

fn lab_notice(notice: &Notice<'_>) -> String {
    match notice {
        Notice::ClassFile(_, book) => class_file(book),
        Notice::Unchanged(edition) => {
            format!("The class file is unchanged; edition {} goes on.\n", edition.0)
        }
        Notice::Kept(edition, why) => {
            format!("Edition {} goes on: {}.\n", edition.0, escape(why))
        }
        Notice::Warning(text) => format!("Warning: {text}.\n"),
        Notice::NotWatched(why) => {
            format!("The class file is only looked at now and then: {}.\n", escape(why))
        }
        Notice::AuditFailed(why) => {
            format!("No grade goes out: the audit cannot be written: {}.\n", escape(why))
        }
        Notice::AuditResumed(refused) => format!(
            "The audit is written again and grades go out; {refused} requests were refused.\n"
        ),
    }
}

/// The class file as the lab prints it, every key masked.
fn class_file(book: &Book) -> String {
    let header = ["Name", "ID Number", "Key"].into_iter().chain(book.assessments());
    let mut lines = String::from("Data read from CSV file:\n");
    write_row(&mut lines, header);
    for (id, name, marks) in book.rows() {
        write_row(&mut lines, [name, id, "<key>"].into_iter().chain(marks));
    }
    lines
}

fn write_row<'a>(lines: &mut String, cells: impl Iterator<Item = &'a str>) {
    let mut row = csv::Writer::from_writer(Vec::new());
    let written = row.write_record(cells).ok().and_then(|()| row.into_inner().ok());
    let row = String::from_utf8_lossy(written.as_deref().unwrap_or_default()).into_owned();
    // Writing to a string does not fail.
    let _ = writeln!(lines, "{}", escape(row.trim_end_matches('\n')));
}

fn trace_event(event: &ServerEvent<'_>) {
    match event {
        ServerEvent::Listening(address) => info!(%address, port = address.port(), "listening"),
        ServerEvent::Accepted { session, peer } => debug!(%session, %peer, "connection accepted"),
        ServerEvent::ConnectionRejected(peer) => {
            debug!(%peer, "connection refused, too many from its source")
        }
        ServerEvent::Answered { session, request: Ok(request), outcome, .. } => {
            let (id, command) = (redact_id(&request.id), request.command.word());
            debug!(%session, id, command, outcome = outcome.word(), "request");
        }
        ServerEvent::Answered { session, request: Err(rejection), .. } => {
            debug!(%session, rejection = rejection.word(), what = heard(*rejection), "no request");
        }
        ServerEvent::Ended { session, reason: CloseReason::Panicked, requests } => {
            error!(%session, requests, "session failed");
        }
        ServerEvent::Ended { session, reason, requests } => {
            debug!(%session, requests, %reason, "connection ended");
        }
        ServerEvent::AcceptPaused(error) => warn!(%error, "no connection can be accepted"),
        ServerEvent::AcceptFailed(error) => error!(%error, "the listening socket failed"),
        ServerEvent::AcceptResumed(failures) => info!(failures, "connections are accepted again"),
        ServerEvent::Panicked(part) => error!(part = name(*part), "a part failed and restarts"),
        ServerEvent::TooManyRestarts => error!("too many restarts; the server ends"),
        ServerEvent::Installed { edition, students } => {
            info!(edition = edition.0, students, "class file installed");
        }
        ServerEvent::Draining(open) => info!(open, "stopping"),
        ServerEvent::Drained(cut_off) => info!(cut_off, "stopped"),
    }
}

fn trace_notice(notice: &Notice<'_>) {
    match notice {
        Notice::ClassFile(path, book) => {
            let (students, assessments) = (book.students(), book.assessments().count());
            info!(file = %escape(&path.to_string_lossy()), students, assessments, "class file read");
        }
        Notice::Unchanged(edition) => info!(edition = edition.0, "class file unchanged"),
        Notice::Kept(edition, why) => {
            warn!(edition = edition.0, why = %escape(why), "class file not installed");
        }
        Notice::Warning(text) => warn!("{text}"),
        Notice::NotWatched(why) => {
            warn!(why = %escape(why), "class file only looked at now and then");
        }
        Notice::AuditFailed(why) => {
            error!(why = %escape(why), "audit cannot be written, no grade goes out");
        }
        Notice::AuditResumed(refused) => info!(refused, "audit written again, grades go out"),
    }
}

/// What was heard in place of a request. Never its text: it may be a key.
fn heard(rejection: Rejection) -> String {
    match rejection {
        Rejection::Malformed(malformed) => malformed.to_string(),
        other => other.text().to_owned(),
    }
}

fn name(part: Part) -> &'static str {
    match part {
        Part::GradeStore => "store of grades",
        Part::Encryptor => "encryptor",
    }
}

#[cfg(test)]
mod tests {
    use grade_actors::event::SessionNumber;
    use gradebook::{
        Command, LineError, MalformedLine, PrivacyPolicy, ReadOptions, ReleaseHistory, Request,
        StudentId, read_class_file,
    };

    use super::*;

    const CLASS: &str = "Name,ID Number,Key,Lab 1\n\
        \"Quill, A\u{1b}[31m\",2100001,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=,7\n";

    fn book() -> Book {
        let options = ReadOptions { bytes_max: 4096, rows_max: 10, policy: PrivacyPolicy::NONE };
        read_class_file(CLASS.as_bytes(), &options, EditionNumber(1), &ReleaseHistory::default())
            .unwrap()
    }

    #[test]
    fn the_lab_s_start_lines_mask_every_key_and_escape_names() {
        assert_eq!(
            lab_notice(&Notice::ClassFile(Path::new("x"), &book())),
            "Data read from CSV file:\n\
             Name,ID Number,Key,Lab 1\n\
             \"Quill, A\\u{1b}[31m\",2100001,<key>,7\n"
        );
        let listening = ServerEvent::Listening("127.0.0.1:50000".parse().unwrap());
        assert_eq!(lab_event(&listening), "Listening for connections on port 50000.\n");
    }

    #[test]
    fn the_lab_s_lines_tell_of_a_request() {
        let session = SessionNumber(1);
        let peer = "127.0.0.1:60001".parse().unwrap();
        assert_eq!(
            lab_event(&ServerEvent::Accepted { session, peer }),
            "Connection received from 127.0.0.1 on port 60001.\n"
        );
        let id = StudentId::new(b"2100001").unwrap();
        let asked = |outcome, reply| {
            let request = Ok(Request { id, command: Command::Report });
            lab_event(&ServerEvent::Answered { session, request, outcome, reply })
        };
        assert_eq!(
            asked(Outcome::Answered, b"gAAAAA==\n"),
            "Received REPORT command from client.\nUser found.\ngAAAAA==\n"
        );
        assert_eq!(
            asked(Outcome::Silence, b""),
            "Received REPORT command from client.\nUser not found.\n"
        );
    }

    #[test]
    fn a_line_that_is_no_request_is_told_by_class_and_length() {
        let malformed = MalformedLine { error: LineError::NoCommand, bytes: 44 };
        let request = Err(Rejection::Malformed(malformed));
        let outcome = Outcome::Rejected(Rejection::Malformed(malformed));
        let event = ServerEvent::Answered {
            session: SessionNumber(1),
            request,
            outcome,
            reply: b"ERR x y\n",
        };
        assert_eq!(
            lab_event(&event),
            "Received no command from client: no command after the student ID; send: ID COMMAND \
             (44 bytes).\nERR x y\n"
        );
    }
}
