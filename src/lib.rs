//! The parts of the two programs, `grade-actor-server` and `grade-client`.
//!
//! What a grade is and how it is sealed stands in the crate `gradebook`; the actors that serve it
//! stand in `grade-actors`. Here is what touches the outside: settings, files, signals, consoles.

pub mod audit;
pub mod client;
pub mod console;
pub mod keys;
pub mod loading;
pub mod redact;
pub mod service;
pub mod settings;
pub mod state;

mod fanout;
mod file_limit;
mod printer;
mod private_file;
mod progress;
mod reload;
mod signals;
mod watch;
