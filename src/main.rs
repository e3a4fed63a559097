//! `grade-actor-server`: gives each student their own grades and the class statistics, encrypted with
//! that student's own key.
//!
//! Exit codes: 0 clean stop · 1 cannot serve, or the command failed · 2 usage or settings · 70 too many
//! restarts.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use grade_actor_server::{cli, process};

fn main() -> ExitCode {
    process::report_panics();
    if let Some(warning) = process::close_memory() {
        process::complain(warning);
    }
    cli::run().into()
}
