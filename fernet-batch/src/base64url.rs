//! base64url with padding, in its one canonical spelling (RFC 4648 section 5): how tokens are written.
//!
//! Where the processor allows it, 64 characters are converted at a time (`wide`); elsewhere by `base64_simd`.

use base64_simd::{Out, URL_SAFE};

use crate::wide::WideLanes;

/// The character that fills the last group of four.
const PADDING: u8 = b'=';

/// The characters of so many bytes, with padding.
pub(crate) const fn encoded_bytes(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Appends the text of these bytes.
pub(crate) fn encode(wide: Option<WideLanes>, bytes: &[u8], out: &mut Vec<u8>) {
    match wide {
        Some(wide) => wide.encode_base64url(bytes, out),
        None => URL_SAFE.encode_append(bytes, out),
    }
}

/// Decodes a text into `bytes`. Returns `None` if it is not the text of exactly so many bytes; what `bytes` contains
/// then means nothing.
pub(crate) fn decode(wide: Option<WideLanes>, text: &[u8], bytes: &mut [u8]) -> Option<()> {
    let is_valid = match wide {
        Some(wide) => wide.decode_base64url(without_padding(text, bytes.len())?, bytes),
        // The decoder panics if the memory is too short.
        None => {
            URL_SAFE.decoded_length(text).is_ok_and(|length| length == bytes.len())
                && URL_SAFE.decode(text, Out::from_slice(bytes)).is_ok()
        }
    };
    is_valid.then_some(())
}

/// Returns true if this is the text of any bytes.
pub(crate) fn is_valid(wide: Option<WideLanes>, text: &[u8]) -> bool {
    let Some(wide) = wide else { return URL_SAFE.check(text).is_ok() };
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == PADDING).count();
    let bytes = (text.len() / 4 * 3).saturating_sub(padding);
    without_padding(text, bytes).is_some_and(|characters| wide.check_base64url(characters, bytes))
}

/// The characters of a text of so many bytes; `None` if the padding behind them is wrong.
fn without_padding(text: &[u8], bytes: usize) -> Option<&[u8]> {
    let (characters, padding) = text.split_at_checked((bytes * 8).div_ceil(6))?;
    let has_its_length = text.len() == encoded_bytes(bytes);
    (has_its_length && padding.iter().all(|byte| *byte == PADDING)).then_some(characters)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE as REFERENCE;
    use proptest::prelude::*;

    use super::*;
    use crate::wide::ways;

    fn encoded(wide: Option<WideLanes>, bytes: &[u8]) -> String {
        let mut out = b"before".to_vec();
        encode(wide, bytes, &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }

    fn decoded(wide: Option<WideLanes>, text: &[u8], bytes: usize) -> Option<Vec<u8>> {
        let mut memory = vec![0x55; bytes];
        assert_eq!(is_valid(wide, text), REFERENCE.decode(text).is_ok(), "{text:?}");
        decode(wide, text, &mut memory).map(|()| memory)
    }

    #[test]
    fn bytes_of_every_number_are_written_and_read_as_the_base64_crate_does() {
        let bytes: Vec<u8> = (0..1_000_u32).map(|n| (n * 37 + n / 7).to_le_bytes()[0]).collect();
        for wide in ways() {
            for length in 0..bytes.len() {
                let (bytes, _) = bytes.split_at(length);
                let text = REFERENCE.encode(bytes);
                assert_eq!(encoded(wide, bytes), text, "{length} bytes, {wide:?}");
                assert_eq!(decoded(wide, text.as_bytes(), length).as_deref(), Some(bytes));
                for other in [length.checked_sub(1), Some(length + 1)].into_iter().flatten() {
                    assert_eq!(decoded(wide, text.as_bytes(), other), None, "{length} as {other}");
                }
            }
        }
    }

    #[test]
    fn every_byte_in_every_place_is_read_as_the_base64_crate_does() {
        for length in [1, 2, 3, 46, 47, 48, 49, 97, 313] {
            let text = REFERENCE.encode(vec![0xa5; length]);
            for at in 0..text.len() {
                for byte in 0..=255 {
                    let mut text = text.clone().into_bytes();
                    text[at] = byte;
                    let expected =
                        REFERENCE.decode(&text).ok().filter(|bytes| bytes.len() == length);
                    for wide in ways() {
                        assert_eq!(decoded(wide, &text, length), expected, "{byte} at {at}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_the_base64_crate_does(
            text in "[A-Za-z0-9_=+/-]{0,150}", cut in 0..4_usize
        ) {
            let bytes = (text.len() * 3 / 4).saturating_sub(cut);
            let expected = REFERENCE.decode(&text).ok().filter(|decoded| decoded.len() == bytes);
            for wide in ways() {
                prop_assert_eq!(decoded(wide, text.as_bytes(), bytes), expected.clone());
            }
        }
    }
}
