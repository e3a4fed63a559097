//! Requests that were opened together, and how many of them were verified. What they said is wiped.

use arrayvec::ArrayVec;
use fernet_batch::{BatchVerifier, OwnedKey, Timestamp};
use zeroize::Zeroize;

use super::frame::{EMPTY_FRAME, Frame};

pub(super) struct Opened {
    /// As many as are opened together. Memory that stays is not cleared and moved for each request.
    pub(super) frames: Vec<Frame>,
    pub(super) requests: ArrayVec<OpenedRequest, { BatchVerifier::TOGETHER }>,
    verified: usize,
}

/// A request whose token was opened with its student's key, or with a decoy key in its place.
pub(super) struct OpenedRequest {
    /// When the token was made, if the key made it.
    pub(super) time: Option<Timestamp>,
    /// The decoy key, if it was needed already.
    pub(super) decoy_key: Option<OwnedKey>,
}

impl Opened {
    pub(super) fn none() -> Self {
        let frames = vec![EMPTY_FRAME; BatchVerifier::TOGETHER];
        Self { frames, requests: ArrayVec::new(), verified: 0 }
    }

    pub(super) fn clear(&mut self) {
        for frame in self.frames.iter_mut().take(self.requests.len()) {
            frame.as_mut_slice().zeroize();
        }
        self.requests.clear();
        self.verified = 0;
    }

    /// The number of requests that were opened and not verified.
    pub(super) fn unverified(&self) -> usize {
        self.requests.len().saturating_sub(self.verified)
    }

    /// The next request to be verified, and its frame.
    pub(super) fn next(&mut self) -> Option<(&mut Frame, &mut OpenedRequest)> {
        let at = self.verified;
        let next = self.frames.get_mut(at).zip(self.requests.get_mut(at))?;
        self.verified += 1;
        Some(next)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.clear();
    }
}
