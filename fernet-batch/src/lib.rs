//! Fernet tokens, many at a time (<https://github.com/fernet/spec/blob/master/Spec.md>).
//!
//! [`Sealer`] makes tokens for many keys in step, [`BatchVerifier`] verifies and decrypts tokens in
//! place, and [`open`] reads one token as a client does. A caller that uses a key again can keep its
//! [`MacStates`]. Keys are types without `Debug` and `Display`, and are wiped when they are dropped. The
//! `fernet` crate is the reference: tests hold the sealer to it byte for byte, and [`open`] decrypts with it.
//!
//! This crate knows nothing of what the texts say, of sockets, or of a clock of its own: the caller
//! passes the [`Timestamp`].

pub mod frame;
pub mod redact;
pub mod token;

mod base64url;
mod batch_verifier;
mod decoy;
mod hmac;
mod key;
mod key_text;
mod lanes;
mod mac_states;
mod memory;
mod open;
mod plain_frame;
mod random;
mod sealer;
mod time;
mod verifier;
mod wide;

pub use batch_verifier::{BatchVerifier, ClosedToken};
pub use decoy::DecoyKeys;
pub use key::{Key, KeyError, StudentKeys};
pub use mac_states::{KeyRef, MacStates, OwnedKey};
pub use memory::{SecretBytes, reserve_wiped};
pub use open::{OpenError, Opened, open};
pub use plain_frame::PlainFrame;
pub use random::{NoRandomness, Randomness, SystemRandomness};
pub use sealer::Sealer;
pub use time::Timestamp;
