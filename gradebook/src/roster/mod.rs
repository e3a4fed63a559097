//! The students of a class, each with keys and marks, found by ID.

mod builder;
mod class;
mod id_set;
mod index;
mod marks;
mod short_number;
mod short_text;
mod students;
#[cfg(test)]
mod tests;

pub use builder::{AddError, Duplicate, RosterBuilder};
pub use class::Class;
pub use id_set::IdSet;
pub(crate) use id_set::id_hash;
pub(crate) use short_text::ShortText;
pub(crate) use students::{LookupSlot, Record, Roster, RowIndex};
