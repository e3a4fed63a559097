//! Decoy keys: each is made when it is needed, and counted.

use std::cell::Cell;

use fernet_batch::{DecoyKeys, OwnedKey};

/// Decoy keys, and how many were made.
pub(super) struct CountedDecoyKeys {
    keys: DecoyKeys,
    with_mac_states: bool,
    made: Cell<u64>,
}

impl CountedDecoyKeys {
    pub(super) fn new(keys: DecoyKeys) -> Self {
        Self { keys, with_mac_states: false, made: Cell::new(0) }
    }

    /// Sets whether the `MacStates` of the next keys are computed.
    pub(super) fn set_with_mac_states(&mut self, with_mac_states: bool) {
        self.with_mac_states = with_mac_states;
    }

    #[cfg(test)]
    pub(super) fn made(&self) -> u64 {
        self.made.get()
    }

    pub(super) fn key_for(&self, id: &str) -> OwnedKey {
        self.made.set(self.made.get().saturating_add(1));
        OwnedKey::new(self.keys.key_for(id), self.with_mac_states)
    }
}

/// The decoy key of an ID, made when it is needed.
pub(super) struct DecoyKey<'k, 'a> {
    keys: &'a CountedDecoyKeys,
    id: &'a str,
    key: &'k mut Option<OwnedKey>,
}

impl<'k, 'a> DecoyKey<'k, 'a> {
    /// The decoy key of this ID. It is made in `key`, unless it is there already, and stays there: what is moved leaves
    /// a copy behind.
    pub(super) fn new(
        keys: &'a CountedDecoyKeys,
        id: &'a str,
        key: &'k mut Option<OwnedKey>,
    ) -> Self {
        Self { keys, id, key }
    }

    /// The key.
    pub(super) fn get(&mut self) -> &OwnedKey {
        self.key.get_or_insert_with(|| self.keys.key_for(self.id))
    }

    /// The key, which stays where it is kept.
    pub(super) fn into_key(self) -> &'k OwnedKey {
        self.key.get_or_insert_with(|| self.keys.key_for(self.id))
    }
}
