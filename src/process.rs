//! What concerns the whole process: panics, core dumps, the standard streams.

use std::io::Write as _;
use std::panic::PanicHookInfo;

use fernet_batch::redact::redact_keys;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Makes panics report where they happened, and not their message, which may contain a secret.
pub fn report_panics() {
    std::panic::set_hook(Box::new(report_panic));
}

fn report_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    complain(&format!("internal error at {place}"));
}

/// Keeps keys out of core dumps.
pub fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if setrlimit(Resource::Core, none).is_err() {
        complain("warning: cannot turn core dumps off; one of them could contain keys");
    }
}

/// Prints a line to standard output.
pub(crate) fn print(text: &str) {
    // Whoever closed the pipe has read enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints an error or a warning of the server to standard error, without keys.
pub(crate) fn complain(text: &str) {
    // Standard error may be closed.
    let _ = writeln!(std::io::stderr(), "grade-actor-server: {}", redact_keys(text));
}
