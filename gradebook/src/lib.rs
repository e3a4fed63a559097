//! Classes, marks, statistics, editions, requests and answers.
//!
//! ```text
//! bytes --wire::parse--> Request --Book::answer--> Answers --Answers::seal--> Replies (bytes)
//! ```
//!
//! Every arrow is a pure function: no actors, no runtime, no clock, and no I/O. Modules import only
//! from modules above them in this list:
//!
//! - `values`: edition numbers and decimals
//! - `request`: student IDs, commands, rejections
//! - `roster`: students, marks, lookup by ID
//! - `statistics`: figures, exact or with noise; what is released, and what has been drawn; texts
//! - `decoy_key`: keys that nobody holds
//! - [`wire`]: bytes to requests, rejections to bytes. It does not know the book.
//! - [`sealed`]: sealed requests and replies, the replay cache
//! - `batch`: requests to answers to replies
//! - `book`: a published class, ready to answer. It does not know the wire.
//!
//! Keys and tokens stand in the crate `fernet-batch`, class files in the crate `class-files`.

#![forbid(unsafe_code)]

pub mod sealed;
pub mod wire;

mod batch;
mod book;
mod decoy_key;
mod request;
mod roster;
mod statistics;
mod values;

pub use batch::{Answers, BatchLimits, Outcome, Replies, Requests};
pub use book::{Book, UnknownStudent};
pub use request::{
    COMMANDS, Command, CommandSpec, LAB_ANSWER_BYTES_MAX, LAB_COMMANDS, Lab, LineError,
    MalformedLine, Rejection, Request, StudentId, command_list,
};
pub use roster::{
    Assessment, AssessmentRelease, Class, ClassStudent, Duplicate, Full, IdSet, Mark, MarkIndex,
    MarkStatus, RosterBuilder, ShortSpelling,
};
pub use statistics::{
    Budget, Decisions, Drawing, InvalidHistory, LastEdition, PrivacyPolicy, Publication,
    RedrawError, ReleaseHistory, StatisticDecision, StatisticForecast, StatisticsMode,
    StatisticsPlan,
};
pub use values::{Decimal, DecimalError, EditionNumber, EditionStamp};
