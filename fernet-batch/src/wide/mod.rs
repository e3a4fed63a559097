//! Sixteen tokens side by side, in vectors of 512 bits, on processors with AVX-512 and VAES.
//!
//! Every step is the same for every key and every text: there is no table and no branch on a secret, only on lengths. The layout of
//! tokens stands in `frame`, and the steps are those of `lanes`, which serves processors without these instructions.

mod aes_cbc;
mod hmac;
mod sha256;

use arrayvec::ArrayVec;

use crate::key::Key;
use crate::plain_frame::HeadedFrame;

/// The number of tokens.
pub(crate) const WIDTH: usize = 16;

/// The bytes of a vector.
const VECTOR_BYTES: usize = 64;

/// Returns true if the processor has the instructions.
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("vaes")
}

/// Seals up to [`WIDTH`] frames, whose headers are written.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
pub(crate) fn seal(frames: &mut [HeadedFrame<'_>]) {
    aes_cbc::encrypt(frames);
    let macs = hmac::macs(&covered(frames));
    for (frame, mac) in frames.iter_mut().zip(macs) {
        frame.mac.copy_from_slice(&mac);
    }
}

/// What the MAC of each frame covers, with the frame's key.
fn covered<'f>(frames: &'f [HeadedFrame<'_>]) -> ArrayVec<(&'f Key, &'f [u8]), WIDTH> {
    frames.iter().map(|frame| (frame.key, &*frame.covered)).take(WIDTH).collect()
}
