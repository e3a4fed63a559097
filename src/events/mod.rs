//! Sinks for the server's events: the console in two forms, the service manager, and the fanout that
//! passes events on to several sinks. The audit log is a sink too, in a module of its own.

mod console;
mod console_lab;
mod console_log;
mod fanout;
mod printer;
mod systemd;
mod text;

pub use console::{Console, ConsoleStyle};
pub use fanout::Fanout;
pub use systemd::Systemd;
