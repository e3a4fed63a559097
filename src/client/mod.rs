//! The client: asks a server for grades, opens the answers, and says plainly what went wrong.

pub mod dialogue;
pub mod display;
pub mod editions;
pub mod keys;
pub mod script;

mod connection;

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use gradebook::sealed::{InvalidField, Nonce, Reply, SealedRequest, Status, without_padding};
use gradebook::{EditionNumber, Key, OpenError, Opened, Timestamp, open};

use editions::Editions;

pub use connection::Connection;

/// Whom to ask, and how patiently.
#[derive(Debug)]
pub struct Endpoint {
    /// `HOST:PORT`.
    pub address: String,
    /// How long to wait for a connection, and for each answer.
    pub timeout: Duration,
    /// How old an answer may be, and how far in the future.
    pub age_max: Duration,
    /// With an audience here, requests are sealed.
    pub sealed: Option<Sealed>,
}

/// What sealed requests need to know.
#[derive(Debug)]
pub struct Sealed {
    /// The course and term.
    pub audience: String,
    /// The editions that have been seen.
    pub editions: Editions,
}

/// One question, with the key that its answer is sealed under.
pub struct ClientRequest {
    /// Who asks.
    pub id: String,
    /// What is asked: `GG`, or `AVG Lab 1`.
    pub command: String,
    /// The student's key.
    pub key: Key,
    /// What a sealed reply must repeat.
    nonce: Nonce,
}

/// An answer that has been opened and is to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it was made.
    pub time: Timestamp,
    /// What it says.
    pub text: String,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// There is no connection.
    #[error("cannot connect to {address}: {why}")]
    NotConnected {
        /// The server's address.
        address: String,
        /// What the system says.
        why: String,
    },
    /// The server said no.
    #[error("refused by the server: {text} ({word})")]
    Refused {
        /// The server's word for programs.
        word: String,
        /// The server's text for people.
        text: String,
    },
    /// The server closed the connection instead of answering.
    #[error("closed without an answer; the server does so when it does not know the student ID")]
    Closed,
    /// The connection broke before the answer was complete.
    #[error("the connection was lost before the answer was complete")]
    Lost,
    /// The answer did not come.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    /// The answer is no token.
    #[error("the answer is not a token; is this a grade server?")]
    NotAToken,
    /// The answer cannot be opened.
    #[error(
        "the answer cannot be opened with this key: the key is not this student's, or the answer was changed on its way"
    )]
    WrongKey,
    /// The answer was made too long ago: it may be a recorded one.
    #[error("the answer is not to be trusted: it is {} old, more than --max-age {}", humantime::format_duration(*.age), humantime::format_duration(*.age_max))]
    TooOld {
        /// Its age.
        age: Duration,
        /// The greatest age allowed.
        age_max: Duration,
    },
    /// The answer was made in the future: one of the clocks is wrong.
    #[error("the answer is not to be trusted: it is of {time}, in the future; check both clocks")]
    FromTheFuture {
        /// Its time.
        time: Timestamp,
    },
    /// The answer is one to another question.
    #[error("the answer is not to be trusted: it answers another request")]
    Mismatched,
    /// The answer is of an older edition than one that has been seen.
    #[error(
        "the answer is not to be trusted: it is of edition {}, and one of edition {} has been seen already",
        told.0,
        seen.0
    )]
    Stale {
        /// The answer's edition.
        told: EditionNumber,
        /// The newest edition seen.
        seen: EditionNumber,
    },
    /// The question has no place in a sealed request.
    #[error("the request cannot be sealed: {0}")]
    InvalidField(#[from] InvalidField),
    /// The answer has no end.
    #[error("the answer is not to be trusted: it is longer than {0} bytes")]
    TooLong(usize),
}

impl ClientError {
    /// The program's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Closed => 1,
            Self::InvalidField(_) => 2,
            Self::NotConnected { .. } | Self::Lost | Self::TimedOut(_) => 3,
            Self::NotAToken | Self::WrongKey => 4,
            Self::TooOld { .. }
            | Self::FromTheFuture { .. }
            | Self::Mismatched
            | Self::Stale { .. }
            | Self::TooLong(_) => 5,
        }
    }

    /// A word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotConnected { .. } => "not-connected",
            Self::Refused { .. } => "refused",
            Self::Closed => "closed",
            Self::Lost => "lost",
            Self::TimedOut(_) => "timed-out",
            Self::NotAToken => "not-a-token",
            Self::WrongKey => "wrong-key",
            Self::TooOld { .. } => "too-old",
            Self::FromTheFuture { .. } => "from-the-future",
            Self::Mismatched => "mismatched",
            Self::Stale { .. } => "stale",
            Self::InvalidField(_) => "unsayable",
            Self::TooLong(_) => "too-long",
        }
    }

    /// Whether the connection can be used for another question.
    pub const fn leaves_connection(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::NotAToken
                | Self::WrongKey
                | Self::TooOld { .. }
                | Self::FromTheFuture { .. }
                | Self::Mismatched
                | Self::Stale { .. }
        )
    }
}

impl ClientRequest {
    /// A question with a nonce of its own.
    pub fn new(id: String, command: String, key: Key) -> Self {
        // The standard library's hash under keys that the system drew at random.
        let nonce = Nonce(RandomState::new().hash_one(SystemTime::now()));
        Self { id, command, key, nonce }
    }

    /// The line that asks it.
    fn line(&self, sealed: Option<&Sealed>, now: SystemTime) -> Result<String, ClientError> {
        let Some(Sealed { audience, .. }) = sealed else {
            return Ok(format!("{} {}\n", self.id, self.command));
        };
        let query = SealedRequest { audience, ..self.query() };
        Ok(format!("{} {}\n", self.id, query.seal(&self.key, Timestamp::of(now))?))
    }

    /// What a sealed reply repeats.
    fn query(&self) -> SealedRequest<'_> {
        SealedRequest { audience: "", id: &self.id, command: &self.command, nonce: self.nonce }
    }
}

impl Endpoint {
    /// Opens one reply line: a token, or the server's rejection.
    ///
    /// # Errors
    /// [`ClientError`] when it is not an answer to be trusted; nothing of its content is given then.
    pub fn read_reply(
        &self,
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
        self.check_time(opened.time, Timestamp::of(now))?;
        if let Some(sealed) = &self.sealed {
            return sealed.read_reply(&opened, request);
        }
        let text = without_padding(&opened.text);
        if !answers(request, text) {
            return Err(ClientError::Mismatched);
        }
        Ok(Answer { time: opened.time, text: text.to_owned() })
    }

    fn check_time(&self, made: Timestamp, now: Timestamp) -> Result<(), ClientError> {
        let age_max = self.age_max;
        let age = Duration::from_secs(now.0.saturating_sub(made.0));
        if age > age_max {
            return Err(ClientError::TooOld { age, age_max });
        }
        if Duration::from_secs(made.0.saturating_sub(now.0)) > age_max {
            return Err(ClientError::FromTheFuture { time: made });
        }
        Ok(())
    }
}

impl Sealed {
    /// Reads what a sealed reply says.
    fn read_reply(&self, opened: &Opened, request: &ClientRequest) -> Result<Answer, ClientError> {
        let reply = Reply::parse(&opened.text).filter(|reply| reply.request == request.query());
        let reply = reply.ok_or(ClientError::Mismatched)?;
        let seen = self.editions.see(&self.audience, &request.id, reply.edition);
        seen.map_err(|seen| ClientError::Stale { told: reply.edition, seen })?;
        if reply.status != Status::Ok {
            let mut text = reply.status.text().to_owned();
            if reply.status == Status::Clock {
                text = format!("{text}; it is {} there", reply.time);
            }
            return Err(ClientError::Refused { word: reply.status.word().to_owned(), text });
        }
        Ok(Answer { time: opened.time, text: reply.body.to_owned() })
    }
}

/// Whether a text can be the answer to the question: someone on the way could have swapped it for the
/// answer to another one by the same student. The text does not repeat the question, so only what
/// has another form is noticed: an `AVG` of a column with a name of its own looks like grades.
fn answers(request: &ClientRequest, text: &str) -> bool {
    let average_of =
        |name: &str| text.strip_prefix(name).is_some_and(|rest| rest.starts_with(" average: "));
    match request.command.as_str() {
        "GG" => {
            let averages = ["Lab 1", "Lab 2", "Lab 3", "Lab 4", "Midterm", "Exam"];
            // A column may be called an average too, but it is not the only one.
            let alone = !text.contains(", ") || text.contains(" (Exam ");
            let average = alone && averages.into_iter().any(average_of);
            !(text.starts_with('{') || average)
        }
        "REPORT" => serde_json::from_str::<serde_json::Value>(text)
            .is_ok_and(|report| report.get("id") == Some(&request.id.as_str().into())),
        "GL1A" => average_of("Lab 1"),
        "GL2A" => average_of("Lab 2"),
        "GL3A" => average_of("Lab 3"),
        "GL4A" => average_of("Lab 4"),
        "GMA" => average_of("Midterm"),
        "GEA" => average_of("Exam"),
        command => match command.split_once(' ') {
            Some(("AVG", name)) => average_of(name.trim()),
            Some(("STATS", name)) => {
                let rest = text.strip_prefix(name.trim());
                rest.is_some_and(|rest| rest.starts_with(" statistics: "))
            }
            _ => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use gradebook::Timestamp;

    use super::*;

    const KEY: &str = "__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4=";
    const NOW: u64 = 1_800_000_000;

    fn read_as(command: &str, line: &str) -> Result<String, ClientError> {
        let server = Endpoint {
            address: "192.0.2.1:1".into(),
            timeout: Duration::from_secs(1),
            age_max: Duration::from_secs(300),
            sealed: None,
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let key = Key::parse(KEY.as_bytes()).unwrap();
        let request = ClientRequest::new("2100001".into(), command.into(), key);
        server.read_reply(line, &request, now).map(|answer| answer.text)
    }

    fn read(line: &str) -> Result<String, ClientError> {
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
        let age_max = Duration::from_secs(300);
        let age = Duration::from_secs(301);
        assert_eq!(read(&made_at(NOW - 301)), Err(ClientError::TooOld { age, age_max }));
        let time = Timestamp(NOW + 301);
        assert_eq!(read(&made_at(NOW + 301)), Err(ClientError::FromTheFuture { time }));
        assert!(matches!(read(&made_at(u64::MAX)), Err(ClientError::FromTheFuture { .. })));
    }

    #[test]
    fn an_answer_to_another_question_is_not_trusted() {
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
            assert!(trusted || read == Err(ClientError::Mismatched));
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
    fn a_refusal_is_told_from_a_token_and_from_anything_else() {
        let (word, text) = ("unknown".to_owned(), "no student has this ID".to_owned());
        assert_eq!(
            read("ERR unknown no student has this ID"),
            Err(ClientError::Refused { word, text })
        );
        assert_eq!(read("HTTP/1.1 400 Bad Request"), Err(ClientError::NotAToken));
        let other = fernet::Fernet::new(&fernet::Fernet::generate_key()).unwrap();
        assert_eq!(read(&other.encrypt_at_time(b"x", NOW)), Err(ClientError::WrongKey));
    }
}
