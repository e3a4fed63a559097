//! Exact decimals and edition numbers.

mod decimal;
mod duplicates;
mod edition_number;

pub use decimal::{Decimal, DecimalError};
pub(crate) use duplicates::has_duplicates;
pub use edition_number::{EditionNumber, EditionStamp};
