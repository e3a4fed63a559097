//! Exact decimals and edition numbers.

mod decimal;
mod edition_number;

pub use decimal::{Decimal, DecimalError};
pub use edition_number::{EditionNumber, EditionStamp};
