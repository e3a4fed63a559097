//! From bytes to text: which encoding a file has, and its text in UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding as Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use zeroize::Zeroizing;

use crate::problem::Problem;

/// The encoding of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl Encoding {
    /// The name as the Encoding Standard writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => UTF_16LE.name(),
            Self::Utf16Be => UTF_16BE.name(),
            Self::Windows1252 => "Windows-1252",
        }
    }
}

/// A text in UTF-8, without a byte order mark.
pub(crate) struct Text<'a> {
    pub(crate) encoding: Encoding,
    content: Content<'a>,
}

enum Content<'a> {
    /// The bytes of the file.
    AsRead(&'a str),
    /// A copy in another encoding. The file may contain keys.
    Decoded(Zeroizing<String>),
}

/// A text that is not valid in its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidText(pub(crate) Encoding);

impl InvalidText {
    pub(crate) fn problem(self) -> Problem {
        let Self(encoding) = self;
        Problem::Damaged(format!(
            "is not valid {}: a part of it is missing; export the file again",
            encoding.name()
        ))
    }
}

impl<'a> Text<'a> {
    /// The text of a file.
    ///
    /// # Errors
    /// Returns an error if the file has UTF-16 with half a character.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, InvalidText> {
        const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
        const UTF_16_LE_MARK: &[u8] = b"\xff\xfe";
        const UTF_16_BE_MARK: &[u8] = b"\xfe\xff";
        if let Some(rest) = bytes.strip_prefix(UTF_16_LE_MARK) {
            return Self::utf_16(rest, Encoding::Utf16Le);
        }
        if let Some(rest) = bytes.strip_prefix(UTF_16_BE_MARK) {
            return Self::utf_16(rest, Encoding::Utf16Be);
        }
        let bytes = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
        if let Some(encoding) = unmarked_utf_16(bytes) {
            return Self::utf_16(bytes, encoding);
        }
        // It validates in vectors, and copies nothing that is valid.
        let utf_8 = UTF_8.decode_without_bom_handling_and_without_replacement(bytes);
        if let Some(Cow::Borrowed(text)) = utf_8 {
            return Ok(Self { encoding: Encoding::Utf8, content: Content::AsRead(text) });
        }
        Ok(Self::decoded(bytes, WINDOWS_1252, Encoding::Windows1252).0)
    }

    fn utf_16(bytes: &[u8], encoding: Encoding) -> Result<Self, InvalidText> {
        let decoder = if encoding == Encoding::Utf16Le { UTF_16LE } else { UTF_16BE };
        let (text, malformed) = Self::decoded(bytes, decoder, encoding);
        if malformed { Err(InvalidText(encoding)) } else { Ok(text) }
    }

    /// The decoded text, and whether a part of it was not valid.
    fn decoded(bytes: &[u8], decoder: &'static Decoder, encoding: Encoding) -> (Self, bool) {
        let (text, malformed) = match decoder.decode_without_bom_handling(bytes) {
            (Cow::Owned(text), malformed) => (text, malformed),
            (Cow::Borrowed(text), malformed) => (text.to_owned(), malformed),
        };
        (Self { encoding, content: Content::Decoded(Zeroizing::new(text)) }, malformed)
    }

    pub(crate) fn as_str(&self) -> &str {
        match &self.content {
            Content::AsRead(text) => text,
            Content::Decoded(text) => text,
        }
    }
}

/// The encoding of a text in which every other byte is NUL: UTF-16 without a byte order mark.
fn unmarked_utf_16(bytes: &[u8]) -> Option<Encoding> {
    /// The bytes that are looked at: a header has as many, and it is ASCII for the most part.
    const SAMPLE_BYTES: usize = 64;
    let sample =
        bytes.get(..SAMPLE_BYTES.min(bytes.len() & !1)).filter(|sample| sample.len() >= 4)?;
    let (mut first_nul, mut second_nul) = (0_usize, 0_usize);
    for pair in sample.chunks_exact(2) {
        first_nul += usize::from(pair.first() == Some(&0));
        second_nul += usize::from(pair.last() == Some(&0));
    }
    let most = sample.len() / 2 * 3 / 4;
    match (first_nul, second_nul) {
        (0, nul) if nul >= most => Some(Encoding::Utf16Le),
        (nul, 0) if nul >= most => Some(Encoding::Utf16Be),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Name,ID Number\nZo\u{eb} \u{20ac},2100001\n";

    fn read(bytes: &[u8]) -> (Encoding, String) {
        let text = Text::decode(bytes).unwrap();
        (text.encoding, text.as_str().to_owned())
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_text_reads_the_same_in_every_encoding() {
        let marked = format!("\u{feff}{TEXT}");
        let windows = WINDOWS_1252.encode(TEXT).0.into_owned();
        for (bytes, encoding) in [
            (TEXT.as_bytes().to_vec(), Encoding::Utf8),
            (marked.as_bytes().to_vec(), Encoding::Utf8),
            (utf_16(&marked, u16::to_le_bytes), Encoding::Utf16Le),
            (utf_16(&marked, u16::to_be_bytes), Encoding::Utf16Be),
            (utf_16(TEXT, u16::to_le_bytes), Encoding::Utf16Le),
            (utf_16(TEXT, u16::to_be_bytes), Encoding::Utf16Be),
            (windows, Encoding::Windows1252),
        ] {
            assert_eq!(read(&bytes), (encoding, TEXT.to_owned()));
        }
        assert_eq!(read(b""), (Encoding::Utf8, String::new()));
    }

    #[test]
    fn half_a_character_is_rejected() {
        let mut bytes = utf_16(&format!("\u{feff}{TEXT}"), u16::to_le_bytes);
        bytes.pop();
        assert_eq!(Text::decode(&bytes).err(), Some(InvalidText(Encoding::Utf16Le)));
    }
}
