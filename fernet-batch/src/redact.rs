//! What may be a key in a text that people read.
//!
//! Somebody may type a key where something else belongs: as a name, an ID, or an argument. Such a
//! text must never be repeated, so it is recognised by its length and alphabet alone.

use std::borrow::Cow;

/// The characters of a key's text without its padding `=`.
pub const KEY_CHARS: usize = 43;

/// Returns true if the text contains a word that may be a key: as long as a key, in its alphabet.
pub fn contains_key(text: &str) -> bool {
    text.len() >= KEY_CHARS && words(text).any(|word| word.len() == KEY_CHARS)
}

/// Replaces every word that may be a key by its length.
pub fn redact_keys(text: &str) -> Cow<'_, str> {
    if !contains_key(text) {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_separator) {
        let word = piece.strip_suffix(is_separator).unwrap_or(piece);
        redacted.push_str(if word.len() == KEY_CHARS { "<43 characters>" } else { word });
        redacted.extend(piece.strip_prefix(word));
    }
    Cow::Owned(redacted)
}

/// The runs of characters of the key alphabet.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_separator)
}

fn is_separator(char: char) -> bool {
    !(char.is_ascii_alphanumeric() || char == '-' || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_may_be_a_key_is_replaced_by_its_length() {
        let key = "__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4=";
        assert_eq!(redact_keys(&format!("no {key} here")), "no <43 characters>= here");
        assert_eq!(
            redact_keys(&format!("{key},'{}'", key.trim_end_matches('='))),
            "<43 characters>=,'<43 characters>'"
        );
        let longer = format!("x{}", key.trim_end_matches('='));
        assert_eq!(redact_keys(&format!("{longer} {key}")), format!("{longer} <43 characters>="));
        assert!(contains_key(key) && contains_key(&format!("Ada {key}")));
    }

    #[test]
    fn other_texts_are_unchanged() {
        for text in ["", "/etc/grades/class.csv: row 3", &"x".repeat(64), "f\u{fc}r 43"] {
            assert_eq!(redact_keys(text), text);
            assert!(!contains_key(text));
        }
    }
}
