//! How large a file may be.

use std::io::Read;

use fernet_batch::SecretBytes;

use crate::error::ClassFileError;
use crate::problem::Problem;

/// How large a file may be.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// The most bytes of the file, and of what is packed in it.
    pub bytes_max: u64,
    /// The most students.
    pub rows_max: usize,
}

impl ReadLimits {
    /// Reads a file whole. `bytes` is the length that it is expected to have. The memory is wiped when it
    /// is dropped, since a file may contain keys.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is too long.
    pub fn read(&self, mut file: impl Read, bytes: u64) -> Result<SecretBytes, ClassFileError> {
        /// The least room that is read into.
        const ROOM: usize = 64 * 1024;
        /// The bytes that are read at once. A reader may look at them while they are in the processor's cache.
        const READ_BYTES_MAX: usize = 512 * 1024;
        let expected = usize::try_from(bytes.min(self.bytes_max)).unwrap_or_default();
        // One byte more: a file is at its end when there is room and nothing to read.
        let mut content = SecretBytes::zeros(expected.saturating_add(1).max(ROOM));
        let mut length = 0_usize;
        loop {
            let end = length.saturating_add(READ_BYTES_MAX).min(content.len());
            let room = content.get_mut(length..end).unwrap_or_default();
            let read = match file.read(room) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            length = length.saturating_add(read);
            if u64::try_from(length).unwrap_or(u64::MAX) > self.bytes_max {
                return Err(Problem::TooManyBytes(self.bytes_max).anywhere());
            }
            if length == content.len() {
                let mut longer = SecretBytes::zeros(length.saturating_mul(2));
                longer.get_mut(..length).unwrap_or_default().copy_from_slice(&content);
                content = longer;
            }
        }
        content.truncate(length);
        Ok(content)
    }
}
