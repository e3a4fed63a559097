//! Tokens as text: sealed frames in base64url.

use crate::base64url;
use crate::wide::WideLanes;

/// Appends a sealed frame in base64url: the token.
pub fn write_token(out: &mut Vec<u8>, frame: &[u8]) {
    base64url::encode(WideLanes::detect(), frame, out);
}

/// Returns true if a text is written as tokens are: base64url in its one spelling, with padding.
pub fn is_base64url(text: &[u8]) -> bool {
    base64url::is_valid(WideLanes::detect(), text)
}

/// The bytes of the token of a frame with so many bytes.
pub const fn token_bytes(frame_bytes: usize) -> usize {
    base64url::encoded_bytes(frame_bytes)
}

#[cfg(test)]
mod tests {
    use fernet::Fernet;

    use super::*;
    use crate::frame::frame_bytes;

    #[test]
    fn a_token_is_as_long_as_one_of_the_fernet_crate_s() {
        let fernet = Fernet::new(&Fernet::generate_key()).unwrap();
        for text_bytes in 0..200 {
            let token = fernet.encrypt(&vec![7; text_bytes]);
            assert_eq!(token_bytes(frame_bytes(text_bytes)), token.len(), "{text_bytes} bytes");
            assert!(is_base64url(token.as_bytes()) && !is_base64url(&token.as_bytes()[1..]));
        }
    }

    #[test]
    fn a_token_is_written_behind_what_stands_there() {
        let mut out = b"ID ".to_vec();
        write_token(&mut out, &[0x80, 0, 0, 0xff]);
        assert_eq!(out, b"ID gAAA_w==");
    }
}
