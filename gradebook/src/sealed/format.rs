//! What stands in the tokens of sealed requests and replies, byte for byte.

use std::fmt;

use fernet::Fernet;
use fernet_batch::{Key, NoRandomness, Timestamp};
use hex_simd::{AsciiCase, Out};

use crate::request::Rejection;
use crate::values::EditionNumber;
use crate::wire::REQUEST_TEXT_BYTES;

/// The text of a reply is padded with blanks to one byte less than a multiple of this.
pub const REPLY_UNIT_BYTES: usize = 384;

const REQUEST_WORD: &str = "Q1";
const REPLY_WORD: &str = "R1";
/// The status of a reply whose body is the answer.
const STATUS_OK: &str = "ok";
/// The character between fields, which no field may contain.
const SEPARATOR: char = '\t';
const SEPARATOR_BYTE: u8 = b'\t';

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
    /// A nonce from the operating system's random bytes.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes.
    pub fn random() -> Result<Self, NoRandomness> {
        Ok(Self(getrandom::u64()?))
    }

    fn parse(digits: &[u8]) -> Option<Self> {
        const HALF: usize = NONCE_DIGITS / 2;
        let (digits, []) = digits.as_chunks::<HALF>() else { return None };
        let [high, low] = digits else { return None };
        let (high, low) = (parse_digits(*high)?, parse_digits(*low)?);
        Some(Self(u64::from(high) << 32 | u64::from(low)))
    }
}

/// Eight hexadecimal digits in lower case as a number. All are read at once: random digits would mislead every branch.
fn parse_digits(digits: [u8; 8]) -> Option<u32> {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let text = u64::from_be_bytes(digits);
    // Letters have this bit, and stand 9 behind the digits with the same lower bits.
    let are_letters = text >> 6 & each(1);
    let values = (text & each(0x0f)).wrapping_add(are_letters.wrapping_mul(9));
    // Written again, the values are the same text, or it was none.
    let above_9 = values.wrapping_add(each(6)) >> 4 & each(1);
    let again = values
        .wrapping_add(each(b'0'))
        .wrapping_add(above_9.wrapping_mul(u64::from(b'a' - b'0' - 10)));
    // Values are moved together, two by two.
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    let number = u32::try_from((fours | fours >> 16) & 0xffff_ffff).ok()?;
    (again == text && values & each(0xf0) == 0).then_some(number)
}

/// What a sealed request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedRequest<'a> {
    /// The course and term that the request is for.
    pub audience: &'a str,
    /// Who asks.
    pub id: &'a str,
    /// The command: `GG`, or `AVG Lab 1`.
    pub command: &'a str,
    /// What the reply must repeat.
    pub nonce: Nonce,
}

/// A field of a sealed request is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidField {
    /// The fields together do not fit a request.
    #[error("audience, student ID and command are too long for a sealed request")]
    TooLong,
    /// A field contains the separator.
    #[error("audience, student ID or command contains a tab")]
    Tab,
    /// The key is not usable.
    #[error("the key is not usable")]
    Key,
}

impl<'a> SealedRequest<'a> {
    /// Makes the request's token at the time `now`.
    ///
    /// # Errors
    /// Returns an error if the fields do not fit, or one of them contains a tab.
    pub fn seal(&self, key: &Key, now: Timestamp) -> Result<String, InvalidField> {
        let text = self.padded_text()?;
        let fernet = Fernet::new(&key.expose_text()).ok_or(InvalidField::Key)?;
        Ok(fernet.encrypt_at_time(text.as_bytes(), now.0))
    }

    /// Checks the fields without sealing them.
    ///
    /// # Errors
    /// Returns an error if the fields do not fit, or one of them contains a tab.
    pub fn check(&self) -> Result<(), InvalidField> {
        self.padded_text().map(drop)
    }

    /// The text that is sealed: all requests have the same length.
    ///
    /// # Errors
    /// Returns an error if the fields do not fit, or one of them contains a tab.
    pub fn padded_text(&self) -> Result<String, InvalidField> {
        let Self { audience, id, command, nonce } = self;
        let nonce = nonce.to_string();
        let fields = [REQUEST_WORD, audience, id, command, &nonce];
        if fields.iter().any(|field| field.contains(SEPARATOR)) {
            return Err(InvalidField::Tab);
        }
        let mut text = fields.join("\t");
        let padding = REQUEST_TEXT_BYTES.checked_sub(text.len()).ok_or(InvalidField::TooLong)?;
        text.extend(std::iter::repeat_n(' ', padding));
        Ok(text)
    }

    /// Reads the text of a token; `None` if it is not that of a request.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let (word, rest) = split_field(text)?;
        let (audience, rest) = split_field(rest)?;
        let (id, rest) = split_field(rest)?;
        let (command, rest) = split_field(rest)?;
        let (nonce, padding) = rest.split_at_checked(NONCE_DIGITS)?;
        let nonce = Nonce::parse(nonce)?;
        let is_padding = Some(padding) == BLANKS.get(..padding.len());
        (word == REQUEST_WORD && is_padding).then_some(Self { audience, id, command, nonce })
    }
}

/// The first field of a text, and what stands behind its separator.
fn split_field(text: &[u8]) -> Option<(&str, &[u8])> {
    let end = memchr::memchr(SEPARATOR_BYTE, text)?;
    let (field, rest) = text.split_at_checked(end)?;
    Some((std::str::from_utf8(field).ok()?, rest.get(1..)?))
}

/// As many blanks as the longest padding has.
const BLANKS: &[u8] = &[b' '; REQUEST_TEXT_BYTES];

/// What a sealed reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The request that it answers. The audience is not repeated.
    pub request: SealedRequest<'a>,
    /// The edition that the answer comes from.
    pub edition: EditionNumber,
    /// The server's time.
    pub time: Timestamp,
    /// The answer, or why there is none.
    pub body: Result<&'a str, Rejection>,
}

impl<'a> Reply<'a> {
    /// Reads the text of a token; `None` if it is not that of a reply.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(8, SEPARATOR);
        let word = fields.next()?;
        let id = fields.next()?;
        let command = fields.next()?;
        let nonce = Nonce::parse(fields.next()?.as_bytes())?;
        let edition = EditionNumber(fields.next()?.parse().ok()?);
        let time = Timestamp(fields.next()?.parse().ok()?);
        let status = fields.next()?;
        let body = fields.next()?;
        let body = match status {
            STATUS_OK => Ok(without_padding(body)),
            word => Err(Rejection::from_status(word)?),
        };
        let request = SealedRequest { audience: "", id, command, nonce };
        (word == REPLY_WORD).then_some(Self { request, edition, time, body })
    }
}

/// A text without the blanks that pad it. One blank behind a label is kept: it stands for a blank
/// mark.
pub fn without_padding(text: &str) -> &str {
    let bare = text.trim_end_matches(' ');
    let blank_mark = bare.ends_with(':') && bare.len() < text.len();
    text.get(..bare.len() + usize::from(blank_mark)).unwrap_or(bare)
}

/// What all replies of one batch have in common.
pub(crate) struct ReplyContext {
    pub(crate) time: Timestamp,
    /// Edition and time, as fields.
    fields: String,
}

impl ReplyContext {
    pub(crate) fn new(edition: EditionNumber, time: Timestamp) -> Self {
        Self { time, fields: format!("{}{SEPARATOR}{}", edition.0, time.0) }
    }
}

/// The bytes that stand before the body of any reply at most: ID and command come from a request, and
/// the other fields have at most 64 bytes with their tabs.
pub(crate) const REPLY_HEAD_BYTES_MAX: usize = REQUEST_TEXT_BYTES + 64;

/// Appends the text of a reply up to its body.
pub(crate) fn write_reply_head(
    request: &SealedRequest<'_>,
    context: &ReplyContext,
    status: Result<(), Rejection>,
    text: &mut Vec<u8>,
) {
    let status = status.map_or_else(Rejection::word, |()| STATUS_OK);
    let mut nonce = [0; NONCE_DIGITS];
    let digits = Out::from_slice(&mut nonce);
    let nonce = hex_simd::encode(&request.nonce.0.to_be_bytes(), digits, AsciiCase::Lower);
    for field in [
        REPLY_WORD.as_bytes(),
        request.id.as_bytes(),
        request.command.as_bytes(),
        nonce,
        context.fields.as_bytes(),
        status.as_bytes(),
    ] {
        text.extend_from_slice(field);
        text.push(SEPARATOR_BYTE);
    }
}

/// The text's length of the shortest reply with room for so many bytes.
pub(crate) const fn padded_reply_bytes(bytes: usize) -> usize {
    (bytes / REPLY_UNIT_BYTES).saturating_add(1).saturating_mul(REPLY_UNIT_BYTES) - 1
}

/// Pads the text that begins at `start` to the length of a reply with room for `bytes_max` bytes.
pub(crate) fn pad_reply(text: &mut Vec<u8>, start: usize, bytes_max: usize) {
    let bytes = text.len().saturating_sub(start);
    text.resize(start.saturating_add(padded_reply_bytes(bytes.max(bytes_max))), b' ');
}

#[cfg(test)]
mod tests;
