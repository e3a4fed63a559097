//! Reading a vector from a text that may end within it.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi8, _mm512_maskz_permutexvar_epi8, _mm512_set1_epi8,
};

use bytemuck::cast;

use super::VECTOR_BYTES;

/// 0, 1, 2 and so on.
#[rustfmt::skip]
const COUNTED: [u8; VECTOR_BYTES] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
    48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
];

/// The bytes of a text behind `at`, and zeros behind its last one. The last bytes are read with those before them, and
/// moved in the register: a processor waits before it reads memory as a whole that was just written in parts.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn window(text: &[u8], at: usize) -> __m512i {
    let rest = text.get(at..).unwrap_or_default();
    if let Some(whole) = rest.first_chunk::<VECTOR_BYTES>() {
        return cast(*whole);
    }
    let Some(last) = text.last_chunk::<VECTOR_BYTES>() else {
        let mut short = [0; VECTOR_BYTES];
        let (used, _) = short.split_at_mut(rest.len());
        used.copy_from_slice(rest);
        return cast(short);
    };
    let skipped = i8::try_from(VECTOR_BYTES - rest.len()).unwrap_or_default();
    let order = _mm512_add_epi8(cast(COUNTED), _mm512_set1_epi8(skipped));
    _mm512_maskz_permutexvar_epi8(first(rest.len()), order, cast(*last))
}

/// The mask of the first bytes of a vector.
pub(super) fn first(bytes: usize) -> u64 {
    match VECTOR_BYTES.checked_sub(bytes) {
        Some(others) => {
            u64::MAX.checked_shr(u32::try_from(others).unwrap_or(u32::MAX)).unwrap_or(0)
        }
        None => u64::MAX,
    }
}
