//! The alphabet of base64url (RFC 4648 section 5), and the orders in which its bytes are moved.

use super::VECTOR_BYTES;
use crate::key::Key;

/// The characters of a group, and the bytes that they stand for.
pub(super) const CHARACTERS: usize = VECTOR_BYTES;
pub(super) const BYTES: usize = CHARACTERS / 4 * 3;

/// The character of each six bits.
pub(super) const ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What stands for a character that is not in the alphabet.
const INVALID: u8 = 0x80;

/// The six bits of each character of ASCII.
pub(super) const SIX_BITS: [[u8; 64]; 2] = six_bits();

const fn six_bits() -> [[u8; 64]; 2] {
    let mut table = [[INVALID; 64]; 2];
    let mut n = 0;
    while n < ALPHABET.len() {
        let character = ALPHABET[n] as usize;
        table[character / 64][character % 64] = n as u8;
        n += 1;
    }
    table
}

/// Where the characters of a key stand in a vector that has the first of them in its lower half, and the last of them
/// in its upper half.
pub(super) const KEY_ORDER: [u8; VECTOR_BYTES] = key_order();

const fn key_order() -> [u8; VECTOR_BYTES] {
    let mut order = [0; VECTOR_BYTES];
    let mut n = 0;
    while n < Key::TEXT_BYTES {
        let in_upper_half = n + VECTOR_BYTES - Key::TEXT_BYTES;
        order[n] = if n < VECTOR_BYTES / 2 { n } else { in_upper_half } as u8;
        n += 1;
    }
    order
}

/// Where the bytes of each four characters come from: a character needs bits of two bytes at most.
pub(super) const SPREAD: [u8; VECTOR_BYTES] = spread();

const fn spread() -> [u8; VECTOR_BYTES] {
    let mut order = [0; VECTOR_BYTES];
    let mut n = 0;
    while n < order.len() {
        order[n] = (n / 4 * 3) as u8 + [1, 0, 2, 1][n % 4];
        n += 1;
    }
    order
}

/// Where the bytes stand that four characters were merged to, the first 48 of them.
pub(super) const MERGED: [u8; VECTOR_BYTES] = merged();

const fn merged() -> [u8; VECTOR_BYTES] {
    let mut order = [0; VECTOR_BYTES];
    let mut n = 0;
    while n < BYTES {
        order[n] = (n / 3 * 4) as u8 + [2, 1, 0][n % 3];
        n += 1;
    }
    order
}
