//! The keys of a class, by student.

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use class_files::KeyFile;
use fernet_batch::Key;

/// The keys of a class, by student.
#[derive(Clone, Default)]
pub(crate) struct Keys(pub(crate) Arc<KeyFile>);

impl Keys {
    /// The key of one student.
    ///
    /// # Errors
    /// Returns an error if no student has this ID.
    pub(crate) fn of(&self, id: &str) -> anyhow::Result<&Key> {
        let keys = self.0.keys(id).with_context(|| format!("{id} is not in the class"))?;
        Ok(keys.current())
    }
}

/// Prints the number of keys, and no key.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}
