//! The table of commands: the word, the argument and the help of each.
//!
//! Everything that lists commands takes them from here: the help of both programs, the dialogue, the
//! error text for an unknown command, and the table in `docs/PROTOCOL.md`, which a test compares.

/// A row of the table of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandSpec {
    /// The word on the wire.
    pub word: &'static str,
    /// The name of its argument; empty if it takes none.
    pub argument: &'static str,
    /// What the answer is.
    pub help: &'static str,
}

/// Makes [`COMMANDS`] and the error text that lists the words, from one table.
macro_rules! command_table {
    ($( $word:literal $argument:literal $help:literal )+) => {
        /// Every command, in the order in which help lists them.
        pub const COMMANDS: &[CommandSpec] =
            &[$( CommandSpec { word: $word, argument: $argument, help: $help } ),+];

        /// What a client reads that sent an unknown command.
        pub(super) const UNKNOWN_COMMAND: &str = concat!("unknown command; known:", $( " ", $word ),+);
    };
}

command_table! {
    "GG" "" "your own marks"
    "GMA" "" "the class average of the midterm"
    "GEA" "" "the class average of the exams"
    "GL1A" "" "the class average of Lab 1"
    "GL2A" "" "the class average of Lab 2"
    "GL3A" "" "the class average of Lab 3"
    "GL4A" "" "the class average of Lab 4"
    "AVG" "ASSESSMENT" "the class average of any assessment"
    "STATS" "ASSESSMENT" "all class statistics of any assessment"
    "REPORT" "" "your marks, class statistics, edition and time, as JSON"
}

/// All commands with their arguments, for help: `GG, GMA, ..., AVG ASSESSMENT, ...`.
pub fn command_list() -> String {
    let spellings: Vec<_> = COMMANDS.iter().map(CommandSpec::spelling).collect();
    spellings.join(", ")
}

impl CommandSpec {
    /// The word and its argument: `AVG ASSESSMENT`.
    pub fn spelling(&self) -> String {
        if self.argument.is_empty() {
            self.word.to_owned()
        } else {
            format!("{} {}", self.word, self.argument)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_an_unknown_command_lists_the_known_ones() {
        assert_eq!(
            UNKNOWN_COMMAND,
            "unknown command; known: GG GMA GEA GL1A GL2A GL3A GL4A AVG STATS REPORT"
        );
        assert!(command_list().ends_with("GL4A, AVG ASSESSMENT, STATS ASSESSMENT, REPORT"));
    }
}
