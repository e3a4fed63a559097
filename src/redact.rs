//! Text from elsewhere, made fit for a terminal.

use std::borrow::Cow;
use std::io::Write as _;

use gradebook::StudentId;

/// The text with everything escaped that could move a cursor, end a line or reorder what is read:
/// control characters and those that change the direction of writing.
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

/// A word from a command line, fit for a terminal, unless it is as long as a key: then it may be one.
pub fn redact_word(word: &str) -> Cow<'_, str> {
    match word.chars().count() {
        length if length >= KEY_WORD_BYTES => format!("<{length} characters>").into(),
        _ => escape(word),
    }
}

/// The text with every word in it that has a key's length and alphabet replaced by its length: somebody
/// may have typed a key where something else belongs.
pub fn redact_keys(text: &str) -> Cow<'_, str> {
    let of_key = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    let mut safe = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(start) = rest.find(of_key) {
        let (before, word) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let end = word.find(|char| !of_key(char)).unwrap_or(word.len());
        let (word, behind) = word.split_at_checked(end).unwrap_or((word, ""));
        safe.push_str(before);
        if word.len() == KEY_WORD_BYTES {
            found = true;
            safe.push_str("<43 characters>");
        } else {
            safe.push_str(word);
        }
        rest = behind;
    }
    safe.push_str(rest);
    if found { Cow::Owned(safe) } else { Cow::Borrowed(text) }
}

/// Arguments as they are given; or, when they are none, what clap says about that, without keys.
///
/// # Errors
/// The exit code, after everything has been said.
pub fn arguments<A: clap::Parser>() -> Result<A, u8> {
    A::try_parse().map_err(|error| {
        let text = error.render().to_string();
        match redact_keys(&text) {
            // As clap has it: to the right stream, and in colour.
            Cow::Borrowed(_) => drop(error.print()),
            Cow::Owned(safe) => drop(std::io::stderr().write_all(safe.as_bytes())),
        }
        u8::try_from(error.exit_code()).unwrap_or(2)
    })
}

/// A student ID, unless it is as long as a key without its `=`: then it may be one.
pub fn redact_id<'a>(id: &'a StudentId<'_>) -> &'a str {
    if id.as_str().len() == KEY_WORD_BYTES { "<43 characters>" } else { id.as_str() }
}

/// The length of a key without its `=`.
const KEY_WORD_BYTES: usize = 43;

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
    fn a_word_that_may_be_a_key_is_not_shown() {
        let key = "__21TTSSV1PSmDpdqQBHUKhfpMHqxTPp2WVfSCFbjZ4=";
        assert_eq!(redact_keys(&format!("no {key} here")), "no <43 characters>= here");
        assert_eq!(redact_keys(&format!("'{}'", key.trim_end_matches('='))), "'<43 characters>'");
        for text in ["", "/etc/grades/class.csv: row 3", &"x".repeat(64), "f\u{fc}r 43"] {
            assert_eq!(redact_keys(text), text);
        }
    }

    #[test]
    fn what_moves_a_cursor_is_escaped_and_the_rest_is_left() {
        assert_eq!(escape("Zo\u{eb} O'Neil, \"7\" \\ 8"), "Zo\u{eb} O'Neil, \"7\" \\ 8");
        assert_eq!(escape("a\u{1b}[2Jb\r\nc\0"), "a\\u{1b}[2Jb\\r\\nc\\u{0}");
        assert_eq!(escape("x\u{202e}y\u{85}\u{2028}"), "x\\u{202e}y\\u{85}\\u{2028}");
    }
}
