//! The running server: publishing classes, serving them, reloading, signals.

mod background;
mod file_limit;
mod http;
mod listen;
pub mod publish;
mod reload;
pub mod serve;
mod signals;
pub(crate) mod warnings;
mod watch;
