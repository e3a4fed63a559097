//! Text from elsewhere, made fit for a terminal.

use std::borrow::Cow;

use gradebook::StudentId;

/// The text with everything escaped that could move a cursor, end a line or reorder what is read:
/// control characters and those that change the direction of writing.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unruly) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unruly(char) {
            safe.extend(char.escape_default());
        } else {
            safe.push(char);
        }
    }
    Cow::Owned(safe)
}

/// A word from a command line, fit for a terminal, unless it is as long as a key: then it may be one.
pub fn shown_word(word: &str) -> Cow<'_, str> {
    match word.chars().count() {
        length if length >= KEY_WORD_BYTES => format!("<{length} characters>").into(),
        _ => shown(word),
    }
}

/// A student ID, unless it is as long as a key without its `=`: then it may be one.
pub fn shown_id<'a>(id: &'a StudentId<'_>) -> &'a str {
    if id.as_str().len() == KEY_WORD_BYTES { "<43 characters>" } else { id.as_str() }
}

/// The length of a key without its `=`.
const KEY_WORD_BYTES: usize = 43;

fn is_unruly(char: char) -> bool {
    let bidirectional = matches!(char,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let line_break = matches!(char, '\u{2028}' | '\u{2029}');
    char.is_control() || bidirectional || line_break
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_is_escaped_and_the_rest_is_left() {
        assert_eq!(shown("Zo\u{eb} O'Neil, \"7\" \\ 8"), "Zo\u{eb} O'Neil, \"7\" \\ 8");
        assert_eq!(shown("a\u{1b}[2Jb\r\nc\0"), "a\\u{1b}[2Jb\\r\\nc\\u{0}");
        assert_eq!(shown("x\u{202e}y\u{85}\u{2028}"), "x\\u{202e}y\\u{85}\\u{2028}");
    }
}
