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
mod class_file;
mod csv_guard;
mod decimal;
mod decoy;
mod id_set;
mod key;
mod key_file;
mod open;
mod rejection;
mod release;
mod render;
mod report;
mod roster;
mod seal;
mod short_text;
mod statistics;
#[cfg(test)]
mod testing;
mod token;

pub use batch::{Answers, BatchLimits, Outcome, Replies, Requests};
pub use book::{Book, EditionNumber, LAB_ANSWER_BYTES_MAX, UnknownStudent};
pub use class_file::{
    ClassFileError, Column, IdList, ReadOptions, read_class_file, read_class_files,
};
pub use decimal::{Decimal, DecimalError};
pub use decoy::DecoyKeys;
pub use id_set::IdSet;
pub use key::{Key, KeyError, StudentKeys};
pub use key_file::KeyFile;
pub use open::{OpenError, Opened, open};
pub use rejection::{LineError, MalformedLine, Rejection};
pub use release::{InvalidHistory, ReleaseHistory};
pub use request::{Command, Request, StudentId};
pub use seal::{NoRandomness, Sealer, Timestamp};
pub use statistics::PrivacyPolicy;
