//! From sessions to the store and the encryptor: what the sessions of a thread share, and the
//! dispatcher that carries their batches.

mod dispatcher;
mod worker;

pub use worker::{SessionConfig, SessionLimits, WorkerContext};
