//! How a user runs this program again, with the same settings.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::redact::escape;

/// Command lines of `grade-actor-server`, to be copied into a shell.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    /// The settings file, as the user named it.
    pub config: Option<PathBuf>,
}

impl CommandLine {
    /// The command line with these arguments.
    pub(crate) fn with(&self, arguments: &str) -> String {
        let config = self.config.as_deref().map(|file| format!(" --config {}", quoted(file)));
        format!("grade-actor-server {arguments}{}", config.unwrap_or_default())
    }
}

/// A path, or another argument, as a word of a shell's command line. What a terminal cannot show safely is shown escaped.
pub(crate) fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    let shown = escape(&path);
    shlex::try_quote(&shown).unwrap_or(Cow::Borrowed(&*shown)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_names_the_settings_file_where_there_is_one() {
        let with =
            |config: Option<&str>| CommandLine { config: config.map(PathBuf::from) }.with("diff");
        assert_eq!(with(None), "grade-actor-server diff");
        assert_eq!(
            with(Some("/etc/grades.toml")),
            "grade-actor-server diff --config /etc/grades.toml"
        );
        let spaced = with(Some("my course's.toml"));
        let words = shlex::split(&spaced).unwrap();
        assert_eq!(words, ["grade-actor-server", "diff", "--config", "my course's.toml"]);
        assert!(!with(Some("a\u{1b}[2J.toml")).contains('\u{1b}'));
    }
}
