//! Memory that holds secrets.

use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// Bytes that are wiped when they are dropped, as those of a file with keys. `zeroize` wipes a vector byte by byte,
/// which takes as long as reading a big file; this wipes it as a whole.
#[derive(Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// So many zeros.
    pub fn zeros(bytes: usize) -> Self {
        Self(vec![0; bytes])
    }

    /// Keeps the first bytes.
    pub fn truncate(&mut self, bytes: usize) {
        if let Some(rest) = self.0.get_mut(bytes..) {
            rest.zeroize();
            self.0.truncate(bytes);
        }
    }
}

/// Spare capacity of the vector is not wiped: nothing may have been written there.
impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for SecretBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
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
}
