//! The protocols of the load: the lines of the grade server, in clear or sealed, and Redis's.

use std::time::SystemTime;

use clap::ValueEnum;
use fernet_batch::Timestamp;
use gradebook::sealed::{Nonce, SealedRequest};

use crate::keys::Keys;

/// The course that sealed requests are for.
pub(crate) const AUDIENCE: &str = "grade-bench";

/// How requests are written and replies are delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// `ID CMD` in lines; each reply is a line.
    Grades,
    /// `ID TOKEN` in lines, each of them new; each reply is a line.
    Sealed,
    /// `GET ID` in RESP, Redis's protocol; each reply is a line with its length and a line.
    Redis,
}

impl Protocol {
    /// Appends one request. A sealed one is made now, with this nonce.
    ///
    /// # Errors
    /// When a sealed request cannot be made: the student has no key, or the command is too long.
    pub(crate) fn write_request(
        self,
        out: &mut Vec<u8>,
        id: &str,
        command: &str,
        nonce: u64,
        keys: &Keys,
    ) -> anyhow::Result<()> {
        let request = match self {
            Self::Grades => format!("{id} {command}\n"),
            Self::Sealed => {
                let request =
                    SealedRequest { audience: AUDIENCE, id, command, nonce: Nonce(nonce) };
                let token = request.seal(keys.of(id)?, Timestamp::of(SystemTime::now()))?;
                format!("{id} {token}\n")
            }
            Self::Redis => format!("*2\r\n$3\r\nGET\r\n${}\r\n{id}\r\n", id.len()),
        };
        out.extend_from_slice(request.as_bytes());
        Ok(())
    }

    /// How many lines each reply has.
    pub(crate) fn lines_per_reply(self) -> usize {
        match self {
            Self::Grades | Self::Sealed => 1,
            Self::Redis => 2,
        }
    }

    /// Whether the same request may be sent again and again.
    pub(crate) fn repeats(self) -> bool {
        self != Self::Sealed
    }
}
