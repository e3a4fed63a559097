//! `grade-client`: asks a server for grades, opens the answers, and says plainly what went wrong.

pub mod cli;

mod connection;
mod dialogue;
mod display;
mod editions;
mod endpoint;
mod error;
mod keys;
mod reply;
mod request;
mod script;
