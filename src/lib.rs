//! The parts of the two programs, `grade-actor-server` and `grade-client`.
//!
//! What a grade is and how it is sealed stands in the crate `gradebook`; the actors that serve it
//! stand in `grade-actors`. Here is what touches the outside: settings, files, signals, consoles.

pub mod audit;
pub mod client;
pub mod console;
pub mod keys;
pub mod loading;
pub mod service;
pub mod settings;
pub mod state;
pub mod text;

mod descriptors;
mod fanout;
mod printer;
mod progress;
mod reload;
mod secret_file;
mod signals;
mod watch;
