//! The operating system's random bytes.

/// The operating system has no random bytes to give.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// Fills an array with random bytes of the operating system.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    Ok(getrandom::fill(bytes)?)
}
