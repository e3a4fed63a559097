//! Decoy keys of a batch: each is made when it is needed, and stays where it is made.

use fernet_batch::{DecoyKeys, OwnedKey};

use crate::decoy_key::decoy_key;

/// The decoy keys of a class.
pub(super) struct ClassDecoyKeys {
    keys: DecoyKeys,
    with_mac_states: bool,
}

impl ClassDecoyKeys {
    pub(super) fn new(keys: DecoyKeys) -> Self {
        Self { keys, with_mac_states: false }
    }

    /// Sets whether the MAC states of the class's keys are kept.
    pub(super) fn set_with_mac_states(&mut self, with_mac_states: bool) {
        self.with_mac_states = with_mac_states;
    }

    pub(super) fn key_for(&self, id: &str) -> OwnedKey {
        decoy_key(&self.keys, id, self.with_mac_states)
    }
}

/// The decoy key of an ID, made when it is needed.
pub(super) struct DecoyKey<'k, 'a> {
    keys: &'a ClassDecoyKeys,
    id: &'a str,
    key: &'k mut Option<OwnedKey>,
}

impl<'k, 'a> DecoyKey<'k, 'a> {
    /// The decoy key of this ID. It is made in `key`, unless it is there already, and stays there: what is moved leaves
    /// a copy behind.
    pub(super) fn new(
        keys: &'a ClassDecoyKeys,
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
