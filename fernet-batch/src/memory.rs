//! Memory that holds secrets.

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
}
