//! Conversations with the built programs and with actors over in-memory pipes, in one binary.

// A test fails by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod harness;

mod audit;
mod class_files;
mod client;
mod http;
mod keys;
mod limits;
mod memory;
mod page;
mod publishing;
mod reload;
mod sealed;
mod session;
mod start;
mod stop;
mod structure;
mod supervision;
mod transcripts;
mod wire;
