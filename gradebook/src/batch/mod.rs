//! One read's worth of requests on their way to one write's worth of replies.
//!
//! A batch is one block of memory that moves by ownership through three types:
//!
//! ```text
//! Requests --Book::answer--> Answers --Answers::seal--> Replies --into_requests--> Requests
//!  (a session fills it)       (opaque)                   (a session writes it)
//! ```
//!
//! The order of the replies is the order of the requests. Memory is kept for the next batch; keys
//! and texts in it are wiped as soon as they are sealed.

mod answers;
mod buffer;
mod entry;
mod keys;
mod limits;
mod outcome;
mod replies;
mod requests;
#[cfg(test)]
mod tests;

pub use answers::Answers;
#[cfg(test)]
pub(crate) use buffer::RESERVED;
pub(crate) use buffer::reserve_room;
pub use limits::BatchLimits;
pub use outcome::Outcome;
pub use replies::Replies;
pub use requests::Requests;
pub(crate) use requests::{Decision, Unresolved, Upcoming};
