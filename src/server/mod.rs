//! The running server: publishing classes, serving them, reloading, signals.

mod file_limit;
pub mod publish;
mod reload;
pub mod serve;
mod signals;
mod watch;
