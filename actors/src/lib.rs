//! Who asks whom: the actors that serve a gradebook over TCP.
//!
//! [`Server`] is the running tree and draws it; [`messages`] is the conversation between its parts;
//! [`event`] is what they tell of it. Each handler calls one function of `gradebook` and decides
//! who hears of it. This is the only crate that names actix.

pub mod audit;
pub mod event;
pub mod messages;

mod accept_error;
mod connection;
mod deadline;
mod decoder;
mod dispatcher;
mod encryptor;
mod grade_store;
mod limits;
mod listener;
mod server;
mod session;
mod stream;
mod supervision;
mod worker;

pub use encryptor::{Encryptor, SealBatch};
pub use grade_store::{AnswerBatch, GradeStore, Profile};
pub use limits::{ConnectionLimits, RequestRate, Source, Timeouts};
pub use server::{Server, ServerConfig, bind, run};
pub use session::{Session, SessionContext};
pub use stream::SessionStream;
pub use supervision::{RESTART_WINDOW, RestartLimit};
pub use worker::{SessionConfig, WorkerContext};
