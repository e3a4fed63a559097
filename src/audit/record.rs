//! What a record says, and how records are chained.
//!
//! A record is one line with a JSON object. Its `hash` is the SHA-256 of the bytes of the line before
//! it, in which `previous` repeats the hash of the record before. So no record can be changed, removed
//! or moved without changing every hash behind it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use hex_simd::{AsciiCase, Out};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a record is about.
#[derive(Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum AuditEvent<'a> {
    /// A request, before its reply is sent.
    Request {
        connection: u64,
        source: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<&'static str>,
        outcome: &'static str,
        edition: u64,
    },
    /// The server listens. `truncated_bytes` counts the bytes of an unfinished record that were removed
    /// from the end of the file.
    Start {
        version: &'static str,
        profile: &'static str,
        /// Several are separated by commas.
        address: String,
        new_file: bool,
        #[serde(rename = "torn_bytes")]
        truncated_bytes: u64,
        /// The records at the end of the file that its head did not count.
        #[serde(skip_serializing_if = "is_zero")]
        uncounted: u64,
    },
    /// A class file was installed.
    Reload { edition: u64, students: usize },
    /// A class file was rejected or held; the current edition stays.
    ReloadRefused { edition: u64, reason: Cow<'a, str> },
    /// A part failed and restarts.
    Restart { part: &'static str },
    /// The session failed.
    SessionFailed { connection: u64 },
    /// So many requests of a source were rejected within a second, since it sends too many.
    TooMany { source: String, count: u64 },
    /// So many connections of a source were rejected within a second, since it has too many.
    #[serde(rename = "turned_away")]
    ConnectionsRejected { source: String, count: u64 },
    /// Connections cannot be accepted.
    AcceptFailed { reason: Cow<'a, str> },
    /// The records of this range say that requests were answered that were refused: writing the
    /// records took too long.
    #[serde(rename = "withheld")]
    Voided { from: u64, to: u64 },
    /// Records can be written again, after so many requests were refused and so many events lost.
    Resumed { reason: Cow<'a, str>, refused_requests: u64, lost_events: u64 },
    /// The last record of a file that was moved away: the next file continues.
    Continued,
    /// The first record of the file that continues.
    Continues,
    /// The service ends; so many connections are open.
    Stopping { connections: usize },
    /// The last record of a run.
    Stop { outcome: &'static str },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The end of the chain: a record as the next one refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChainHead {
    /// Its number; the first record is 1.
    pub(super) sequence: u64,
    pub(super) hash: String,
}

impl ChainHead {
    /// What stands before the first record.
    pub(super) fn genesis() -> Self {
        Self { sequence: 0, hash: "0".repeat(HASH_DIGITS) }
    }

    /// Appends the record of an event to a text, and becomes the head of the longer chain. `time` is the
    /// time of the record as [`RecordTime`] writes it.
    pub(super) fn append(&mut self, event: &AuditEvent<'_>, time: &str, text: &mut Vec<u8>) {
        let start = text.len();
        let sequence = self.sequence.saturating_add(1);
        // Millions of records are of requests, so their fields are appended without the help of `write!`.
        let mut number = itoa::Buffer::new();
        let number = number.format(sequence);
        append(text, &[r#"{"sequence":"#, number, r#","time":""#, time, r#"","#]);
        if event.append_request(text).is_none() {
            let body = text.len();
            // Writing to memory does not fail, and numbers and texts always become JSON.
            drop(serde_json::to_writer(&mut *text, event));
            // The braces of the event's own object are removed.
            text.pop();
            if body < text.len() {
                text.remove(body);
            }
        }
        append(text, &[r#","previous":""#, &self.hash, r#"""#]);
        let digest = Sha256::digest(text.get(start..).unwrap_or_default());
        let mut digits = [0; HASH_DIGITS];
        let hash = hex_simd::encode_as_str(&digest, Out::from_slice(&mut digits), AsciiCase::Lower);
        append(text, &[HASH_FIELD, hash, "\"}\n"]);
        self.sequence = sequence;
        self.hash.clear();
        self.hash.push_str(hash);
    }
}

fn append(text: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        text.extend_from_slice(part.as_bytes());
    }
}

impl AuditEvent<'_> {
    /// Appends the fields of a request, as `serde` would write them, in a quarter of the time: nearly all
    /// records are about requests. Returns `None` for other events.
    fn append_request(&self, text: &mut Vec<u8>) -> Option<()> {
        let Self::Request { connection, source, id, command, outcome, edition } = self else {
            return None;
        };
        // Numbers, addresses and words need no escapes.
        let mut number = itoa::Buffer::new();
        let connection = number.format(*connection);
        append(text, &[r#""event":"request","connection":"#, connection, r#","source":""#, source]);
        append(text, &[r#"""#]);
        if let Some(id) = id {
            // Most IDs need none, either.
            if id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                append(text, &[r#","id":""#, id, r#"""#]);
            } else {
                append(text, &[r#","id":"#]);
                drop(serde_json::to_writer(&mut *text, id));
            }
        }
        if let Some(command) = command {
            append(text, &[r#","command":""#, command, r#"""#]);
        }
        let edition = number.format(*edition);
        append(text, &[r#","outcome":""#, outcome, r#"","edition":"#, edition]);
        Some(())
    }
}

/// The time of records: RFC 3339, UTC, to the millisecond. Only what changed is
/// written anew.
#[derive(Default)]
pub(super) struct RecordTime {
    /// The last time that was asked for. All records of a batch have the same.
    last: Option<SystemTime>,
    /// The second since 1970 and the millisecond that the text shows.
    shown: Option<(u64, u32)>,
    text: String,
}

impl RecordTime {
    /// The text of a time.
    pub(super) fn text(&mut self, time: SystemTime) -> &str {
        /// The length of `2027-01-15T08:00:00.`.
        const SECOND_CHARS: usize = 20;
        if self.last.replace(time) == Some(time) {
            return &self.text;
        }
        let time = clamp_time(time);
        let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (second, millisecond) = (since_1970.as_secs(), since_1970.subsec_millis());
        match self.shown {
            Some((shown, _)) if shown != second => self.shown = None,
            Some((_, shown)) if shown != millisecond => {
                self.text.truncate(SECOND_CHARS);
                let _ = write!(self.text, "{millisecond:03}Z");
            }
            _ => {}
        }
        if self.shown.is_none() {
            self.text = humantime::format_rfc3339_millis(time).to_string();
        }
        self.shown = Some((second, millisecond));
        &self.text
    }
}

/// The time, or the nearest one that the format can write: years 1970 to 9999.
fn clamp_time(time: SystemTime) -> SystemTime {
    const YEAR_10000_SECONDS: u64 = 253_402_300_800;
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(YEAR_10000_SECONDS - 1);
    time.clamp(SystemTime::UNIX_EPOCH, end)
}

/// A record that was read back.
#[derive(Clone, Deserialize)]
pub(super) struct Record {
    pub(super) sequence: u64,
    pub(super) time: String,
    pub(super) event: String,
    /// Of a `start` only.
    #[serde(default)]
    pub(super) new_file: bool,
    pub(super) previous: String,
    pub(super) hash: String,
}

/// Why a line is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordError {
    #[error("is not a record")]
    Form,
    #[error("was edited: its hash is not that of its text")]
    Hash,
}

impl Record {
    /// Reads a line without its line end.
    pub(super) fn parse(line: &[u8]) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_slice(line).map_err(|_| RecordError::Form)?;
        let end = format!(r#"{HASH_FIELD}{}"}}"#, record.hash);
        let hashed = line.strip_suffix(end.as_bytes()).ok_or(RecordError::Form)?;
        if hash(hashed) == record.hash { Ok(record) } else { Err(RecordError::Hash) }
    }

    pub(super) fn chain_head(&self) -> ChainHead {
        ChainHead { sequence: self.sequence, hash: self.hash.clone() }
    }
}

/// What stands between the hashed bytes of a record and the digits of the hash.
const HASH_FIELD: &str = r#","hash":""#;

/// The hexadecimal digits of a hash.
const HASH_DIGITS: usize = 64;

fn hash(text: &[u8]) -> String {
    hex_simd::encode_to_string(Sha256::digest(text), AsciiCase::Lower)
}

#[cfg(test)]
mod tests;
