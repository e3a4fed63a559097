//! base64url of one text, 48 bytes in 64 characters at a time (RFC 4648 section 5).
//!
//! The steps are those of Muła and Lemire, "Base64 encoding and decoding at almost the speed of a memory copy" (2020):
//! bits are moved by permutations of a register, and the alphabet stands in registers.

use std::arch::x86_64::{
    __m512i, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_inserti64x4, _mm512_madd_epi16,
    _mm512_maddubs_epi16, _mm512_maskz_mov_epi8, _mm512_maskz_permutexvar_epi8,
    _mm512_movepi8_mask, _mm512_multishift_epi64_epi8, _mm512_or_si512, _mm512_permutex2var_epi8,
    _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_ternarylogic_epi32, _mm512_test_epi8_mask,
};

use bytemuck::cast;

use super::base64_tables::{ALPHABET, BYTES, CHARACTERS, KEY_ORDER, MERGED, SIX_BITS, SPREAD};
use super::load::{first, window};
use super::{KeyText, VECTOR_BYTES};
use crate::key::Key;

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

/// The truth table of `a | (b & c)`.
const OR_SIGN: i32 = 0xf8;

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
    let has_its_length = characters.len() == (out.len() * 8).div_ceil(6);
    let mut invalid = _mm512_setzero_si512();
    let mut rest = out;
    let mut at = 0;
    // While there is room for a vector, which the next group overwrites in part.
    while let (Some(group), Some(whole)) = (
        characters.get(at..).and_then(<[u8]>::first_chunk::<CHARACTERS>),
        rest.first_chunk_mut::<VECTOR_BYTES>(),
    ) {
        let six_bits = six_bits(cast(*group));
        invalid = _mm512_or_si512(invalid, six_bits);
        *whole = cast(merge(six_bits));
        (_, rest) = rest.split_at_mut(BYTES);
        at += CHARACTERS;
    }
    let mut is_valid = has_its_length & (_mm512_movepi8_mask(invalid) == 0);
    while !rest.is_empty() {
        let (bytes, is_group_valid) = decode_end(characters, at, rest.len());
        is_valid &= is_group_valid;
        let bytes: [u8; VECTOR_BYTES] = cast(bytes);
        let (here, behind) = rest.split_at_mut(BYTES.min(rest.len()));
        here.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        rest = behind;
        at += CHARACTERS;
    }
    is_valid
}

/// Returns true if characters, without their padding, are the one spelling of so many bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn check(characters: &[u8], bytes: usize) -> bool {
    let has_its_length = characters.len() == (bytes * 8).div_ceil(6);
    let (groups, _) = characters.as_chunks::<CHARACTERS>();
    let mut invalid = _mm512_setzero_si512();
    for group in groups {
        invalid = _mm512_or_si512(invalid, six_bits(cast(*group)));
    }
    let bytes_left = bytes.saturating_sub(groups.len() * BYTES);
    let (_, is_end_valid) = decode_end(characters, groups.len() * CHARACTERS, bytes_left);
    has_its_length & is_end_valid & (_mm512_movepi8_mask(invalid) == 0)
}

/// Decodes the text of a key. Returns false if it is not the one spelling of any key; what `words` contains then means
/// nothing. The text and its bytes pass through registers alone: nothing of them stays on the stack.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn decode_key(text: &KeyText, words: &mut [u64; Key::WORDS]) -> bool {
    const HALF_BYTES: usize = VECTOR_BYTES / 2;
    let [characters @ .., b'='] = text else { return false };
    let front: Option<&[u8; HALF_BYTES]> = text.first_chunk();
    let back: Option<&[u8; HALF_BYTES]> = text.last_chunk();
    let (Some(front), Some(back)) = (front, back) else { return false };
    // The two halves have some characters in common.
    let both = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(cast(*front)), cast(*back));
    let six_bits = six_bits(_mm512_permutexvar_epi8(cast(KEY_ORDER), both));
    let six_bits = _mm512_maskz_mov_epi8(first(characters.len()), six_bits);
    let bytes = merge(six_bits);
    let left_over = _mm512_test_epi8_mask(bytes, bytes) & !first(Key::BYTES);
    *words = cast(_mm512_castsi512_si256(bytes));
    (_mm512_movepi8_mask(six_bits) | left_over) == 0
}

/// The six bits of each character, or a byte with its highest bit set if it is not one of the alphabet.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn six_bits(characters: __m512i) -> __m512i {
    let [low, high] = SIX_BITS;
    let found = _mm512_permutex2var_epi8(cast(low), characters, cast(high));
    // A character that is not ASCII was found as another one.
    _mm512_ternarylogic_epi32::<OR_SIGN>(found, characters, _mm512_set1_epi8(i8::MIN))
}

/// The 48 bytes of 64 times six bits, and zeros behind them.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn merge(six_bits: __m512i) -> __m512i {
    // Two times twelve bits, and then 24 bits, in as many bytes.
    let twelve_bits = _mm512_maddubs_epi16(six_bits, _mm512_set1_epi16(0x0140));
    let merged = _mm512_madd_epi16(twelve_bits, _mm512_set1_epi32(0x0001_1000));
    _mm512_maskz_permutexvar_epi8(first(BYTES), cast(MERGED), merged)
}

/// Decodes the characters behind `at`, up to a group of them, which stand for up to `bytes_left` bytes. Returns false
/// if they are not valid: bits of characters that belong to no byte must be zero.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn decode_end(characters: &[u8], at: usize, bytes_left: usize) -> (__m512i, bool) {
    let used = first(characters.len().saturating_sub(at));
    let six_bits = _mm512_maskz_mov_epi8(used, six_bits(window(characters, at)));
    let bytes = merge(six_bits);
    let left_over = _mm512_test_epi8_mask(bytes, bytes) & !first(bytes_left);
    (bytes, (_mm512_movepi8_mask(six_bits) | left_over) == 0)
}
