//! Statistics with noise, differentially private for each mark.
//!
//! The marks of an assessment are counted in batches, each mark once. A batch is drawn when it is published: a
//! noisy sum, and in a large class noisy counts of ten bins. Everything that students see is computed from the drawn
//! numbers and from public counts. The theorem and its proof stand in `docs/PRIVACY.md`.
//!
//! - `sampler`: noise with an exact distribution
//! - `draw`: drawing a batch
//! - `projection`: noisy counts as counts
//! - `quantiles`: median and quartiles of the bins, with intervals
//! - `shown`: what students see

mod draw;
mod projection;
mod quantiles;
mod sampler;
mod shown;

pub(crate) use draw::{BINS, Batch, DrawTerms, Drawn, Hundredths};
pub(crate) use shown::{PrivateFigures, exams_together, is_too_uncertain};
