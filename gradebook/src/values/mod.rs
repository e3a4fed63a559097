//! What all other modules count with.

mod decimal;
mod edition_number;

pub use decimal::{Decimal, DecimalError};
pub use edition_number::EditionNumber;
