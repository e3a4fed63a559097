//! The admin socket: how a command asks the running server about its editions.
//!
//! A Unix socket, for the server's own user and root alone. A connection carries one request and one reply:
//! a line of JSON each, and behind the request's line the content of a file if it brings one.

mod client;
mod message;
mod socket_path;

pub(crate) use client::ask;
pub(crate) use message::{AdminRequest, HEAD_BYTES_MAX, RequestHead};
pub(crate) use socket_path::SocketPath;
