//! SHA-256 of sixteen texts, one in each 32 bits of a vector (FIPS 180-4).

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_ror_epi32, _mm512_shuffle_epi8, _mm512_shuffle_i32x4,
    _mm512_srli_epi32, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use bytemuck::cast;

use super::{VECTOR_BYTES, WIDTH};
use crate::frame::BLOCK_BYTES;

/// The constant of each round of SHA-256, FIPS 180-4 section 4.2.2.
#[rustfmt::skip]
const ROUND_CONSTANTS: [[u32; WIDTH]; 4] = [
    [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    ],
    [
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    ],
    [
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    ],
    [
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ],
];

/// A state: vector `t` has the `t`-th word of all texts.
pub(super) type HashVectors = [__m512i; 8];
/// A block, in the same way.
pub(super) type Words = [__m512i; WIDTH];

/// The words of a block of each token: vector `t` has the `t`-th word of all.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn big_endian_words(rows: Words) -> Words {
    transpose(rows.map(|row| swap_bytes(row)))
}

/// Reverses the bytes of each word.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn swap_bytes(words: __m512i) -> __m512i {
    const SWAPPED: [u8; BLOCK_BYTES] = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
    _mm512_shuffle_epi8(words, cast([SWAPPED; VECTOR_BYTES / BLOCK_BYTES]))
}

/// Exchanges rows and columns of sixteen rows of sixteen words.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn transpose(mut rows: Words) -> Words {
    // Four rows at a time: columns c, c + 4, c + 8 and c + 12 in the four parts of a vector.
    let (quads, _) = rows.as_chunks_mut::<4>();
    for quad in quads {
        let [a, b, c, d] = *quad;
        let (low, high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (low_2, high_2) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        *quad = [
            _mm512_unpacklo_epi64(low, low_2),
            _mm512_unpackhi_epi64(low, low_2),
            _mm512_unpacklo_epi64(high, high_2),
            _mm512_unpackhi_epi64(high, high_2),
        ];
    }
    let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15] = rows;
    let [c0, c4, c8, c12] = join([r0, r4, r8, r12]);
    let [c1, c5, c9, c13] = join([r1, r5, r9, r13]);
    let [c2, c6, c10, c14] = join([r2, r6, r10, r14]);
    let [c3, c7, c11, c15] = join([r3, r7, r11, r15]);
    [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15]
}

/// The first parts of four vectors in one, then the second parts, and so on.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn join([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let even = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d));
    let odd = (_mm512_shuffle_i32x4::<0xdd>(a, b), _mm512_shuffle_i32x4::<0xdd>(c, d));
    [
        _mm512_shuffle_i32x4::<0x88>(even.0, even.1),
        _mm512_shuffle_i32x4::<0x88>(odd.0, odd.1),
        _mm512_shuffle_i32x4::<0xdd>(even.0, even.1),
        _mm512_shuffle_i32x4::<0xdd>(odd.0, odd.1),
    ]
}

/// One block of SHA-256 of each token, FIPS 180-4 section 6.2.2. The rounds are written out: in a loop, half of the
/// instructions would move vectors.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn compress(state: HashVectors, mut words: Words) -> HashVectors {
    let [first, later @ ..] = &ROUND_CONSTANTS;
    let mut vars = state;
    let mut constants = first;
    for next in later.iter().map(Some).chain([None]) {
        vars = sixteen_rounds(vars, words, constants);
        if let Some(next) = next {
            words = next_words(words);
            constants = next;
        }
    }
    let mut hashed = state;
    for (word, var) in hashed.iter_mut().zip(vars) {
        *word = _mm512_add_epi32(*word, var);
    }
    hashed
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn sixteen_rounds(vars: HashVectors, words: Words, constants: &[u32; WIDTH]) -> HashVectors {
    let [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15] = words;
    let [k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15] = *constants;
    let vars = round(vars, w0, k0);
    let vars = round(vars, w1, k1);
    let vars = round(vars, w2, k2);
    let vars = round(vars, w3, k3);
    let vars = round(vars, w4, k4);
    let vars = round(vars, w5, k5);
    let vars = round(vars, w6, k6);
    let vars = round(vars, w7, k7);
    let vars = round(vars, w8, k8);
    let vars = round(vars, w9, k9);
    let vars = round(vars, w10, k10);
    let vars = round(vars, w11, k11);
    let vars = round(vars, w12, k12);
    let vars = round(vars, w13, k13);
    let vars = round(vars, w14, k14);
    round(vars, w15, k15)
}

/// The sixteen words behind these.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn next_words(words: Words) -> Words {
    let [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15] = words;
    let w0 = next_word(w0, w1, w9, w14);
    let w1 = next_word(w1, w2, w10, w15);
    let w2 = next_word(w2, w3, w11, w0);
    let w3 = next_word(w3, w4, w12, w1);
    let w4 = next_word(w4, w5, w13, w2);
    let w5 = next_word(w5, w6, w14, w3);
    let w6 = next_word(w6, w7, w15, w4);
    let w7 = next_word(w7, w8, w0, w5);
    let w8 = next_word(w8, w9, w1, w6);
    let w9 = next_word(w9, w10, w2, w7);
    let w10 = next_word(w10, w11, w3, w8);
    let w11 = next_word(w11, w12, w4, w9);
    let w12 = next_word(w12, w13, w5, w10);
    let w13 = next_word(w13, w14, w6, w11);
    let w14 = next_word(w14, w15, w7, w12);
    let w15 = next_word(w15, w0, w8, w13);
    [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15]
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn round([a, b, c, d, e, f, g, h]: HashVectors, word: __m512i, constant: u32) -> HashVectors {
    // The truth tables of ternary logic: XOR of three, choice, majority.
    const XOR: i32 = 0x96;
    const CHOICE: i32 = 0xca;
    const MAJORITY: i32 = 0xe8;
    let constant: __m512i = cast([constant; WIDTH]);
    let sum_1 = _mm512_ternarylogic_epi32::<XOR>(
        _mm512_ror_epi32::<6>(e),
        _mm512_ror_epi32::<11>(e),
        _mm512_ror_epi32::<25>(e),
    );
    let choice = _mm512_ternarylogic_epi32::<CHOICE>(e, f, g);
    let first = _mm512_add_epi32(
        _mm512_add_epi32(h, _mm512_add_epi32(constant, word)),
        _mm512_add_epi32(sum_1, choice),
    );
    let sum_0 = _mm512_ternarylogic_epi32::<XOR>(
        _mm512_ror_epi32::<2>(a),
        _mm512_ror_epi32::<13>(a),
        _mm512_ror_epi32::<22>(a),
    );
    let second = _mm512_add_epi32(sum_0, _mm512_ternarylogic_epi32::<MAJORITY>(a, b, c));
    [_mm512_add_epi32(first, second), a, b, c, _mm512_add_epi32(d, first), e, f, g]
}

/// The word sixteen places behind `word`, from it and the words 1, 9 and 14 places behind it.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn next_word(word: __m512i, by_1: __m512i, by_9: __m512i, by_14: __m512i) -> __m512i {
    const XOR: i32 = 0x96;
    let small_0 = _mm512_ternarylogic_epi32::<XOR>(
        _mm512_ror_epi32::<7>(by_1),
        _mm512_ror_epi32::<18>(by_1),
        _mm512_srli_epi32::<3>(by_1),
    );
    let small_1 = _mm512_ternarylogic_epi32::<XOR>(
        _mm512_ror_epi32::<17>(by_14),
        _mm512_ror_epi32::<19>(by_14),
        _mm512_srli_epi32::<10>(by_14),
    );
    _mm512_add_epi32(_mm512_add_epi32(word, small_0), _mm512_add_epi32(by_9, small_1))
}
