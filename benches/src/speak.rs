//! The languages that the load speaks: the protocol's lines, bare lines, and Redis's.

use clap::ValueEnum;

/// How requests are written and replies told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Speech {
    /// `ID CMD` in lines; each reply is a line.
    Grades,
    /// `GET ID` in RESP, Redis's protocol; each reply is a line with its length and a line.
    Redis,
}

impl Speech {
    /// Appends one request.
    pub(crate) fn write_request(self, out: &mut Vec<u8>, id: &str, command: &str) {
        let request = match self {
            Self::Grades => format!("{id} {command}\n"),
            Self::Redis => format!("*2\r\n$3\r\nGET\r\n${}\r\n{id}\r\n", id.len()),
        };
        out.extend_from_slice(request.as_bytes());
    }

    /// How many lines each reply has.
    pub(crate) fn lines_per_reply(self) -> usize {
        match self {
            Self::Grades => 1,
            Self::Redis => 2,
        }
    }
}
