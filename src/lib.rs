//! The parts of the two programs, `grade-actor-server` and `grade-client`.
//!
//! Classes and answers stand in the crate `gradebook`, tokens in `fernet-batch`, class files in
//! `class-files`, actors in `grade-actors`. Here is what touches the outside: files, settings, signals,
//! consoles, the audit log, the command line. Modules import only from modules above them in this
//! list:
//!
//! - [`redact`], [`process`]
//! - [`command_line`]: how a user runs the program again
//! - [`server_address`]: where clients connect to
//! - [`files`]: reading class files, writing private files
//! - [`events`]: the sinks for consoles and the service manager
//! - [`audit`]: the audit log, and its verification
//! - [`settings`]: layers, validation
//! - [`publishing`]: editions, and what publishes them
//! - [`admin`]: the socket for commands
//! - [`server`]: serving, reloading, signals
//! - [`client`]: the parts of `grade-client`
//! - [`commands`], [`cli`]: the command line of `grade-actor-server`

#![forbid(unsafe_code)]

pub mod admin;
pub mod audit;
pub mod cli;
pub mod client;
pub mod command_line;
pub mod commands;
pub mod events;
pub mod files;
pub mod process;
pub mod publishing;
pub mod redact;
pub mod server;
pub mod server_address;
pub mod settings;
