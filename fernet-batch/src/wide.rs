//! Sixteen tokens sealed side by side, in vectors of 512 bits.
//!
//! AES-CBC takes four tokens a vector, one in each 128 bits, with the key schedules computed in the same lanes
//! (VAES). SHA-256 takes sixteen tokens, one in each 32 bits. Every step is the same for every key and every text:
//! there is no table and no branch on a secret. The layout of tokens stands in `frame`, and the steps are those of
//! `lanes`, which serves processors without these instructions.
//!
//! FIPS 197 (AES), FIPS 180-4 (SHA-256), RFC 2104 (HMAC).

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_aesenc_epi128, _mm512_aesenclast_epi128, _mm512_bslli_epi128,
    _mm512_mask_mov_epi32, _mm512_ror_epi32, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_srli_epi32, _mm512_ternarylogic_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    _mm512_xor_si512,
};

use bytemuck::cast;
use zeroize::Zeroizing;

use crate::frame::{BLOCK_BYTES, HEADER_BYTES};
use crate::hmac::{HASH_BLOCK_BYTES, INITIAL_STATE};
use crate::plain_frame::HeadedFrame;

/// The number of tokens.
pub(crate) const WIDTH: usize = 16;

/// The tokens in one vector of AES blocks.
const AES_WIDTH: usize = 4;
const AES_VECTORS: usize = WIDTH / AES_WIDTH;
const AES_ROUNDS: usize = 10;

/// The bytes of a vector.
const VECTOR_BYTES: usize = 64;

/// The length of HMAC's outer text in bits: a block of key and a hash.
const OUTER_BITS: i32 = 96 * 8;

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

type HashVectors = [__m512i; 8];
type Words = [__m512i; WIDTH];

/// Returns true if the processor has the instructions.
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("vaes")
}

/// Seals up to [`WIDTH`] frames, whose headers are written.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
pub(crate) fn seal(frames: &mut [HeadedFrame<'_>]) {
    encrypt(frames);
    authenticate(frames);
}

/// Encrypts the text of each frame in CBC mode.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn encrypt(frames: &mut [HeadedFrame<'_>]) {
    let schedule = Schedule::new(frames);
    let text_bytes = |frame: &HeadedFrame<'_>| frame.covered.len().saturating_sub(HEADER_BYTES);
    let blocks = frames.iter().map(text_bytes).max().unwrap_or_default() / BLOCK_BYTES;
    // The block before the first one is the IV, which ends the header.
    let mut before = [_mm512_setzero_si512(); AES_VECTORS];
    for (before, group) in before.iter_mut().zip(frames.chunks(AES_WIDTH)) {
        *before = cast(gather(group, HEADER_BYTES - BLOCK_BYTES));
    }
    for n in 0..blocks {
        let start = HEADER_BYTES + n * BLOCK_BYTES;
        for (before, group) in before.iter_mut().zip(frames.chunks(AES_WIDTH)) {
            *before = _mm512_xor_si512(*before, cast(gather(group, start)));
        }
        schedule.encrypt(&mut before);
        for (encrypted, group) in before.iter().zip(frames.chunks_mut(AES_WIDTH)) {
            scatter(group, start, cast(*encrypted));
        }
    }
}

/// The block of each of four frames that begins at `start`; zeros where a frame has none.
fn gather(frames: &[HeadedFrame<'_>], start: usize) -> [u8; VECTOR_BYTES] {
    let mut blocks = [0; VECTOR_BYTES];
    let (places, _) = blocks.as_chunks_mut::<BLOCK_BYTES>();
    for (place, frame) in places.iter_mut().zip(frames) {
        if let Some(block) = frame.covered.get(start..).and_then(|rest| rest.first_chunk()) {
            *place = *block;
        }
    }
    blocks
}

/// Puts the blocks back where frames have one.
fn scatter(frames: &mut [HeadedFrame<'_>], start: usize, blocks: [u8; VECTOR_BYTES]) {
    let (places, _) = blocks.as_chunks::<BLOCK_BYTES>();
    for (place, frame) in places.iter().zip(frames) {
        let rest = frame.covered.get_mut(start..);
        if let Some(block) = rest.and_then(|rest| rest.first_chunk_mut()) {
            *block = *place;
        }
    }
}

/// The round keys of sixteen tokens, in words: bytes would take eight times as long to wipe.
struct Schedule(Zeroizing<[[[u64; VECTOR_BYTES / 8]; AES_VECTORS]; AES_ROUNDS + 1]>);

impl Schedule {
    /// The constant of each round in the first byte of a word, FIPS 197 section 5.2.
    const ROUND_CONSTANTS: [i32; AES_ROUNDS] =
        [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36];

    /// Expands the encryption keys. SubWord is the last round of AES, whose ShiftRows changes nothing where all
    /// columns are equal.
    #[target_feature(enable = "avx512f,avx512bw,vaes")]
    fn new(frames: &[HeadedFrame<'_>]) -> Self {
        let mut keys = Zeroizing::new([[[0; VECTOR_BYTES / 8]; AES_VECTORS]; AES_ROUNDS + 1]);
        let (first, later) = keys.split_at_mut(1);
        let mut states = [_mm512_setzero_si512(); AES_VECTORS];
        for (vector, group) in first.iter_mut().flatten().zip(frames.chunks(AES_WIDTH)) {
            let (places, _) = vector.as_chunks_mut();
            for (place, frame) in places.iter_mut().zip(group) {
                // The first half of a key signs, the second one encrypts.
                let [_, _, low, high] = *frame.key.expose_words();
                *place = [low, high];
            }
        }
        for (state, vector) in states.iter_mut().zip(first.iter().flatten()) {
            *state = cast(*vector);
        }
        for (round, constant) in later.iter_mut().zip(Self::ROUND_CONSTANTS) {
            for (state, vector) in states.iter_mut().zip(round) {
                *state = next_round_key(*state, constant);
                *vector = cast(*state);
            }
        }
        Self(keys)
    }

    /// Encrypts a block of each token. The four vectors keep the processor busy while each waits for its round.
    #[target_feature(enable = "avx512f,avx512bw,vaes")]
    fn encrypt(&self, blocks: &mut [__m512i; AES_VECTORS]) {
        let Self(keys) = self;
        for (round, keys) in keys.iter().enumerate() {
            for (block, key) in blocks.iter_mut().zip(keys) {
                let key = cast(*key);
                *block = match round {
                    0 => _mm512_xor_si512(*block, key),
                    AES_ROUNDS => _mm512_aesenclast_epi128(*block, key),
                    _ => _mm512_aesenc_epi128(*block, key),
                };
            }
        }
    }
}

/// The round key behind this one, FIPS 197 section 5.2: each word is the XOR of all words up to it and of the
/// substituted last word.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn next_round_key(key: __m512i, constant: i32) -> __m512i {
    // In each column, the last word rotated by a byte.
    const ROTATED_LAST_WORD: [u8; BLOCK_BYTES] =
        [13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12];
    let order = cast([ROTATED_LAST_WORD; VECTOR_BYTES / BLOCK_BYTES]);
    let rotated = _mm512_shuffle_epi8(key, order);
    let substituted = _mm512_aesenclast_epi128(rotated, _mm512_set1_epi32(constant));
    let two = _mm512_xor_si512(key, _mm512_bslli_epi128::<4>(key));
    let all = _mm512_xor_si512(two, _mm512_bslli_epi128::<8>(two));
    _mm512_xor_si512(all, substituted)
}

/// Writes the MAC of each frame: HMAC-SHA256 of header and encrypted text under the signing key.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn authenticate(frames: &mut [HeadedFrame<'_>]) {
    let (mut inner, outer) = key_states(frames);
    let blocks = |frame: &HeadedFrame<'_>| hash_blocks(frame.covered.len());
    let most = frames.iter().map(blocks).max().unwrap_or_default();
    for n in 0..most {
        let mut rows = [_mm512_setzero_si512(); WIDTH];
        let mut has_block = 0_u16;
        for (lane, (row, frame)) in rows.iter_mut().zip(frames.iter()).enumerate() {
            has_block |= u16::from(n < blocks(frame)) << lane;
            *row = cast(hash_block(frame.covered, n));
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
    for (frame, row) in frames.iter_mut().zip(transpose(words)) {
        let bytes: [u8; VECTOR_BYTES] = cast(swap_bytes(row));
        let (mac, _) = bytes.split_at(frame.mac.len().min(VECTOR_BYTES));
        frame.mac.copy_from_slice(mac);
    }
}

/// HMAC's inner and outer states behind the block of key, for all tokens.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn key_states(frames: &[HeadedFrame<'_>]) -> (HashVectors, HashVectors) {
    const INNER_PAD: i32 = 0x3636_3636;
    const OUTER_PAD: i32 = 0x5c5c_5c5c;
    let mut words = Zeroizing::new([[0_u32; WIDTH]; 4]);
    for (lane, frame) in frames.iter().enumerate() {
        let [first, second, ..] = *frame.key.expose_words();
        let halves = [first, second].map(|word| cast::<[u8; 8], [[u8; 4]; 2]>(word.to_ne_bytes()));
        for (word, bytes) in words.iter_mut().zip(halves.as_flattened()) {
            if let Some(place) = word.get_mut(lane) {
                *place = u32::from_be_bytes(*bytes);
            }
        }
    }
    let mut initial = [_mm512_setzero_si512(); 8];
    for (vector, word) in initial.iter_mut().zip(INITIAL_STATE) {
        *vector = cast([word; WIDTH]);
    }
    let mut block = [_mm512_setzero_si512(); WIDTH];
    for (vector, word) in block.iter_mut().zip(words.iter()) {
        *vector = cast(*word);
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
fn hash_block(text: &[u8], n: usize) -> [u8; HASH_BLOCK_BYTES] {
    let rest = text.get(n * HASH_BLOCK_BYTES..).unwrap_or_default();
    if let Some(block) = rest.first_chunk() {
        return *block;
    }
    let mut block = [0; HASH_BLOCK_BYTES];
    let (head, tail) = block.split_at_mut(rest.len());
    head.copy_from_slice(rest);
    // The bit stands behind the last byte of the text, in this block or at the start of the next one.
    if n == text.len() / HASH_BLOCK_BYTES
        && let Some(byte) = tail.first_mut()
    {
        *byte = 0x80;
    }
    if n + 1 == hash_blocks(text.len())
        && let Some(length) = block.last_chunk_mut()
    {
        let bits = (HASH_BLOCK_BYTES + text.len()).saturating_mul(8);
        *length = u64::try_from(bits).unwrap_or(u64::MAX).to_be_bytes();
    }
    block
}

/// The words of a block of each token: vector `t` has the `t`-th word of all.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn big_endian_words(rows: Words) -> Words {
    transpose(rows.map(|row| swap_bytes(row)))
}

/// Reverses the bytes of each word.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn swap_bytes(words: __m512i) -> __m512i {
    const SWAPPED: [u8; BLOCK_BYTES] = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
    _mm512_shuffle_epi8(words, cast([SWAPPED; VECTOR_BYTES / BLOCK_BYTES]))
}

/// Exchanges rows and columns of sixteen rows of sixteen words.
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn transpose(mut rows: Words) -> Words {
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
#[target_feature(enable = "avx512f,avx512bw,vaes")]
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
#[target_feature(enable = "avx512f,avx512bw,vaes")]
fn compress(state: HashVectors, mut words: Words) -> HashVectors {
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
#[target_feature(enable = "avx512f,avx512bw,vaes")]
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
#[target_feature(enable = "avx512f,avx512bw,vaes")]
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

#[target_feature(enable = "avx512f,avx512bw,vaes")]
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
#[target_feature(enable = "avx512f,avx512bw,vaes")]
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
