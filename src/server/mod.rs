//! The running server: publishing classes, serving them, reloading, signals.

mod admin;
mod background;
mod editions;
mod file_limit;
mod http;
mod listen;
mod prepare;
mod reload;
pub mod serve;
mod signals;
pub(crate) mod warnings;
mod watch;
