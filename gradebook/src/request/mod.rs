//! What a student may ask for, as values that cannot be invalid, and why a request is rejected.
//!
//! This module knows no bytes of the wire (that is [`wire`](crate::wire)) and no marks (that is
//! [`Book`](crate::Book)).

mod command;
mod command_table;
mod rejection;
mod student_id;

pub use command::{Command, LAB_COMMANDS, Lab};
pub(crate) use command::{lab_command, lab_command_prefix};
pub use command_table::{COMMANDS, CommandSpec, command_list};
pub use rejection::{LineError, MalformedLine, Rejection};
pub use student_id::StudentId;

/// The longest answer text to a lab command, in bytes: its token still fits the 1024 bytes that the
/// lab's clients read at once.
pub const LAB_ANSWER_BYTES_MAX: usize = 703;

/// One request of one student.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Who asks.
    pub id: StudentId<'a>,
    /// What is asked for.
    pub command: Command<&'a str>,
}
