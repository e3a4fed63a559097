//! Sealed requests: tokens that only the asking student can make, each answered once.
//!
//! A request names its audience, so that a request to one course is worth nothing in another. A
//! reply repeats the request's nonce, so that it answers this request and no other. Requests and
//! replies begin with different words, so that neither can be sent back as the other.
//! `docs/PROTOCOL.md` is the full text.

mod fingerprints;
mod format;
mod replay_cache;
mod verify;

pub use format::{InvalidField, Nonce, REPLY_UNIT_BYTES, Reply, SealedRequest, without_padding};
pub(crate) use format::{
    REPLY_HEAD_BYTES_MAX, ReplyContext, pad_reply, padded_reply_bytes, write_reply_head,
};
pub use replay_cache::ReplayLimits;
pub(crate) use verify::{Credentials, Verification};
pub use verify::{RequestVerifier, VerifierConfig};
