//! The MAC states of a key: what HMAC computes of the key before it reads a text.
//!
//! HMAC hashes a block of key, inner and outer, before the text. The two states behind these blocks are the same for
//! every text (RFC 2104 section 4), so a caller that uses a key again can keep them: a short text then needs a third
//! fewer blocks of hash. They take twice the memory of the key, and are as secret.

use bytemuck::cast;
use zeroize::{Zeroize, ZeroizeOnDrop, zeroize_stack};

use crate::hmac::HashState;
use crate::key::Key;

/// The stack that computing the states uses at most, in bytes. The frames of its functions are half as deep in a release
/// build (`objdump`: `compute`, `HashState::keyed`, `compress256`).
const STACK_BYTES: usize = 1024;

/// HMAC's states behind the blocks of a key. They have no `Debug` and no `Display`, and are wiped when they are
/// dropped.
///
/// ```compile_fail
/// let key = fernet_batch::Key::from_bytes([7; 32]);
/// println!("{:?}", fernet_batch::MacStates::new(&key)); // they have no Debug
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MacStates([u64; MacStates::WORDS]);

impl MacStates {
    /// They are held in words, which are wiped in a quarter of the time.
    pub(crate) const WORDS: usize = 8;

    /// Computes the states of a key, which costs two blocks of SHA-256.
    pub fn new(key: &Key) -> Self {
        let states = Self::compute(key);
        zeroize_stack::<STACK_BYTES>();
        states
    }

    /// It is never inlined, so that what it leaves on the stack can be wiped.
    #[inline(never)]
    fn compute(key: &Key) -> Self {
        let [signing, _] = &*key.expose_halves();
        let states = [HashState::inner(signing), HashState::outer(signing)];
        Self(cast(states.map(|state| state.expose_words())))
    }

    /// The eight 32-bit words of the inner state, and then those of the outer state.
    pub(crate) fn expose_words(&self) -> &[u64; Self::WORDS] {
        &self.0
    }

    /// The inner and the outer state.
    pub(crate) fn expose_states(&self) -> [HashState; 2] {
        let states: [[u32; 8]; 2] = cast(self.0);
        states.map(HashState::from_words)
    }
}

/// A key, and its [`MacStates`] if they are kept. Tokens are the same with and without them.
#[derive(Clone, Copy)]
pub struct KeyRef<'a> {
    pub(crate) key: &'a Key,
    pub(crate) mac_states: Option<&'a MacStates>,
}

impl<'a> KeyRef<'a> {
    /// A key with these states, which must be its own: a token with the states of another key opens for nobody.
    pub fn new(key: &'a Key, mac_states: Option<&'a MacStates>) -> Self {
        debug_assert!(mac_states.is_none_or(|states| states.0 == MacStates::new(key).0));
        Self { key, mac_states }
    }

    /// The key.
    pub fn key(self) -> &'a Key {
        self.key
    }

    /// The states of the key, if they are kept.
    pub fn mac_states(self) -> Option<&'a MacStates> {
        self.mac_states
    }

    /// HMAC's inner and outer states behind the block of key.
    pub(crate) fn expose_mac_states(self) -> [HashState; 2] {
        match self.mac_states {
            Some(states) => states.expose_states(),
            None => MacStates::new(self.key).expose_states(),
        }
    }
}

impl<'a> From<&'a Key> for KeyRef<'a> {
    fn from(key: &'a Key) -> Self {
        Self { key, mac_states: None }
    }
}

impl<'a> From<&'a OwnedKey> for KeyRef<'a> {
    fn from(OwnedKey { key, mac_states }: &'a OwnedKey) -> Self {
        Self { key, mac_states: mac_states.as_ref() }
    }
}

/// An owned key, and its [`MacStates`] if they are kept.
pub struct OwnedKey {
    key: Key,
    mac_states: Option<MacStates>,
}

impl OwnedKey {
    /// A key, and its states if `with_mac_states`.
    pub fn new(key: Key, with_mac_states: bool) -> Self {
        let mac_states = with_mac_states.then(|| MacStates::new(&key));
        Self { key, mac_states }
    }

    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }
}
