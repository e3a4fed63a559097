//! Making decoy keys, for requests in clear and for sealed ones.

use fernet_batch::{DecoyKeys, OwnedKey};

#[cfg(test)]
thread_local! {
    /// How many this thread has made. Tests compare it to show that a request costs the same work whoever it names.
    pub(crate) static DECOY_KEYS_MADE: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The decoy key of an ID. It must have MAC states if the students' keys have: a token that is sealed or opened without
/// them takes longer.
pub(crate) fn decoy_key(keys: &DecoyKeys, id: &str, with_mac_states: bool) -> OwnedKey {
    #[cfg(test)]
    DECOY_KEYS_MADE.set(DECOY_KEYS_MADE.get() + 1);
    OwnedKey::new(keys.key_for(id), with_mac_states)
}
