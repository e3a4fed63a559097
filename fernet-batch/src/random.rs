//! Random bytes: those of the operating system, or of a test.

/// The operating system has no random bytes to give.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// A source of random bytes. The programs have [`SystemRandomness`] alone; tests have sources that can be
/// repeated.
pub trait Randomness {
    /// Fills a slice with random bytes.
    ///
    /// # Errors
    /// Returns an error if there are none.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system's random bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        fill(bytes)
    }
}

/// Fills an array with random bytes of the operating system.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    Ok(getrandom::fill(bytes)?)
}
