//! Publishing: from the files of a class to an edition and its book.
//!
//! Without a history, a class file is published whenever it is read ([`in_process`]). With one, a
//! `Publisher` decides, and the server or a command asks it.
//!
//! - `checks`: whether a class fits the settings
//! - `in_process`: editions that end with the process
//! - `candidate`: a class file as it was read, before it is published
//! - `book`: the book of an edition that was kept
//! - `review`: what publishing would change, and what looks wrong in it
//! - `report`: what the commands print of it
//! - `error`: why something cannot be published
//! - `publisher`: the history, and everything that publishes
//! - `lock_wait`: waiting for a history that another process has
//! - `offer`: another file than the configured one
//! - `task`: what the commands ask of the publisher
//! - `restricting`: what shows less, which takes effect at once
//! - `saving`, `tasks`, `previewing`, `rolling_back`: what the publisher does by itself, and for the commands
//! - `check`: whether a server could start with its history

mod book;
mod candidate;
pub(crate) mod check;
mod checks;
mod error;
pub mod in_process;
mod lock_wait;
mod offer;
mod previewing;
mod publisher;
mod report;
mod restricting;
mod review;
mod rolling_back;
mod saving;
mod task;
mod tasks;

pub(crate) use lock_wait::LockWait;
pub(crate) use offer::{Offer, read_offer};
pub(crate) use publisher::{Publisher, Started};
pub(crate) use report::{
    AssessmentReport, DiffReport, EditionReport, EditionsReport, State, StatisticsWord,
};
pub(crate) use task::{Done, PublishOptions, Task, TaskError};
