//! The protocols of the load: the lines of the grade server, in clear or sealed, and Redis's.

use std::io::Write;
use std::time::SystemTime;

use clap::ValueEnum;
use fernet_batch::{PlainFrame, Sealer, Timestamp, frame, token};
use gradebook::sealed::{Nonce, SealedRequest};
use gradebook::wire::REQUEST_TOKEN_BYTES;

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
    /// Appends requests. Sealed ones are made now.
    ///
    /// # Errors
    /// When a sealed request cannot be made: the student has no key, or the command is too long.
    pub(crate) fn write_requests(
        self,
        out: &mut Vec<u8>,
        requests: &[LoadRequest<'_>],
        keys: &Keys,
        sealer: &mut Sealer,
    ) -> anyhow::Result<()> {
        match self {
            Self::Grades => {
                for LoadRequest { id, command, .. } in requests {
                    writeln!(out, "{id} {command}")?;
                }
            }
            Self::Sealed => write_sealed(out, requests, keys, sealer)?,
            Self::Redis => {
                for LoadRequest { id, .. } in requests {
                    write!(out, "*2\r\n$3\r\nGET\r\n${}\r\n{id}\r\n", id.len())?;
                }
            }
        }
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

/// One request of a load.
#[derive(Clone, Copy)]
pub(crate) struct LoadRequest<'a> {
    pub(crate) id: &'a str,
    pub(crate) command: &'a str,
    /// What makes a sealed request different from all others.
    pub(crate) nonce: u64,
}

/// Seals requests together: one by one, they would take longer to make than to answer.
fn write_sealed(
    out: &mut Vec<u8>,
    requests: &[LoadRequest<'_>],
    keys: &Keys,
    sealer: &mut Sealer,
) -> anyhow::Result<()> {
    let mut frames = Vec::with_capacity(requests.len());
    for LoadRequest { id, command, nonce } in requests {
        let request = SealedRequest { audience: AUDIENCE, id, command, nonce: Nonce(*nonce) };
        let mut bytes = Vec::with_capacity(REQUEST_TOKEN_BYTES);
        let start = frame::begin_frame(&mut bytes);
        bytes.extend_from_slice(request.padded_text()?.as_bytes());
        frame::end_frame(&mut bytes, start);
        frames.push((keys.of(id)?, bytes));
    }
    let plain = frames.iter_mut().map(|(key, bytes)| PlainFrame::new(*key, bytes));
    sealer.seal(Timestamp::of(SystemTime::now()), plain);
    for ((_, frame), LoadRequest { id, .. }) in frames.iter().zip(requests) {
        write!(out, "{id} ")?;
        token::write_token(out, frame);
        out.push(b'\n');
    }
    Ok(())
}
