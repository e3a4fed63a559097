//! What a grade is, how it is asked for, and how it is sealed.
//!
//! ```text
//! bytes --wire::parse--> Request --Book::answer--> Answers --Sealer::seal--> Replies (bytes)
//! ```
//!
//! Every arrow is a pure function: no actors, no runtime, no clock of its own, and no I/O beyond
//! `impl Read`. `wire` does not know the book, and the book does not know `wire`. A secret is a type
//! without `Debug` or `Display`.

pub mod request;
pub mod sealed;
pub mod wire;

mod batch;
mod book;
mod census;
mod class_file;
mod cover;
mod decimal;
mod key;
mod keyring;
mod open;
mod publication;
mod refusal;
mod report;
mod roll;
mod screen;
mod seal;
mod snippet;
mod statistics;
mod telling;
#[cfg(test)]
mod testing;
mod token;

pub use batch::{Answers, BatchLimits, Outcome, Questions, Replies};
pub use book::{Book, Edition, LAB_ANSWER_BYTES_MAX, UnknownStudent};
pub use census::Census;
pub use class_file::{
    ClassFileError, Column, Names, ReadOptions, read_class_file, read_class_files,
};
pub use cover::Cover;
pub use decimal::{Decimal, DecimalError};
pub use key::{Key, KeyError, StudentKeys};
pub use keyring::Keyring;
pub use open::{OpenError, Opened, open};
pub use publication::{NoRecord, Publications};
pub use refusal::{Fault, Malformed, Refusal};
pub use request::{Command, Request, StudentId};
pub use seal::{NoRandomness, Sealer, Timestamp};
pub use statistics::Discretion;
