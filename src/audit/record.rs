//! What a record says, and how records are chained.
//!
//! A record is one line with a JSON object. Its `hash` is the SHA-256 of the bytes of the line before
//! it, in which `previous` repeats the hash of the record before. So no record can be changed, removed
//! or moved without changing every hash behind it.

use std::borrow::Cow;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use hex_simd::AsciiCase;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a record is about.
#[derive(Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum AuditEvent<'a> {
    /// A request, before its reply is sent.
    Request {
        connection: u64,
        source: SocketAddr,
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

    /// Appends the record of an event to a text, and becomes the head of the longer chain.
    pub(super) fn append(&mut self, event: &AuditEvent<'_>, time: SystemTime, text: &mut Vec<u8>) {
        let start = text.len();
        let sequence = self.sequence.saturating_add(1);
        let time = humantime::format_rfc3339_millis(clamp_time(time));
        // Writing to memory does not fail, and numbers and texts always become JSON.
        let _ = write!(text, r#"{{"sequence":{sequence},"time":"{time}","#);
        let body = text.len();
        drop(serde_json::to_writer(&mut *text, event));
        // The braces of the event's own object are removed.
        text.pop();
        if body < text.len() {
            text.remove(body);
        }
        let _ = write!(text, r#","previous":"{}""#, self.hash);
        let hash = hash(text.get(start..).unwrap_or_default());
        let _ = writeln!(text, r#"{HASH_FIELD}{hash}"}}"#);
        *self = Self { sequence, hash };
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
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line_of_json_whose_hash_anyone_can_compute() {
        let mut head = ChainHead::genesis();
        let mut text = b"before".to_vec();
        let event = AuditEvent::Request {
            connection: 7,
            source: "127.0.0.1:60001".parse().unwrap(),
            id: Some("2100001"),
            command: Some("GG"),
            outcome: "answered",
            edition: 3,
        };
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123);
        head.append(&event, time, &mut text);
        let line = String::from_utf8(text[6..].to_vec()).unwrap();
        let document = include_str!("../../docs/AUDIT.md");
        assert!(document.contains(&line), "docs/AUDIT.md does not show the record {line}");
        let (hashed, _) = line.split_once(",\"hash\"").unwrap();
        let digest: String =
            Sha256::digest(hashed).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((head.sequence, &head.hash), (1, &digest));
    }

    #[test]
    fn a_clock_beyond_all_bounds_still_makes_a_record() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 45);
        let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40);
        for (time, expected) in
            [(early, "1970-01-01T00:00:00.000Z"), (far, "9999-12-31T23:59:59.000Z")]
        {
            let mut text = Vec::new();
            ChainHead::genesis().append(&AuditEvent::Continued, time, &mut text);
            let record = Record::parse(text.trim_ascii_end()).unwrap();
            assert_eq!(record.time, expected);
        }
    }

    #[test]
    fn a_changed_line_is_not_read_as_a_record() {
        let mut text = Vec::new();
        ChainHead::genesis().append(
            &AuditEvent::Stopping { connections: 3 },
            SystemTime::now(),
            &mut text,
        );
        let line = text.trim_ascii_end();
        assert_eq!(Record::parse(line).map(|record| record.sequence), Ok(1));
        for at in 0..line.len() {
            let mut changed = line.to_vec();
            changed[at] ^= 1;
            assert!(Record::parse(&changed).is_err(), "byte {at}");
            assert!(Record::parse(&line[..at]).is_err(), "cut at {at}");
        }
    }
}
