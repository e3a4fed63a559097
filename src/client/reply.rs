//! Opening a reply, and whether it is to be trusted.

use std::path::Path;
use std::time::{Duration, SystemTime};

use fernet_batch::{OpenError, Opened, Timestamp, open};
use gradebook::sealed::{Reply, without_padding};
use gradebook::{Command, Rejection};

use super::endpoint::{Endpoint, SealedOptions};
use super::error::ClientError;
use super::request::ClientRequest;

/// An answer that was opened and is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// When it was made.
    pub(super) time: Timestamp,
    /// Its text.
    pub(super) text: String,
}

/// Opens one reply line: a token, or the server's rejection.
///
/// # Errors
/// Returns an error if it is not a trusted answer; nothing of its content is returned then.
pub(super) fn read_reply(
    endpoint: &Endpoint,
    line: &str,
    request: &ClientRequest,
    now: SystemTime,
) -> Result<Answer, ClientError> {
    if let Some(rejection) = line.strip_prefix("ERR ") {
        let (word, text) = rejection.split_once(' ').unwrap_or((rejection, ""));
        return Err(ClientError::Refused { word: word.to_owned(), text: text.to_owned() });
    }
    let opened = open(&request.key, line).map_err(|error| match error {
        OpenError::NotAToken => ClientError::NotAToken,
        OpenError::WrongKey => ClientError::WrongKey,
    })?;
    check_age(endpoint.age_max, opened.time, Timestamp::of(now))?;
    if let Some(sealed) = &endpoint.sealed {
        return read_sealed_reply(sealed, &opened, request, Timestamp::of(now));
    }
    let text = without_padding(&opened.text);
    if !can_answer(request, text) {
        return Err(ClientError::Mismatched);
    }
    Ok(Answer { time: opened.time, text: text.to_owned() })
}

fn check_age(age_max: Duration, made: Timestamp, now: Timestamp) -> Result<(), ClientError> {
    let age = Duration::from_secs(now.0.saturating_sub(made.0));
    if age > age_max {
        return Err(ClientError::TooOld { age, age_max });
    }
    if Duration::from_secs(made.0.saturating_sub(now.0)) > age_max {
        return Err(ClientError::FromTheFuture { time: made });
    }
    Ok(())
}

fn read_sealed_reply(
    sealed: &SealedOptions,
    opened: &Opened,
    request: &ClientRequest,
    now: Timestamp,
) -> Result<Answer, ClientError> {
    let reply = Reply::parse(&opened.text).filter(|reply| reply.request == request.sealed());
    let Reply { edition, time, body, .. } = reply.ok_or(ClientError::Mismatched)?;
    // A server of another course has editions of its own, which are not those of this audience.
    if body != Err(Rejection::WrongAudience) {
        let seen = sealed.editions.record(&sealed.audience, &request.id, edition);
        seen.map_err(|seen| {
            let file = sealed.editions.file().map(Path::to_owned);
            ClientError::Stale { edition, seen, file }
        })?;
    }
    match body {
        Ok(text) => Ok(Answer { time: opened.time, text: text.to_owned() }),
        Err(Rejection::ClockSkew) => {
            sealed.clock.follow(time, now);
            Err(ClientError::ClockSkew { server: time })
        }
        Err(rejection) => {
            let text = rejection.text().to_owned();
            Err(ClientError::Refused { word: rejection.word().to_owned(), text })
        }
    }
}

/// Returns true if a text can be the answer to a request in clear. Somebody on the way could have
/// exchanged it for the answer to another request of the same student. The text does not repeat the
/// request, so only another form is noticed: an `AVG` of a column with an unusual name looks like
/// grades.
fn can_answer(request: &ClientRequest, text: &str) -> bool {
    match request.command() {
        Command::Grades => can_be_grades(text),
        Command::Report => serde_json::from_str::<serde_json::Value>(text)
            .is_ok_and(|report| report.get("id") == Some(&request.id.as_str().into())),
        Command::LabAverage(lab) => is_average_of(lab.column(), text),
        Command::MidtermAverage => is_average_of("Midterm", text),
        Command::ExamAverage => is_average_of("Exam", text),
        Command::Average(name) => is_average_of(name, text),
        Command::Statistics(name) => begins_with(text, name, " statistics: "),
        Command::Sealed(_) => false,
    }
}

fn can_be_grades(text: &str) -> bool {
    let averages = ["Lab 1", "Lab 2", "Lab 3", "Lab 4", "Midterm", "Exam"];
    // A column may be called an average too, but it is not the only column.
    let is_single = !text.contains(", ") || text.contains(" (Exam ");
    let is_average = is_single && averages.iter().any(|name| is_average_of(name, text));
    !text.starts_with('{') && !is_average
}

fn is_average_of(name: &str, text: &str) -> bool {
    begins_with(text, name, " average: ")
}

/// Returns true if a text begins with a name, written in any case, and then another text.
fn begins_with(text: &str, name: &str, then: &str) -> bool {
    let name = name.to_lowercase();
    let mut beginnings = text.match_indices(then).filter_map(|(at, _)| text.get(..at));
    beginnings.any(|beginning| beginning.to_lowercase() == name)
}

#[cfg(test)]
mod tests {
    use fernet_batch::Key;

    use super::*;

    const KEY: &str = "__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4=";
    const NOW: u64 = 1_800_000_000;

    fn read_as(command: &str, line: &str) -> Result<String, String> {
        let endpoint = Endpoint {
            address: "192.0.2.1:1".into(),
            timeout: Duration::from_secs(1),
            age_max: Duration::from_secs(300),
            sealed: None,
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let key = Key::parse(KEY.as_bytes()).unwrap();
        let request = ClientRequest::new("2100001", command, key, None).unwrap();
        let answer = read_reply(&endpoint, line, &request, now);
        answer.map(|answer| answer.text).map_err(|error| error.word().to_owned())
    }

    fn read(line: &str) -> Result<String, String> {
        read_as("GG", line)
    }

    fn made_at(time: u64) -> String {
        fernet::Fernet::new(KEY).unwrap().encrypt_at_time(b"Lab 1: 7  ", time)
    }

    #[test]
    fn an_answer_is_trusted_within_the_greatest_age_either_way() {
        for time in [NOW - 300, NOW, NOW + 300] {
            assert_eq!(read(&made_at(time)), Ok("Lab 1: 7".into()), "padding is dropped");
        }
        assert_eq!(read(&made_at(NOW - 301)), Err("too-old".into()));
        assert_eq!(read(&made_at(NOW + 301)), Err("from-the-future".into()));
        assert_eq!(read(&made_at(u64::MAX)), Err("from-the-future".into()));
    }

    #[test]
    fn an_answer_to_another_request_is_not_trusted() {
        let lab = "Lab 1 average: 5";
        let report = "{\"id\":\"2100001\",\"edition\":1}";
        for (command, text, trusted) in [
            ("GL1A", lab, true),
            ("AVG Lab 1", lab, true),
            ("GL2A", lab, false),
            ("AVG Lab 2", lab, false),
            ("STATS Lab 1", "Lab 1 statistics: no marks yet", true),
            ("STATS Lab 1", lab, false),
            ("STATS Lab 2", "Lab 1 statistics: no marks yet", false),
            ("GG", lab, false),
            ("REPORT", lab, false),
            ("GEA", "Exam average: 5 (Exam 1: 5)", true),
            ("GMA", "Exam average: 5 (Exam 1: 5)", false),
            ("REPORT", report, true),
            ("GG", report, false),
            ("REPORT", "{\"id\":\"2100002\"}", false),
            ("GG", "Lab 1: 5", true),
            ("GL1A", "Lab 1: 5", false),
        ] {
            let token = fernet::Fernet::new(KEY).unwrap().encrypt_at_time(text.as_bytes(), NOW);
            let read = read_as(command, &token);
            assert_eq!(read.is_ok(), trusted, "{command}: {text}");
            assert!(trusted || read == Err("mismatched".into()));
        }
    }

    #[test]
    fn padding_is_dropped_and_a_blank_mark_is_kept() {
        assert_eq!(without_padding("Lab 1: 7, Lab 2:    "), "Lab 1: 7, Lab 2: ");
        assert_eq!(without_padding("Lab 1: 7, Lab 2: "), "Lab 1: 7, Lab 2: ");
        assert_eq!(without_padding("Lab 1: 7  "), "Lab 1: 7");
        assert_eq!(without_padding(""), "");
    }

    #[test]
    fn a_rejection_a_token_and_anything_else_are_different_errors() {
        assert_eq!(read("ERR unknown no student has this ID"), Err("unknown".into()));
        assert_eq!(read("HTTP/1.1 400 Bad Request"), Err("not-a-token".into()));
        let other = fernet::Fernet::new(&fernet::Fernet::generate_key()).unwrap();
        assert_eq!(read(&other.encrypt_at_time(b"x", NOW)), Err("wrong-key".into()));
    }
}
