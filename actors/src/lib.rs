//! The actors that serve a gradebook over TCP, and their messages.
//!
//! [`Server`] starts and stops the tree of actors, and its documentation draws it; [`messages`] is everything that actors send each
//! other, and [`event`] is what they emit. A handler calls one function of `gradebook` and passes its
//! result on. This is the only crate that names actix.

#![forbid(unsafe_code)]

pub mod audit;
pub mod event;
pub mod messages;

mod acceptor;
mod admission;
mod dispatch;
mod encryptor;
mod grade_store;
mod limits;
mod listener;
mod profile;
mod server;
mod session;
mod supervision;

pub use acceptor::{Accepted, Acceptor};
pub use admission::{Admission, Proxies, SourcePermit};
pub use dispatch::{SessionConfig, SessionLimits, WorkerContext};
pub use encryptor::{Encryptor, SealBatch};
pub use grade_store::{AnswerBatch, GradeStore};
pub use limits::{ConnectionLimits, RequestRate, Source, Timeouts};
pub use profile::{Exposure, LabProfile, Profile, Responder, SealedProfile};
pub use server::{Server, ServerConfig, bind, run, run_in_task};
pub use session::{Deadline, Session, SessionContext, SessionStream};
pub use supervision::{RESTART_WINDOW, RestartLimit};
