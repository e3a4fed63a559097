//! The settings as they are written in `settings/default.toml`, which documents them.

use std::fmt;
use std::slice;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct RawSettings {
    pub(super) server: RawServer,
    pub(super) gradebook: RawGradebook,
    pub(super) lab: RawLab,
    pub(super) sealed: RawSealed,
    pub(super) http: RawHttp,
    pub(super) admin: RawAdmin,
    pub(super) limits: RawLimits,
    pub(super) timeouts: RawTimeouts,
    pub(super) audit: RawAudit,
    pub(super) console: RawConsole,
}

#[derive(Deserialize)]
pub(super) struct RawServer {
    pub(super) listen: OneOrMany,
    pub(super) profile: String,
    pub(super) allow_clear_requests: bool,
    pub(super) proxies: OneOrMany,
    pub(super) workers: u64,
}

/// A text, or a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RawGradebook {
    pub(super) file: String,
    pub(super) format: String,
    pub(super) course_file: String,
    pub(super) keys_file: String,
    pub(super) state_file: String,
    pub(super) history: String,
    pub(super) history_max: u64,
    pub(super) publish: String,
    pub(super) watch: bool,
    pub(super) rows_max: u64,
    pub(super) bytes_max: ByteSize,
    pub(super) shrink_percent_max: u64,
    pub(super) statistics: String,
    pub(super) privacy_budget: RawNumber,
    pub(super) population_min: u64,
}

/// A number, or the text of one.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum RawNumber {
    Whole(i64),
    Fraction(f64),
    Text(String),
}

/// The shortest decimal spelling.
impl fmt::Display for RawNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Fraction(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RawLab {
    pub(super) id_digits: u64,
    pub(super) unknown_student: String,
    pub(super) reveal_key: bool,
}

#[derive(Deserialize)]
pub(super) struct RawSealed {
    pub(super) audience: String,
    #[serde(with = "humantime_serde")]
    pub(super) clock_skew: Duration,
    pub(super) replays_per_student: u64,
    pub(super) replays: u64,
}

#[derive(Deserialize)]
pub(super) struct RawHttp {
    pub(super) listen: String,
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) public_url: String,
}

#[derive(Deserialize)]
pub(super) struct RawAdmin {
    pub(super) socket: String,
}

#[derive(Deserialize)]
pub(super) struct RawLimits {
    pub(super) connections: u64,
    pub(super) connections_per_source: u64,
    pub(super) requests_per_second_per_source: u64,
    pub(super) line_bytes: ByteSize,
    pub(super) batch_requests: u64,
    pub(super) output_bytes: ByteSize,
}

#[derive(Deserialize)]
pub(super) struct RawTimeouts {
    #[serde(with = "humantime_serde")]
    pub(super) request: Duration,
    #[serde(with = "humantime_serde")]
    pub(super) idle: Duration,
    #[serde(with = "humantime_serde")]
    pub(super) write: Duration,
    #[serde(with = "humantime_serde")]
    pub(super) drain: Duration,
}

#[derive(Deserialize)]
pub(super) struct RawAudit {
    pub(super) file: String,
    #[serde(with = "humantime_serde")]
    pub(super) timeout: Duration,
}

#[derive(Deserialize)]
pub(super) struct RawConsole {
    pub(super) style: String,
}
