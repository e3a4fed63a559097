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
