//! Texts from elsewhere, made safe for a terminal: control characters escaped, possible keys removed.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::Path;

use fernet_batch::redact::redact_runs;
use gradebook::{Outcome, StudentId};
use strsim::{damerau_levenshtein, jaro_winkler};

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

/// A word from a command line or a file; only the length and kind of what could be a part of a key.
pub fn redact_word(word: &str) -> String {
    redact_runs(&escape(word), |_| false).into_owned()
}

/// A path. Only the length and kind of what could be a part of a key, in what does not exist of it:
/// somebody may give a key where a file belongs.
pub fn show_path(path: &Path) -> String {
    let known = path.ancestors().find(|known| known.exists()).unwrap_or(Path::new(""));
    let unknown = path.strip_prefix(known).unwrap_or(path);
    let mut shown = known.to_path_buf();
    for component in unknown {
        shown.push(redact_word(&component.to_string_lossy()));
    }
    shown.display().to_string()
}

/// A word that should be one of some names, such as a setting: a name is shown, and so is one that is
/// mistyped by a character.
pub fn redact_name(word: &str, names: &[&str]) -> String {
    redact_runs(&escape(word), |run| names.iter().any(|name| is_nearly(run, name))).into_owned()
}

/// Returns true if a word is a name, or differs from it by one edit.
fn is_nearly(word: &str, name: &str) -> bool {
    word.len().abs_diff(name.len()) <= 1 && damerau_levenshtein(word, name) <= 1
}

/// The name that a mistyped word most likely means; `None` if none is similar.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// The similarity from which on a person recognises a slip.
    const SIMILARITY_MIN: f64 = 0.75;
    let rated = names.map(|name| (jaro_winkler(word, name), name));
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(similarity, _)| *similarity >= SIMILARITY_MIN).map(|(_, name)| name)
}

/// A student ID. One that no student is known to have may be a part of a key: then only its length
/// and kind.
pub fn redact_id<'a>(id: &'a StudentId<'_>, outcome: Outcome) -> Cow<'a, str> {
    match outcome {
        Outcome::Answered | Outcome::Declined(_) => Cow::Borrowed(id.as_str()),
        _ => redact_runs(id.as_str(), |_| false),
    }
}

/// Parses the command line. Prints help, or what is wrong without keys, and returns the exit code.
///
/// # Errors
/// Returns the exit code if the program has nothing more to do.
pub fn parse_arguments<A: clap::Parser>() -> Result<A, u8> {
    A::try_parse().map_err(|error| {
        if error.use_stderr() {
            let text = error.render().to_string();
            match redact_runs(&text, |run| is_known_argument(run, &A::command())) {
                // To the stream and with the colours that clap chooses.
                Cow::Borrowed(_) => drop(error.print()),
                Cow::Owned(redacted) => drop(std::io::stderr().write_all(redacted.as_bytes())),
            }
        } else {
            drop(error.print());
        }
        u8::try_from(error.exit_code()).unwrap_or(2)
    })
}

/// Returns true if a run of characters is a name of the command line, or nearly, or a part of a path
/// that exists.
fn is_known_argument(run: &str, command: &clap::Command) -> bool {
    let mut arguments = std::env::args().filter(|argument| argument.contains(run));
    let is_name = |name: &str| is_nearly(run.trim_start_matches('-'), name);
    is_name(command.get_name())
        || command.get_arguments().filter_map(clap::Arg::get_long).any(is_name)
        || command.get_subcommands().any(|command| is_known_argument(run, command))
        || arguments.any(|argument| Path::new(&argument).exists())
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
    fn a_word_that_may_be_a_part_of_a_key_is_not_shown() {
        assert_eq!(redact_word("2100001"), "2100001");
        assert_eq!(redact_word(&"k".repeat(42)), "<42 letters>");
        let id = "k".repeat(20);
        let id = StudentId::new(id.as_bytes()).unwrap();
        assert_eq!(redact_id(&id, Outcome::Silence), "<20 letters>");
        assert_eq!(redact_id(&id, Outcome::Answered), id.as_str(), "a student has it");
    }

    #[test]
    fn a_path_is_shown_but_for_what_does_not_exist_and_may_be_a_part_of_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("k".repeat(25));
        assert_eq!(show_path(&long), folder.path().join("<25 letters>").display().to_string());
        std::fs::write(&long, "").unwrap();
        assert_eq!(show_path(&long), long.display().to_string());
        assert_eq!(show_path(Path::new("no/such/class.csv")), "no/such/class.csv");
        assert_eq!(show_path(Path::new(&"k".repeat(43))), "<43 letters>");
    }

    #[test]
    fn a_long_name_is_shown_if_it_is_known_or_mistyped_by_a_character() {
        let names = ["connections_per_source", "style"];
        let shown = |word: &str| redact_name(word, &names);
        assert_eq!(shown("connections_per_source"), "connections_per_source");
        assert_eq!(shown("connections_per_sorce"), "connections_per_sorce");
        assert_eq!(shown("connections_for_sources"), "<23 base64 characters>");
    }

    #[test]
    fn the_nearest_name_is_found_if_one_is_similar() {
        let names = ["console.style", "server.listen", "server.workers"];
        let nearest = |word| nearest(word, names.into_iter());
        assert_eq!(nearest("consle.stile"), Some("console.style"));
        assert_eq!(nearest("server.worker"), Some("server.workers"));
        assert_eq!(nearest("zzz"), None);
    }
}
