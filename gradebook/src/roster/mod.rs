//! The students of a class, each with keys and marks, found by ID.

mod assessment;
mod builder;
mod class;
mod comments;
mod id_set;
mod index;
mod indexing;
mod longest;
mod lookup;
mod mac_states;
mod mark;
mod marks;
mod offset;
mod recent;
mod short_number;
mod short_text;
mod students;
#[cfg(test)]
mod tests;
mod two_threads;

pub use assessment::{Assessment, AssessmentRelease};
pub use builder::{Full, RosterBuilder};
pub use class::{Class, ClassStudent};
pub use id_set::IdSet;
pub(crate) use id_set::id_hash;
pub use indexing::Duplicate;
pub(crate) use lookup::LookupSlot;
pub use mark::{Mark, MarkStatus};
pub use marks::MarkIndex;
pub(crate) use marks::StoredMark;
pub use recent::ShortSpelling;
pub(crate) use short_text::ShortText;
pub(crate) use students::{Record, Roster, RowIndex};
