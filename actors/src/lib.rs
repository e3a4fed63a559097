//! Who asks whom: the actors that serve a gradebook over TCP.
//!
//! [`House`] is the running tree and draws it; [`messages`] is the conversation between its parts;
//! [`event`] is what they tell of it. Each handler calls one function of `gradebook` and decides
//! who hears of it. This is the only crate that names actix.

pub mod audit;
pub mod event;
pub mod messages;

mod accept;
mod alarm;
mod conversation;
mod desk;
mod encryptor;
mod grade_store;
mod house;
mod intake;
mod limits;
mod listener;
mod restarts;
mod round;
mod session;
mod socket;

pub use desk::{Desk, Manners};
pub use encryptor::{Encryptor, SealBatch};
pub use grade_store::{Answer, GradeStore, Reception};
pub use house::{Blueprint, House, bind, run};
pub use limits::{ConnectionLimits, RequestRate, Source, Timeouts};
pub use restarts::{RESTART_WINDOW, Restarts};
pub use session::{Guest, Session};
pub use socket::Socket;
