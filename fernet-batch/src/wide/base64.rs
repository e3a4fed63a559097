//! base64url of one text, 48 bytes in 64 characters at a time (RFC 4648 section 5).
//!
//! The steps are those of Muła and Lemire, "Base64 encoding and decoding at almost the speed of a memory copy" (2020):
//! bits are moved by permutations of a register, and the alphabet stands in registers.

use std::arch::x86_64::{
    __m512i, _mm512_madd_epi16, _mm512_maddubs_epi16, _mm512_maskz_permutex2var_epi8,
    _mm512_maskz_permutexvar_epi8, _mm512_movepi8_mask, _mm512_multishift_epi64_epi8,
    _mm512_or_si512, _mm512_permutexvar_epi8, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_test_epi8_mask,
};

use bytemuck::cast;

use super::VECTOR_BYTES;
use super::base64_tables::{ALPHABET, BYTES, CHARACTERS, MERGED, SIX_BITS, SPREAD};
use super::load::{first, window};

/// Appends the characters of `bytes`, with padding.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let characters = bytes.len().div_ceil(3) * 4;
    let end = out.len() + characters;
    out.reserve(characters + CHARACTERS);
    let mut at = 0;
    while at < bytes.len() {
        let encoded: [u8; CHARACTERS] = cast(encode_group(window(bytes, at)));
        out.extend_from_slice(&encoded);
        at += BYTES;
    }
    out.truncate(end);
    let padding = characters - (bytes.len() * 8).div_ceil(6);
    for byte in out.iter_mut().rev().take(padding) {
        *byte = b'=';
    }
}

/// The characters of 48 bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn encode_group(bytes: __m512i) -> __m512i {
    // Each eight bytes hold two times three bytes as 1 0 2 1; the shifts count bits from the first of the eight.
    const SHIFTS: [u8; 8] = [10, 4, 22, 16, 42, 36, 54, 48];
    let spread = _mm512_permutexvar_epi8(cast(SPREAD), bytes);
    let six_bits = _mm512_multishift_epi64_epi8(cast([SHIFTS; 8]), spread);
    _mm512_permutexvar_epi8(six_bits, cast(*ALPHABET))
}

/// Decodes characters, without their padding, into memory of as many bytes as they stand for. Returns false if they are
/// not the one spelling of so many bytes; what the memory contains then means nothing.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn decode(characters: &[u8], out: &mut [u8]) -> bool {
    let mut is_valid = characters.len() == (out.len() * 8).div_ceil(6);
    let mut rest = out;
    let mut at = 0;
    while !rest.is_empty() {
        let group = decode_group(characters, at, rest.len());
        is_valid &= group.is_valid;
        let bytes: [u8; VECTOR_BYTES] = cast(group.bytes);
        if let Some(whole) = rest.first_chunk_mut() {
            // The next group overwrites what is too much.
            *whole = bytes;
        } else {
            rest.iter_mut().zip(bytes).take(BYTES).for_each(|(to, from)| *to = from);
        }
        (_, rest) = rest.split_at_mut(BYTES.min(rest.len()));
        at += CHARACTERS;
    }
    is_valid
}

/// Returns true if characters, without their padding, are the one spelling of so many bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn check(characters: &[u8], bytes: usize) -> bool {
    let mut is_valid = characters.len() == (bytes * 8).div_ceil(6);
    let mut at = 0;
    while at < characters.len() {
        is_valid &= decode_group(characters, at, bytes.saturating_sub(at / 4 * 3)).is_valid;
        at += CHARACTERS;
    }
    is_valid
}

/// What 64 characters stand for.
struct DecodedGroup {
    /// 48 bytes, and zeros behind them.
    bytes: __m512i,
    is_valid: bool,
}

/// Decodes the characters behind `at`, which stand for up to `bytes_left` bytes. Bits of characters that belong to no
/// byte must be zero.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn decode_group(characters: &[u8], at: usize, bytes_left: usize) -> DecodedGroup {
    let input = window(characters, at);
    let used = first(characters.len().saturating_sub(at));
    let [low, high] = SIX_BITS;
    let six_bits = _mm512_maskz_permutex2var_epi8(used, cast(low), input, cast(high));
    let invalid = _mm512_movepi8_mask(_mm512_or_si512(input, six_bits));
    // Two times twelve bits, and then 24 bits, in as many bytes.
    let twelve_bits = _mm512_maddubs_epi16(six_bits, _mm512_set1_epi16(0x0140));
    let merged = _mm512_madd_epi16(twelve_bits, _mm512_set1_epi32(0x0001_1000));
    let bytes = _mm512_maskz_permutexvar_epi8(first(BYTES), cast(MERGED), merged);
    let left_over = _mm512_test_epi8_mask(bytes, bytes) & !first(bytes_left);
    DecodedGroup { bytes, is_valid: (invalid | left_over) == 0 }
}
