//! The keys that the answers of a batch are sealed under.

use fernet_batch::{Key, KeyRef, MacStates};

/// Keys in the order of the answers that need one. They are held apart from the answers, so that nothing moves them:
/// what is moved leaves a copy behind.
#[derive(Default)]
pub(super) struct BatchKeys {
    keys: Vec<Key>,
    /// The states of each key, or of none: the sealer uses them only if all are there.
    mac_states: Vec<MacStates>,
}

impl BatchKeys {
    /// Makes room for so many keys. There must be none yet: a vector that grows leaves copies of its keys behind.
    pub(super) fn reserve(&mut self, keys: usize) {
        debug_assert!(self.keys.is_empty());
        self.keys.reserve(keys);
    }

    /// Adds a copy of a key.
    pub(super) fn push(&mut self, key: KeyRef<'_>) {
        match key.mac_states() {
            Some(states) if self.mac_states.len() == self.keys.len() => {
                if self.keys.is_empty() {
                    self.mac_states.reserve(self.keys.capacity());
                }
                self.mac_states.push(states.clone());
            }
            _ => self.mac_states.clear(),
        }
        self.keys.push(key.key().clone());
    }

    /// The keys in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = KeyRef<'_>> {
        let mut states = self.mac_states.iter();
        self.keys.iter().map(move |key| KeyRef::new(key, states.next()))
    }

    /// Wipes all keys. Their memory is kept.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.mac_states.clear();
    }
}

#[cfg(test)]
mod tests {
    use fernet_batch::OwnedKey;

    use super::*;

    /// Whether each of these keys has its states, once all of them were added.
    fn have_states(keys: &[&OwnedKey]) -> Vec<bool> {
        let mut batch = BatchKeys::default();
        batch.reserve(keys.len());
        for key in keys {
            batch.push((*key).into());
        }
        assert!(batch.iter().zip(keys).all(|(found, key)| found.key().is(key.key())));
        let found = batch.iter().map(|key| key.mac_states().is_some()).collect();
        batch.clear();
        assert_eq!(batch.iter().count(), 0);
        found
    }

    #[test]
    fn all_keys_have_their_states_or_none_has() {
        let [with, without] =
            [true, false].map(|with| OwnedKey::new(Key::from_bytes([u8::from(with); 32]), with));
        assert_eq!(have_states(&[&with, &with]), [true; 2]);
        assert_eq!(have_states(&[&without, &with, &with]), [false; 3]);
        assert_eq!(have_states(&[&with, &with, &without, &with]), [false; 4]);
    }
}
