//! Sealed requests and their replies: what stands in the tokens, byte for byte.
//!
//! A request names its audience, so that one course's request is worth nothing in another; a reply
//! repeats the request's nonce, so that it answers this request and no other; and the two begin
//! differently, so that neither can be sent back as the other. `docs/PROTOCOL.md` is the full text.

mod replay_cache;
mod verify;

use std::fmt;

use fernet::Fernet;
use hex_simd::{AsciiCase, Out};

pub use replay_cache::ReplayLimits;
pub use verify::RequestVerifier;
pub(crate) use verify::{Credentials, EMPTY_FRAME, Verified};

use crate::book::EditionNumber;
use crate::key::Key;
use crate::seal::Timestamp;
use crate::token;

/// The bytes of every request's text. Behind its fields it is padded with blanks.
pub const REQUEST_TEXT_BYTES: usize = 255;
/// The characters of every request's token.
pub const REQUEST_TOKEN_BYTES: usize = token::token_bytes(REQUEST_FRAME_BYTES);
/// A reply's text is padded with blanks to one byte less than a multiple of this.
pub const REPLY_UNIT_BYTES: usize = 384;

const REQUEST_FRAME_BYTES: usize = token::HEADER_BYTES + REQUEST_TEXT_BYTES + 1 + token::MAC_BYTES;
const REQUEST_WORD: &str = "Q1";
const REPLY_WORD: &str = "R1";
/// What stands between fields. No field may hold it.
const SEPARATOR: char = '\t';

/// 64 random bits that a client chooses for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub u64);

/// The hexadecimal digits of a nonce.
const NONCE_DIGITS: usize = 16;

/// Sixteen hexadecimal digits.
impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Nonce {
    fn parse(text: &str) -> Option<Self> {
        let digit = |number: u64, byte| {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => return None,
            };
            Some(number << 4 | u64::from(digit))
        };
        let digits = text.bytes().try_fold(0, digit);
        digits.filter(|_| text.len() == NONCE_DIGITS).map(Self)
    }
}

/// What a sealed request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedRequest<'a> {
    /// The course and term that it is for.
    pub audience: &'a str,
    /// Who asks.
    pub id: &'a str,
    /// What is asked: `GG`, or `AVG Lab 1`.
    pub command: &'a str,
    /// What the reply must repeat.
    pub nonce: Nonce,
}

/// The fields of a request are too long together, or hold a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audience, student ID and command are too long for a sealed request, or hold a tab")]
pub struct InvalidField;

impl<'a> SealedRequest<'a> {
    /// The request's token, made at the time `now`.
    ///
    /// # Errors
    /// [`InvalidField`] when the fields do not fit.
    pub fn seal(&self, key: &Key, now: Timestamp) -> Result<String, InvalidField> {
        let Self { audience, id, command, nonce } = self;
        let nonce = nonce.to_string();
        let fields = [REQUEST_WORD, audience, id, command, &nonce];
        if fields.iter().any(|field| field.contains(SEPARATOR)) {
            return Err(InvalidField);
        }
        let mut text = fields.join("\t");
        let room = REQUEST_TEXT_BYTES.checked_sub(text.len()).ok_or(InvalidField)?;
        text.extend(std::iter::repeat_n(' ', room));
        let fernet = Fernet::new(&key.expose_text()).ok_or(InvalidField)?;
        Ok(fernet.encrypt_at_time(text.as_bytes(), now.0))
    }

    /// Reads what a token said.
    fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(5, SEPARATOR);
        let mut next = || fields.next();
        let (word, audience, id, command, last) = (next()?, next()?, next()?, next()?, next()?);
        let (nonce, padding) = last.split_at_checked(NONCE_DIGITS)?;
        let blanks = BLANKS.get(..padding.len())?;
        let nonce = Nonce::parse(nonce)?;
        (word == REQUEST_WORD && padding == blanks).then_some(Self { audience, id, command, nonce })
    }
}

/// More blanks than any request has.
const BLANKS: &str = match std::str::from_utf8(&[b' '; REQUEST_TEXT_BYTES]) {
    Ok(blanks) => blanks,
    Err(_) => "",
};

/// What the server says to whoever holds the key: what it did with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The body is the answer.
    Ok,
    /// The request is for another course or term.
    Audience,
    /// The request's time is too far from the server's, which is the reply's.
    Clock,
    /// The same request has been answered before.
    Replayed,
    /// The command is none.
    Command,
    /// The class has no such assessment.
    Assessment,
    /// Too many requests by this student at once; later it will do.
    Busy,
}

impl Status {
    const ALL: [Self; 7] = [
        Self::Ok,
        Self::Audience,
        Self::Clock,
        Self::Replayed,
        Self::Command,
        Self::Assessment,
        Self::Busy,
    ];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Audience => "audience",
            Self::Clock => "clock",
            Self::Replayed => "replayed",
            Self::Command => "command",
            Self::Assessment => "assessment",
            Self::Busy => "busy",
        }
    }

    /// What to tell people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ok => "answered",
            Self::Audience => "this server is for another course or term; check the audience",
            Self::Clock => "your clock and the server's differ too much",
            Self::Replayed => "this very request has been answered before",
            Self::Command => {
                "unknown command; known: GG GMA GEA GL1A GL2A GL3A GL4A AVG STATS REPORT"
            }
            Self::Assessment => "this class has no such assessment; GG lists them",
            Self::Busy => "too many requests at once; ask again in some minutes",
        }
    }
}

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The request that it answers; its audience is not repeated.
    pub request: SealedRequest<'a>,
    /// The book's edition.
    pub edition: EditionNumber,
    /// The server's time.
    pub time: Timestamp,
    /// What became of the request.
    pub status: Status,
    /// The answer, if there is one.
    pub body: &'a str,
}

impl<'a> Reply<'a> {
    /// Reads the text of a reply's token; nothing if it is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(8, SEPARATOR);
        let mut next = || fields.next();
        let (word, id, command, nonce) = (next()?, next()?, next()?, Nonce::parse(next()?)?);
        let (edition, time) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let (status, body) = (next()?, without_padding(next()?));
        let status = Status::ALL.into_iter().find(|known| known.word() == status)?;
        (word == REPLY_WORD).then_some(Self {
            request: SealedRequest { audience: "", id, command, nonce },
            edition: EditionNumber(edition),
            time: Timestamp(time),
            status,
            body,
        })
    }
}

/// A text without the blanks that pad it; the one behind a label that stands for a blank mark is the
/// text's own.
pub fn without_padding(text: &str) -> &str {
    let bare = text.trim_end_matches(' ');
    let blank_mark = bare.ends_with(':') && bare.len() < text.len();
    text.get(..bare.len() + usize::from(blank_mark)).unwrap_or(bare)
}

/// What all replies of a context have in common.
pub(crate) struct ReplyContext {
    pub(crate) time: Timestamp,
    /// EditionNumber and time, as fields.
    fields: String,
}

impl ReplyContext {
    pub(crate) fn of(edition: EditionNumber, time: Timestamp) -> Self {
        Self { time, fields: format!("{}{SEPARATOR}{}", edition.0, time.0) }
    }
}

/// Appends a reply's text up to its body.
pub(crate) fn write_reply_head(
    request: &SealedRequest<'_>,
    context: &ReplyContext,
    status: Status,
    text: &mut Vec<u8>,
) {
    let mut nonce = [0; NONCE_DIGITS];
    let digits = Out::from_slice(&mut nonce);
    let nonce = hex_simd::encode(&request.nonce.0.to_be_bytes(), digits, AsciiCase::Lower);
    for field in [
        REPLY_WORD.as_bytes(),
        request.id.as_bytes(),
        request.command.as_bytes(),
        nonce,
        context.fields.as_bytes(),
        status.word().as_bytes(),
    ] {
        text.extend_from_slice(field);
        text.push(b'\t');
    }
}

/// Pads the text that begins at `start` to one of the lengths of a reply.
pub(crate) fn pad_reply(text: &mut Vec<u8>, start: usize) {
    let bytes = text.len().saturating_sub(start);
    let padded = (bytes / REPLY_UNIT_BYTES + 1) * REPLY_UNIT_BYTES - 1;
    text.resize(start + padded.max(bytes), b' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_s_token_has_the_same_length() {
        let key = Key::from_bytes([5; 32]);
        for command in ["GG", "AVG A very long name of an assessment, as some have them"] {
            let request = SealedRequest { audience: "a", id: "1", command, nonce: Nonce(7) };
            assert_eq!(request.seal(&key, Timestamp(0)).unwrap().len(), REQUEST_TOKEN_BYTES);
        }
        assert_eq!(REQUEST_TOKEN_BYTES, 420);
        let nonce = Nonce(0);
        for command in ["x".repeat(255).as_str(), "AVG\tLab 1"] {
            let request = SealedRequest { audience: "a", id: "1", command, nonce };
            assert_eq!(request.seal(&key, Timestamp(0)), Err(InvalidField));
        }
    }

    #[test]
    fn a_query_is_read_as_it_was_written_and_nothing_else_is() {
        let text = "Q1\tnets-2026\t2100001\tAVG Lab 1\t00000000000000ff    ";
        let request = SealedRequest {
            audience: "nets-2026",
            id: "2100001",
            command: "AVG Lab 1",
            nonce: Nonce(255),
        };
        assert_eq!(SealedRequest::parse(text), Some(request));
        for other in [
            "R1\tnets-2026\t2100001\tGG\t00000000000000ff",
            "Q1\tnets-2026\t2100001\tGG\t00000000000000FF",
            "Q1\tnets-2026\t2100001\tGG\t+0000000000000ff",
            "Q1\tnets-2026\t2100001\tGG\tff",
            "Q1\tnets-2026\t2100001\tGG",
            "Q1\tnets-2026\t2100001\tGG\t00000000000000ff\t",
            "",
        ] {
            assert_eq!(SealedRequest::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_reply_is_padded_to_few_lengths_and_read_without_the_padding() {
        let request = SealedRequest { audience: "", id: "2100001", command: "GG", nonce: Nonce(1) };
        for (body, bytes) in
            [("Lab 1: 7", 383), ("x".repeat(325).as_str(), 383), ("x".repeat(341).as_str(), 767)]
        {
            let mut text = b"before".to_vec();
            let context = ReplyContext::of(EditionNumber(3), Timestamp(1_800_000_000));
            write_reply_head(&request, &context, Status::Ok, &mut text);
            text.extend_from_slice(body.as_bytes());
            pad_reply(&mut text, 6);
            assert_eq!(text.len() - 6, bytes);
            let text = std::str::from_utf8(&text[6..]).unwrap();
            let reply = Reply::parse(text).unwrap();
            assert_eq!(
                (reply.request, reply.edition, reply.body),
                (request, EditionNumber(3), body)
            );
            assert_eq!((reply.time, reply.status), (Timestamp(1_800_000_000), Status::Ok));
        }
        assert_eq!(Reply::parse("R1\t1\tGG\t0000000000000001\t3\t0\tfine\tx"), None);
    }
}
