//! `grade-client`: asks a grade server and opens its answers.
//!
//! Exit codes: 0 ok · 1 refused or unknown · 2 usage · 3 cannot connect or connection lost ·
//! 4 cannot decrypt · 5 answer not to be trusted · 7 partial in a batch.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use grade_actor_server::client::cli;

fn main() -> ExitCode {
    cli::run().into()
}
