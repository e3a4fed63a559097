//! Texts from elsewhere, made safe for a terminal: control characters escaped, possible keys removed.

use std::borrow::Cow;
use std::io::Write as _;

use fernet_batch::redact::{KEY_CHARS, redact_keys};
use gradebook::StudentId;

/// Escapes every character that could move the cursor, end the line or change the order of reading:
/// control characters, line separators, and those that change the direction of writing.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unsafe(char) {
            safe.extend(char.escape_default());
        } else {
            safe.push(char);
        }
    }
    Cow::Owned(safe)
}

/// A word from a command line; only its length if it is long enough to be a key.
pub fn redact_word(word: &str) -> Cow<'_, str> {
    match word.chars().count() {
        length if length >= KEY_CHARS => format!("<{length} characters>").into(),
        _ => escape(word),
    }
}

/// A student ID; only its length if it may be a key without its `=`.
pub fn redact_id<'a>(id: &'a StudentId<'_>) -> &'a str {
    if id.as_str().len() == KEY_CHARS { "<43 characters>" } else { id.as_str() }
}

/// Parses the command line. Prints help, or what is wrong without keys, and returns the exit code.
///
/// # Errors
/// Returns the exit code if the program has nothing more to do.
pub fn parse_arguments<A: clap::Parser>() -> Result<A, u8> {
    A::try_parse().map_err(|error| {
        let text = error.render().to_string();
        match redact_keys(&text) {
            // To the stream and with the colours that clap chooses.
            Cow::Borrowed(_) => drop(error.print()),
            Cow::Owned(redacted) => drop(std::io::stderr().write_all(redacted.as_bytes())),
        }
        u8::try_from(error.exit_code()).unwrap_or(2)
    })
}

fn is_unsafe(char: char) -> bool {
    let bidirectional = matches!(char,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let line_break = matches!(char, '\u{2028}' | '\u{2029}');
    char.is_control() || bidirectional || line_break
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_other_text_is_unchanged() {
        assert_eq!(escape("Zo\u{eb} O'Neil, \"7\" \\ 8"), "Zo\u{eb} O'Neil, \"7\" \\ 8");
        assert_eq!(escape("a\u{1b}[2Jb\r\nc\0"), "a\\u{1b}[2Jb\\r\\nc\\u{0}");
        assert_eq!(escape("x\u{202e}y\u{85}\u{2028}"), "x\\u{202e}y\\u{85}\\u{2028}");
    }

    #[test]
    fn a_word_as_long_as_a_key_is_not_shown() {
        assert_eq!(redact_word("2100001"), "2100001");
        assert_eq!(redact_word(&"k".repeat(43)), "<43 characters>");
        let id = "k".repeat(43);
        assert_eq!(redact_id(&StudentId::new(id.as_bytes()).unwrap()), "<43 characters>");
    }
}
