//! What may be a key in a text that people read.
//!
//! Somebody may type a key where something else belongs: as a name, an ID, or an argument; whole, cut,
//! or with a slip. Such a text must never be repeated, so it is recognised by its length and alphabet
//! alone.

use std::borrow::Cow;
use std::ops::RangeInclusive;

/// The characters of a key's text without its padding `=`.
pub const KEY_CHARS: usize = 43;

/// The lengths of words that may be a key with a slip, in a text where nothing is known of the words.
const NEARLY_KEY_CHARS: RangeInclusive<usize> = 40..=46;

/// The shortest part of a key that is not shown, in characters: 120 of its 256 bits.
const SECRET_CHARS_MIN: usize = 20;

/// Returns true if the text contains a word that may be a key: as long as a key, in its alphabet.
pub fn contains_key(text: &str) -> bool {
    text.len() >= KEY_CHARS && text.split(is_separator).any(|word| word.len() == KEY_CHARS)
}

/// Replaces every word about as long as a key, in its alphabet, by its length and kind.
pub fn redact_keys(text: &str) -> Cow<'_, str> {
    replace_words(text, is_separator, |word| !NEARLY_KEY_CHARS.contains(&word.len()))
}

/// Replaces every run of 20 or more of `A-Z a-z 0-9 _ - + / =` by its length and kind, unless it
/// `is_known`: somebody may have cut a key, or made one longer.
pub fn redact_runs(text: &str, is_known: impl Fn(&str) -> bool) -> Cow<'_, str> {
    let is_end = |char: char| is_separator(char) && !matches!(char, '+' | '/' | '=');
    replace_words(text, is_end, |run| run.len() < SECRET_CHARS_MIN || is_known(run))
}

fn replace_words(
    text: &str,
    is_separator: impl Fn(char) -> bool + Copy,
    is_shown: impl Fn(&str) -> bool,
) -> Cow<'_, str> {
    if text.split(is_separator).all(&is_shown) {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_separator) {
        let word = piece.strip_suffix(is_separator).unwrap_or(piece);
        if is_shown(word) {
            redacted.push_str(word);
        } else {
            redacted.push_str(&format!("<{} {}>", word.len(), kind(word)));
        }
        redacted.extend(piece.strip_prefix(word));
    }
    Cow::Owned(redacted)
}

/// What a word consists of.
fn kind(word: &str) -> &'static str {
    let all = |is_of_kind: fn(&u8) -> bool| word.bytes().all(|byte| is_of_kind(&byte));
    if all(u8::is_ascii_digit) {
        "digits"
    } else if all(u8::is_ascii_alphabetic) {
        "letters"
    } else if all(u8::is_ascii_alphanumeric) {
        "letters and digits"
    } else {
        "base64 characters"
    }
}

fn is_separator(char: char) -> bool {
    !(char.is_ascii_alphanumeric() || char == '-' || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4=";

    #[test]
    fn a_word_that_may_be_a_key_is_replaced_by_its_length() {
        let bare = KEY.trim_end_matches('=');
        assert_eq!(redact_keys(&format!("no {KEY} here")), "no <43 base64 characters>= here");
        assert_eq!(
            redact_keys(&format!("{KEY},'{bare}'")),
            "<43 base64 characters>=,'<43 base64 characters>'"
        );
        assert_eq!(redact_keys(&format!("--{bare}")), "<45 base64 characters>");
        assert_eq!(redact_keys(bare.strip_prefix('_').unwrap()), "<42 base64 characters>");
        assert!(contains_key(KEY) && contains_key(&format!("Ada {KEY}")));
        assert!(!contains_key(bare.strip_prefix('_').unwrap()));
    }

    #[test]
    fn other_texts_are_unchanged() {
        for text in ["", "/etc/grades/class.csv: row 3", &"x".repeat(64), "f\u{fc}r 43"] {
            assert_eq!(redact_keys(text), text);
            assert!(!contains_key(text));
        }
    }

    #[test]
    fn a_long_run_is_replaced_by_its_length_and_kind_unless_it_is_known() {
        let known = "grade-actor-server-settings";
        for (text, redacted) in [
            (format!("see {known}"), format!("see {known}")),
            (format!("ID {}", "7".repeat(20)), "ID <20 digits>".into()),
            ("x".repeat(19), "x".repeat(19)),
            (format!("'{}'", "xY".repeat(11)), "'<22 letters>'".into()),
            (format!("{}, no", "x1".repeat(15)), "<30 letters and digits>, no".into()),
            (format!("aaaaa/+{KEY}"), "<51 base64 characters>".into()),
        ] {
            assert_eq!(redact_runs(&text, |run| run == known), redacted);
        }
    }
}
