//! Frames on their way to be sealed.

use crate::frame::{BLOCK_BYTES, HEADER_BYTES, IV_BYTES, MAC_BYTES, VERSION};
use crate::mac_states::KeyRef;
use crate::time::Timestamp;

/// A closed frame with its text in clear, and the key to seal it under.
pub struct PlainFrame<'a> {
    pub(crate) key: KeyRef<'a>,
    /// Header and padded text, which the MAC covers.
    covered: &'a mut [u8],
    mac: &'a mut [u8],
}

impl<'a> PlainFrame<'a> {
    /// The frame in these bytes: from [`begin_frame`](crate::frame::begin_frame) to
    /// [`end_frame`](crate::frame::end_frame).
    ///
    /// # Panics
    /// If the length is not that of a closed frame: a part of its text would otherwise be sent in clear.
    pub fn new(key: impl Into<KeyRef<'a>>, bytes: &'a mut [u8]) -> Self {
        let covered_bytes = bytes.len().saturating_sub(MAC_BYTES);
        assert!(has_whole_blocks(covered_bytes), "{} bytes are not a closed frame", bytes.len());
        let (covered, mac) = bytes.split_at_mut(covered_bytes);
        Self { key: key.into(), covered, mac }
    }
}

/// Returns true if a header and at least one whole block have so many bytes together.
pub(crate) fn has_whole_blocks(covered_bytes: usize) -> bool {
    let text_bytes = covered_bytes.saturating_sub(HEADER_BYTES);
    text_bytes > 0 && text_bytes.is_multiple_of(BLOCK_BYTES)
}

/// A closed frame with its header, and the text still in clear.
pub(crate) struct HeadedFrame<'a> {
    pub(crate) key: KeyRef<'a>,
    /// Header and padded text, which the MAC covers.
    pub(crate) covered: &'a mut [u8],
    pub(crate) mac: &'a mut [u8],
}

impl<'a> HeadedFrame<'a> {
    /// Writes the header of a frame.
    pub(crate) fn new(frame: PlainFrame<'a>, now: Timestamp, iv: [u8; IV_BYTES]) -> Self {
        let PlainFrame { key, covered, mac } = frame;
        let (version, rest) = covered.split_at_mut(1);
        let (time, rest) = rest.split_at_mut(HEADER_BYTES - IV_BYTES - 1);
        let (iv_bytes, _) = rest.split_at_mut(IV_BYTES);
        version.copy_from_slice(&[VERSION]);
        time.copy_from_slice(&now.0.to_be_bytes());
        iv_bytes.copy_from_slice(&iv);
        Self { key, covered, mac }
    }
}
