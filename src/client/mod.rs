//! `grade-client`: asks a server for grades, opens the answers, and says plainly what went wrong.

pub mod cli;

mod arguments;
mod chart;
mod completer;
mod connection;
mod dialogue;
mod display;
mod editions;
mod endpoint;
mod error;
mod histogram;
mod keys;
mod marks;
mod preferences;
mod reply;
mod request;
mod script;
mod table;
mod watch;
