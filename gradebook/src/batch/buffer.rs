//! The memory of a batch, and how secrets in it are wiped.

use fernet_batch::Timestamp;
use zeroize::Zeroize;

use super::entry::{Answer, Entry};
use super::keys::BatchKeys;
use super::limits::BatchLimits;
use crate::roster::LookupSlot;
use crate::values::EditionNumber;

/// The memory that a batch keeps throughout.
pub(super) struct BatchBuffer {
    pub(super) limits: BatchLimits,
    pub(super) edition: EditionNumber,
    /// When the answers were given.
    pub(super) time: Timestamp,
    pub(super) requests: Vec<Entry>,
    /// The student IDs and assessment names of the requests, one behind the other.
    pub(super) texts: String,
    /// The lookup of each request's student.
    pub(super) slots: Vec<LookupSlot>,
    /// The answers to the first requests, as many as were resolved.
    pub(super) answers: Vec<Answer>,
    /// The keys of those answers that become tokens, in their order; empty once they are sealed.
    pub(super) keys: BatchKeys,
    /// The texts in clear, each in the frame of its token, where sealing overwrites it.
    pub(super) frames: Vec<u8>,
    pub(super) replies: Vec<u8>,
    /// Where in `replies` each reply ends.
    pub(super) ends: Vec<usize>,
    /// The text of a key that is sent in clear; nearly always empty.
    pub(super) revealed_key: Vec<u8>,
}

impl BatchBuffer {
    pub(super) fn new(limits: BatchLimits) -> Self {
        Self {
            limits,
            edition: EditionNumber::default(),
            time: Timestamp(0),
            requests: Vec::new(),
            texts: String::new(),
            slots: Vec::new(),
            answers: Vec::new(),
            keys: BatchKeys::default(),
            frames: Vec::new(),
            replies: Vec::new(),
            ends: Vec::new(),
            revealed_key: Vec::new(),
        }
    }
}

impl Drop for BatchBuffer {
    fn drop(&mut self) {
        self.frames.zeroize();
        self.revealed_key.zeroize();
    }
}

#[cfg(test)]
thread_local! {
    /// The capacity of the buffer that was made larger last on this thread.
    pub(crate) static RESERVED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Makes room for so many more bytes, and wipes the old memory if the buffer moves. A buffer that grows by itself
/// leaves a copy behind.
#[inline]
pub(crate) fn reserve_room(secret: &mut Vec<u8>, bytes: usize) {
    if secret.capacity() - secret.len() < bytes {
        move_to_larger(secret, bytes);
    }
}

#[cold]
fn move_to_larger(secret: &mut Vec<u8>, bytes: usize) {
    let mut larger = Vec::with_capacity((secret.len() + bytes) * 2);
    larger.extend_from_slice(secret);
    wipe(secret);
    *secret = larger;
    #[cfg(test)]
    RESERVED.set(secret.capacity());
}

/// Wipes and drops what was appended since `start`.
pub(super) fn wipe_tail(secret: &mut Vec<u8>, start: usize) {
    let tail = secret.get_mut(start..).unwrap_or_default();
    // To set no byte at the address of an empty vector takes more than 100 ns where memory is set by masks of AVX-512:
    // the address has no memory, so the processor calls for its microcode.
    if !tail.is_empty() {
        tail.zeroize();
        secret.truncate(start);
    }
}

/// Wipes and drops the content of a buffer. Its memory is kept.
pub(super) fn wipe(secret: &mut Vec<u8>) {
    wipe_tail(secret, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_a_buffer_wipes_the_old_memory_and_keeps_the_content() {
        let mut secret = Vec::with_capacity(16);
        secret.extend_from_slice(b"a secret");
        reserve_room(&mut secret, 4096);
        assert_eq!(secret, b"a secret");
        assert!(secret.capacity() - secret.len() >= 4096);
        let (address, capacity) = (secret.as_ptr(), secret.capacity());
        let room = capacity - secret.len();
        reserve_room(&mut secret, room);
        assert_eq!((secret.as_ptr(), secret.capacity()), (address, capacity), "there is room");
    }

    #[test]
    fn a_buffer_with_little_room_left_is_moved() {
        let mut secret = Vec::with_capacity(5000);
        secret.resize(1000, b'x');
        reserve_room(&mut secret, 4001);
        assert!(secret.capacity() - secret.len() >= 4001, "4000 bytes are too few");
    }

    #[test]
    fn a_wiped_tail_is_gone_and_the_rest_stays() {
        let mut secret = b"kept secret".to_vec();
        wipe_tail(&mut secret, 5);
        assert_eq!(secret, b"kept ");
        wipe(&mut secret);
        assert!(secret.is_empty() && secret.capacity() > 0);
    }
}
