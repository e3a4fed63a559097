//! The frame of a sealed request: where its token is decrypted, and what is read there.

use fernet_batch::Timestamp;
use fernet_batch::frame::{BLOCK_BYTES, HEADER_BYTES, MAC_BYTES};

use crate::sealed::format::SealedRequest;
use crate::wire::{REQUEST_FRAME_BYTES, REQUEST_TEXT_BYTES};

/// The memory that a request's token is decrypted in.
pub(super) type Frame = [u8; REQUEST_FRAME_BYTES];

pub(super) const EMPTY_FRAME: Frame = [0; REQUEST_FRAME_BYTES];

/// The AES blocks of a request's text.
pub(super) const REQUEST_BLOCKS: usize = (REQUEST_TEXT_BYTES + 1) / BLOCK_BYTES;

/// Returns true if a text ends where a request's does: one byte short of whole blocks, so its padding is one byte.
pub(super) fn is_padded(frame: &Frame) -> bool {
    frame.get(HEADER_BYTES + REQUEST_TEXT_BYTES) == Some(&1)
}

/// The first 8 bytes of the MAC in a frame, right or wrong.
pub(super) fn mac_prefix(frame: &Frame) -> u64 {
    let mac = frame.last_chunk::<MAC_BYTES>().and_then(|mac| mac.first_chunk());
    mac.copied().map_or(0, u64::from_be_bytes)
}

/// The time in a frame, right or wrong.
pub(super) fn written_time(frame: &Frame) -> Timestamp {
    let time = frame.get(1..).and_then(|rest| rest.first_chunk());
    Timestamp(time.copied().map_or(0, u64::from_be_bytes))
}

/// The frame of a request with an ID that no student has.
pub(super) static SAMPLE_FRAME: Frame = sample_frame();

const fn sample_frame() -> Frame {
    const TEXT: &[u8] = b"Q1\tnets-2026-autumn\t\tGG\t0000000000000000";
    let mut frame = [b' '; REQUEST_FRAME_BYTES];
    let (_, text) = frame.split_at_mut(HEADER_BYTES);
    let (text, _) = text.split_at_mut(TEXT.len());
    text.copy_from_slice(TEXT);
    frame
}

/// The request in a decrypted frame. A student's key may have sealed something else, such as a reply or
/// a request under another ID.
pub(super) fn read_request<'a>(frame: &'a Frame, id: &str) -> Option<SealedRequest<'a>> {
    let text = frame.get(HEADER_BYTES..HEADER_BYTES + REQUEST_TEXT_BYTES)?;
    let request = SealedRequest::parse(text)?;
    (request.id == id).then_some(request)
}
