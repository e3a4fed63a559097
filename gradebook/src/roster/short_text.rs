//! Short texts that are appended to many answers.

/// A text that is appended in one instruction while it is short: a fixed number of bytes is copied,
/// and the excess is cut off.
pub(crate) struct ShortText {
    text: Box<str>,
    /// The text and zeros behind it, if the text is short.
    head: [u8; Self::SHORT],
}

impl ShortText {
    /// The bytes of the longest short text.
    const SHORT: usize = 16;

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let bytes = self.text.len();
        if bytes <= Self::SHORT {
            let end = out.len() + bytes;
            out.extend_from_slice(&self.head);
            out.truncate(end);
        } else {
            out.extend_from_slice(self.text.as_bytes());
        }
    }
}

impl From<String> for ShortText {
    fn from(text: String) -> Self {
        let mut head = [0; Self::SHORT];
        for (byte, text_byte) in head.iter_mut().zip(text.bytes()) {
            *byte = text_byte;
        }
        Self { text: text.into(), head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_is_appended_as_it_is() {
        for length in 0..40 {
            let text = "x".repeat(length);
            let mut out = b"before ".to_vec();
            ShortText::from(text.clone()).append_to(&mut out);
            assert_eq!(out, format!("before {text}").as_bytes());
        }
    }
}
