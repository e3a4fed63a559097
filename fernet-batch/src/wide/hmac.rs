//! HMAC-SHA256 of sixteen texts side by side (RFC 2104).

use std::arch::x86_64::{
    __m512i, _mm512_mask_mov_epi32, _mm512_mask_set1_epi8, _mm512_mask_set1_epi64,
    _mm512_set1_epi32, _mm512_setzero_si512, _mm512_xor_si512, _mm512_zextsi128_si512,
};

use bytemuck::cast;

use super::load::window;
use super::sha256::{HashVectors, big_endian_words, compress, swap_bytes, transpose};
use super::{KeyedText, VECTOR_BYTES, WIDTH};
use crate::frame::MAC_BYTES;
use crate::hmac::{HASH_BLOCK_BYTES, INITIAL_STATE};

/// The length of HMAC's outer text in bits: a block of key and a hash.
const OUTER_BITS: i32 = 96 * 8;

/// The MACs of up to sixteen texts, each under the first half of its key.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn macs(texts: &[KeyedText<'_>]) -> [[u8; MAC_BYTES]; WIDTH] {
    let (mut inner, outer) = key_states(texts);
    let blocks = |text: &KeyedText<'_>| hash_blocks(text.1.len());
    let most = texts.iter().map(blocks).max().unwrap_or_default();
    for n in 0..most {
        let mut rows = [_mm512_setzero_si512(); WIDTH];
        let mut has_block = 0_u16;
        for (lane, (row, text)) in rows.iter_mut().zip(texts).enumerate() {
            has_block |= u16::from(n < blocks(text)) << lane;
            *row = hash_block(text.1, n);
        }
        let hashed = compress(inner, big_endian_words(rows));
        for (state, hashed) in inner.iter_mut().zip(hashed) {
            *state = _mm512_mask_mov_epi32(*state, has_block, hashed);
        }
    }
    let zero = _mm512_setzero_si512();
    let [a, b, c, d, e, f, g, h] = inner;
    let end = _mm512_set1_epi32(i32::MIN);
    let length = _mm512_set1_epi32(OUTER_BITS);
    let last = [a, b, c, d, e, f, g, h, end, zero, zero, zero, zero, zero, zero, length];
    let [a, b, c, d, e, f, g, h] = compress(outer, last);
    let words = [a, b, c, d, e, f, g, h, zero, zero, zero, zero, zero, zero, zero, zero];
    let mut macs = [[0; MAC_BYTES]; WIDTH];
    for (mac, row) in macs.iter_mut().zip(transpose(words)) {
        let halves: [[u8; MAC_BYTES]; VECTOR_BYTES / MAC_BYTES] = cast(swap_bytes(row));
        [*mac, _] = halves;
    }
    macs
}

/// HMAC's inner and outer states behind the block of key, for all texts.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn key_states(texts: &[KeyedText<'_>]) -> (HashVectors, HashVectors) {
    if texts.iter().all(|(key, _)| key.mac_states.is_some()) {
        kept_states(texts)
    } else {
        computed_states(texts)
    }
}

/// The states that are kept with the keys, as vectors.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn kept_states(texts: &[KeyedText<'_>]) -> (HashVectors, HashVectors) {
    let mut rows = [_mm512_setzero_si512(); WIDTH];
    for (row, (key, _)) in rows.iter_mut().zip(texts) {
        if let Some(states) = key.mac_states {
            *row = cast(*states.expose_words());
        }
    }
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = transpose(rows);
    ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p])
}

/// The states of each key, computed side by side.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn computed_states(texts: &[KeyedText<'_>]) -> (HashVectors, HashVectors) {
    const INNER_PAD: i32 = 0x3636_3636;
    const OUTER_PAD: i32 = 0x5c5c_5c5c;
    let mut rows = [_mm512_setzero_si512(); WIDTH];
    for (row, (key, _)) in rows.iter_mut().zip(texts) {
        let [first, second, ..] = *key.key.expose_words();
        *row = _mm512_zextsi128_si512(cast([first, second]));
    }
    let block = big_endian_words(rows);
    let mut initial = [_mm512_setzero_si512(); 8];
    for (vector, word) in initial.iter_mut().zip(INITIAL_STATE) {
        *vector = cast([word; WIDTH]);
    }
    let padded = |pad| {
        let pad = _mm512_set1_epi32(pad);
        compress(initial, block.map(|word| _mm512_xor_si512(word, pad)))
    };
    (padded(INNER_PAD), padded(OUTER_PAD))
}

/// The number of hash blocks of a text with its padding: a bit, and the length in 8 bytes.
fn hash_blocks(text_bytes: usize) -> usize {
    (text_bytes + 1 + 8).div_ceil(HASH_BLOCK_BYTES)
}

/// The `n`-th block of HMAC's inner text behind the block of key, with the padding in its place.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn hash_block(text: &[u8], n: usize) -> __m512i {
    const PADDING_BIT: i8 = i8::MIN;
    const LAST_EIGHT_BYTES: u8 = 0x80;
    let start = n * HASH_BLOCK_BYTES;
    let mut block = window(text, start);
    // The bit stands behind the last byte of the text, in this block or at the start of the next one.
    if n == text.len() / HASH_BLOCK_BYTES {
        let behind_text = 1 << (text.len() - start);
        block = _mm512_mask_set1_epi8(block, behind_text, PADDING_BIT);
    }
    if n + 1 == hash_blocks(text.len()) {
        let bits = (HASH_BLOCK_BYTES + text.len()).saturating_mul(8);
        let bits = i64::try_from(bits).unwrap_or(i64::MAX);
        block = _mm512_mask_set1_epi64(block, LAST_EIGHT_BYTES, bits.to_be());
    }
    block
}
