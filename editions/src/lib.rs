//! Keeps the published editions of a class.
//!
//! ```text
//! Class --Content::of--> Content --History::publish--> folder --History::read--> Content --into_class--> Class
//! ```
//!
//! Modules import only from modules above them in this list:
//!
//! - `codec`: numbers and texts as bytes, in one form each
//! - `content`: a class without keys, in one form of bytes, with its digest
//! - `record`: what is known of an edition beside its content
//! - `edition_file`: both, and what was decided about statistics, in one file
//! - `journal`: what happened, a line each, chained by digests
//! - `history`: the folder, its lock, its repair
//! - `difference`: what publishing a content would change
//! - `rules`: what looks wrong in it
//! - `restriction`: what it shows less, which takes effect at once
//!
//! This crate knows no statistics: what was decided about them travels as bytes that `gradebook` writes and
//! reads. It knows no keys.

#![forbid(unsafe_code)]

mod codec;
mod content;
mod difference;
mod edition_file;
mod history;
mod journal;
mod record;
mod restriction;
mod rules;
#[cfg(test)]
mod testing;

pub use content::{Content, ContentDigest, ContentError};
pub use difference::{AssessmentChanged, Difference, MarkChanged, StudentsChanged, marks_changed};
pub use edition_file::StoredEdition;
pub use history::{CheckedHistory, History, HistoryError, Repair};
pub use record::{EditionRecord, LeftBecause, LeftFile, PublishedBy};
pub use restriction::Restrictions;
pub use rules::{Held, Rule, RuleOptions, held};
