//! What concerns the whole process: panics, core dumps, the standard streams.

use std::io::Write as _;
use std::panic::PanicHookInfo;

use clap::Command;
use clap_complete::Shell;
use fernet_batch::redact::redact_keys;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Makes panics report where they happened, and not their message, which may contain a secret.
pub fn report_panics() {
    std::panic::set_hook(Box::new(report_panic));
}

fn report_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    complain(&format!("internal error at {place}"));
}

/// Keeps keys out of core dumps, and closes the memory to other processes of the same user (prctl(2),
/// `PR_SET_DUMPABLE`). Returns a warning if the system does not allow it.
///
/// The limit of core dumps alone is not enough: it does not apply where `core_pattern` is a pipe.
pub fn close_memory() -> Option<&'static str> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    let hidden = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    (limited.is_err() || hidden.is_err()).then_some(
        "warning: cannot close the memory of the process; a core dump could contain keys",
    )
}

/// The completions of a shell for a program.
pub(crate) fn completions(shell: Shell, mut program: Command) -> String {
    let name = program.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut program, name, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The manual page of a program, in the format of man(7).
pub(crate) fn manual(program: Command) -> String {
    let mut text = Vec::new();
    // Writing to memory does not fail.
    drop(clap_mangen::Man::new(program).render(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}

/// Prints a line to standard output.
pub(crate) fn print(text: &str) {
    // Whoever closed the pipe has read enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints an error or a warning of the server to standard error, without keys.
pub fn complain(text: &str) {
    // Standard error may be closed.
    let _ = writeln!(std::io::stderr(), "grade-actor-server: {}", redact_keys(text));
}
