//! The lab's console: the lines that the lab is marked on, and lines for everything else.
//!
//! It prints the class file with every key masked, and the names of commands and outcomes. Texts from
//! clients and files are escaped.

use std::fmt::Write as _;
use std::net::SocketAddr;

use grade_actors::event::{CloseReason, EventSink, ServerEvent};
use gradebook::{Book, Outcome, Rejection, Request};

use super::printer::Printer;
use super::text::{count, page_address, part_name, publishing_text, rejection_text};
use crate::command_line::CommandLine;
use crate::redact::escape;

/// Prints the lab's lines.
pub(super) struct LabConsole {
    printer: Printer,
    command_line: CommandLine,
}

impl LabConsole {
    pub(super) fn new(printer: Printer, command_line: CommandLine) -> Self {
        Self { printer, command_line }
    }
}

impl EventSink for LabConsole {
    fn emit(&self, event: &ServerEvent<'_>) {
        self.printer.print(lines(event, &self.command_line).as_bytes());
    }

    fn wants_requests(&self) -> bool {
        true
    }
}

/// The lines for an event. The wording of the first ones is given by the lab.
fn lines(event: &ServerEvent<'_>, command_line: &CommandLine) -> String {
    match event {
        ServerEvent::ClassRead { book, .. } => class_file(book),
        ServerEvent::Listening(addresses) => listening(addresses),
        ServerEvent::PageServed { address, is_secure, hash } => {
            format!("Serving the page at {}, SHA-256 {hash}.\n", page_address(*address, *is_secure))
        }
        ServerEvent::CertificateExchanged => "The new certificate is in place.\n".to_owned(),
        ServerEvent::Accepted { peer, .. } => {
            format!("Connection received from {} on port {}.\n", peer.ip(), peer.port())
        }
        ServerEvent::Answered { request, outcome, reply, .. } => answered(request, *outcome, reply),
        ServerEvent::ConnectionRejected(peer) => {
            format!("Connection from {} rejected: too many are open.\n", peer.ip())
        }
        ServerEvent::Ended { reason: CloseReason::Closed, .. } => String::new(),
        ServerEvent::Ended { session, reason, .. } => {
            format!("Connection {session} ended: {reason}.\n")
        }
        ServerEvent::AcceptPaused(error) => format!("Cannot accept connections: {error}.\n"),
        ServerEvent::AcceptFailed(error) => format!("The listening socket failed: {error}.\n"),
        ServerEvent::AcceptResumed(_) => "Accepting connections again.\n".to_owned(),
        ServerEvent::Panicked(part) => format!("The {} failed and restarts.\n", part_name(*part)),
        ServerEvent::TooManyRestarts => "Too many restarts; the server ends.\n".to_owned(),
        ServerEvent::Installed { edition, students } => {
            let students = count(u64::try_from(*students).unwrap_or(u64::MAX), "student");
            format!("Edition {} of the class file is in place: {students}.\n", edition.0)
        }
        ServerEvent::ClassUnchanged(edition) => {
            format!("The class file is unchanged; kept edition {}.\n", edition.0)
        }
        ServerEvent::EditionKept { edition, reason } => {
            format!("Kept edition {}: {}.\n", edition.0, escape(reason))
        }
        ServerEvent::KeysExchanged(1) => "New keys are in place: 1 student has one.\n".to_owned(),
        ServerEvent::KeysExchanged(students) => {
            format!("New keys are in place: {students} students have one.\n")
        }
        ServerEvent::Publishing(event) => {
            format!("{}.\n", escape(&publishing_text(event, command_line)))
        }
        ServerEvent::WatchFailed(reason) => format!(
            "Cannot watch the class file, so it is read from time to time: {}.\n",
            escape(reason)
        ),
        ServerEvent::Warning(text) => format!("Warning: {text}.\n"),
        ServerEvent::AuditFailed(reason) => {
            format!("Refusing requests: cannot write the audit log: {}.\n", escape(reason))
        }
        ServerEvent::AuditResumed(refused) => format!(
            "Writing the audit log again, and answering requests; {} refused.\n",
            if *refused == 1 {
                "1 request was".to_owned()
            } else {
                format!("{refused} requests were")
            }
        ),
        ServerEvent::Draining(1) => "Stopping; 1 connection is open.\n".to_owned(),
        ServerEvent::Draining(open) => format!("Stopping; {open} connections are open.\n"),
        ServerEvent::Drained(0) => "Stopped.\n".to_owned(),
        ServerEvent::Drained(1) => "Stopped; 1 connection was cut off.\n".to_owned(),
        ServerEvent::Drained(cut_off) => {
            format!("Stopped; {cut_off} connections were cut off.\n")
        }
    }
}

fn answered(request: &Result<Request<'_>, Rejection>, outcome: Outcome, reply: &[u8]) -> String {
    let mut lines = match request {
        Ok(request) => format!("Received {} command from client.\n", request.command.word()),
        Err(rejection) => {
            format!("Received no command from client: {}.\n", rejection_text(*rejection))
        }
    };
    if request.is_ok() {
        lines.push_str(match outcome {
            Outcome::Silence | Outcome::Decoy | Outcome::Rejected(Rejection::UnknownStudent) => {
                "User not found.\n"
            }
            _ => "User found.\n",
        });
    }
    let reply = String::from_utf8_lossy(reply);
    let reply = escape(reply.trim_end());
    if !reply.is_empty() {
        lines.push_str(&reply);
        lines.push('\n');
    }
    lines
}

/// The class file as the lab prints it, with every key masked.
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

/// The lab's line, or one line for each of several addresses.
fn listening(addresses: &[SocketAddr]) -> String {
    if let [address] = addresses {
        return format!("Listening for connections on port {}.\n", address.port());
    }
    let mut lines = String::new();
    for address in addresses {
        let (ip, port) = (address.ip(), address.port());
        let _ = writeln!(lines, "Listening for connections on port {port} of {ip}.");
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use class_files::{ReadLimits, read_class};
    use fernet_batch::Timestamp;
    use grade_actors::event::{PublishingEvent, SessionNumber};
    use gradebook::{Command, EditionNumber, LineError, MalformedLine, PrivacyPolicy, StudentId};

    use super::*;

    const CLASS: &str = "Name,ID Number,Key,Lab 1\n\
        \"Quill, A\u{1b}[31m\",2100001,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=,7\n";

    fn lines(event: &ServerEvent<'_>) -> String {
        super::lines(event, &CommandLine::default())
    }

    fn book() -> Book {
        let limits = ReadLimits { bytes_max: 4096, rows_max: 10 };
        let class = read_class(CLASS.as_bytes(), None, &limits).unwrap();
        let edition = EditionNumber(1).published_at(Timestamp::default());
        Book::publish(class, edition, PrivacyPolicy::EXACT)
    }

    #[test]
    fn the_lab_s_start_lines_mask_every_key_and_escape_names() {
        assert_eq!(
            lines(&ServerEvent::ClassRead { path: Path::new("x"), book: &book() }),
            "Data read from CSV file:\n\
             Name,ID Number,Key,Lab 1\n\
             \"Quill, A\\u{1b}[31m\",2100001,<key>,7\n"
        );
        let addresses = ["127.0.0.1:50000", "127.0.1.1:50000"].map(|text| text.parse().unwrap());
        let listening = |addresses| lines(&ServerEvent::Listening(addresses));
        assert_eq!(listening(&addresses[..1]), "Listening for connections on port 50000.\n");
        assert_eq!(
            listening(&addresses),
            "Listening for connections on port 50000 of 127.0.0.1.\n\
             Listening for connections on port 50000 of 127.0.1.1.\n"
        );
    }

    #[test]
    fn a_request_prints_the_lab_s_lines() {
        let session = SessionNumber(1);
        let peer = "127.0.0.1:60001".parse().unwrap();
        assert_eq!(
            lines(&ServerEvent::Accepted { session, peer }),
            "Connection received from 127.0.0.1 on port 60001.\n"
        );
        let id = StudentId::new(b"2100001").unwrap();
        let asked = |outcome, reply| {
            let request = Ok(Request { id, command: Command::Report });
            lines(&ServerEvent::Answered { session, request, outcome, reply })
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
    fn a_line_that_is_not_a_request_is_printed_by_kind_and_length() {
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
            lines(&event),
            "Received no command from client: no command after the student ID; send: ID COMMAND \
             (44 bytes).\nERR x y\n"
        );
    }

    #[test]
    fn what_waits_for_a_command_names_it_with_the_settings_file() {
        let command_line = CommandLine { config: Some("grades.toml".into()) };
        let edition = EditionNumber(2);
        let lines = |event| super::lines(&ServerEvent::Publishing(event), &command_line);
        assert_eq!(
            lines(PublishingEvent::Held { edition, rules: "replaced", reason: "odd" }),
            "Kept edition 2: the class file is held (replaced): odd; \
             grade-actor-server publish --accept --config grades.toml publishes it.\n"
        );
        assert_eq!(
            lines(PublishingEvent::Staged { edition, digest: "00" }),
            "Kept edition 2: the class file is staged (digest 00); \
             grade-actor-server publish --config grades.toml publishes it.\n"
        );
    }

    #[test]
    fn counts_of_one_are_singular() {
        assert_eq!(lines(&ServerEvent::Draining(1)), "Stopping; 1 connection is open.\n");
        assert_eq!(lines(&ServerEvent::Draining(2)), "Stopping; 2 connections are open.\n");
        let edition = EditionNumber(3);
        assert_eq!(
            lines(&ServerEvent::Installed { edition, students: 1 }),
            "Edition 3 of the class file is in place: 1 student.\n"
        );
    }
}
