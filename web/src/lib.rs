//! The page on which students read their marks, and the HTTP listener behind it.
//!
//! ```text
//! socket -> HttpListener -> Transport (TLS) -> Guarded (deadlines) -> actix-web -> page, ask -> Dispatcher
//! ```
//!
//! The page seals requests and opens answers in the browser. This crate hands lines of sealed requests to a
//! dispatcher, as a session does, and cannot read what they say. It is the only crate that names actix-web.
//! Modules import only from modules above them in this list:
//!
//! - `page`: the file, filled with the names of course and server; its hash and its policy
//! - `pieces`: bodies in pieces
//! - `tls`: certificates
//! - `forwarded`: the client that a proxy names
//! - `connection`: what is known of one connection, from its acceptance to its end
//! - `transport`: bytes of a socket, in clear or in TLS
//! - `guarded`: deadlines and limits of a connection, below HTTP
//! - `ask`: `POST /v1/ask`
//! - `app`: routes and headers
//! - `listener`: accepting, threads, the end of the service

#![forbid(unsafe_code)]

mod app;
mod ask;
mod connection;
mod forwarded;
mod guarded;
mod listener;
mod page;
mod pieces;
mod tls;
mod transport;

pub use ask::LINES_MAX;
pub use listener::{HttpConfig, HttpListener};
pub use page::{InvalidPublicUrl, Page, PublicUrl};
pub use tls::{Certificate, CertificateError};
