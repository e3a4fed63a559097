//! Memory that holds secrets.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;
use zeroize::Zeroize;

/// Bytes that are wiped when they are dropped, as those of a file with keys. `zeroize` wipes a vector byte by byte,
/// which takes as long as reading a big file; this wipes it as a whole.
pub struct SecretBytes {
    memory: Memory,
    /// How many bytes of the memory there are.
    length: usize,
}

enum Memory {
    Heap(Vec<u8>),
    /// Memory of its own for the content of a big file. It has pages of 2 MiB where Linux allows: for a file of 100 MB,
    /// small ones take longer than copying it. On Linux, core dumps leave it out.
    Pages(MmapMut),
}

impl SecretBytes {
    /// The fewest bytes that are worth memory of their own.
    const PAGES_BYTES_MIN: usize = 4 << 20;

    /// So many zeros.
    pub fn zeros(bytes: usize) -> Self {
        let pages = (bytes >= Self::PAGES_BYTES_MIN).then(|| MmapMut::map_anon(bytes).ok());
        let Some(pages) = pages.flatten() else { return vec![0; bytes].into() };
        #[cfg(target_os = "linux")]
        for advice in [memmap2::Advice::HugePage, memmap2::Advice::DontDump] {
            // It works without them, too.
            let _ = pages.advise(advice);
        }
        Self { memory: Memory::Pages(pages), length: bytes }
    }

    /// Keeps the first bytes.
    pub fn truncate(&mut self, bytes: usize) {
        if let Some(rest) = self.get_mut(bytes..) {
            rest.zeroize();
            self.length = bytes;
        }
    }
}

/// Spare capacity of the vector is not wiped: nothing may have been written there.
impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self { length: bytes.len(), memory: Memory::Heap(bytes) }
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let memory: &[u8] = match &self.memory {
            Memory::Heap(bytes) => bytes,
            Memory::Pages(pages) => pages,
        };
        memory.get(..self.length).unwrap_or_default()
    }
}

impl DerefMut for SecretBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        let memory: &mut [u8] = match &mut self.memory {
            Memory::Heap(bytes) => bytes,
            Memory::Pages(pages) => pages,
        };
        memory.get_mut(..self.length).unwrap_or_default()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        // What is behind the length was wiped before.
        self.zeroize();
    }
}

/// Reserves room for at least one more element. A vector that grows by itself leaves a copy of its
/// elements behind in the memory that it frees; here the old elements are dropped, which wipes keys.
/// The new room is eight times the old one: unused memory costs nothing, and moving keys often would.
pub fn reserve_wiped<T: Clone>(secrets: &mut Vec<T>) {
    if secrets.len() == secrets.capacity() {
        let mut larger = Vec::with_capacity(secrets.len().saturating_mul(8).max(16));
        larger.extend_from_slice(secrets);
        *secrets = larger;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// Counts how often it was dropped.
    #[derive(Clone)]
    struct Secret(Rc<Cell<u32>>);

    impl Drop for Secret {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn a_full_vector_moves_and_drops_its_old_elements() {
        let dropped = Rc::new(Cell::new(0));
        let mut secrets = Vec::with_capacity(2);
        secrets.push(Secret(Rc::clone(&dropped)));
        reserve_wiped(&mut secrets);
        assert_eq!((secrets.capacity(), dropped.get()), (2, 0), "there is room");
        secrets.push(Secret(Rc::clone(&dropped)));
        reserve_wiped(&mut secrets);
        assert_eq!((secrets.capacity(), secrets.len(), dropped.get()), (16, 2, 2));
    }

    #[test]
    fn secret_bytes_keep_their_first_bytes() {
        let mut bytes = SecretBytes::from(b"a key behind a text".to_vec());
        bytes.truncate(99);
        assert_eq!(bytes.len(), 19, "there are no more");
        bytes.truncate(5);
        assert_eq!(&*bytes, b"a key");
        bytes.fill(b'x');
        assert_eq!((&*bytes, &*SecretBytes::zeros(2)), (&b"xxxxx"[..], &[0, 0][..]));
    }

    #[test]
    fn many_secret_bytes_are_zeros_until_they_are_written() {
        let least = SecretBytes::PAGES_BYTES_MIN;
        for length in [least - 1, least, least + 4097] {
            let mut bytes = SecretBytes::zeros(length);
            let is_mapped = matches!(bytes.memory, Memory::Pages(_));
            assert_eq!((bytes.len(), is_mapped), (length, length >= least));
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(7);
            bytes.truncate(length - 9);
            assert_eq!((bytes.len(), bytes.last()), (length - 9, Some(&7)));
        }
    }
}
