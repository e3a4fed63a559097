//! AES-128 in CBC mode of sixteen texts, four in each vector, one in each 128 bits (FIPS 197, SP 800-38A).

use std::arch::x86_64::{
    __m128i, __m512i, _mm512_aesdec_epi128, _mm512_aesdeclast_epi128, _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_bslli_epi128, _mm512_castsi128_si512,
    _mm512_castsi512_si128, _mm512_extracti32x4_epi32, _mm512_inserti32x4, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_xor_si512,
};

use arrayvec::ArrayVec;
use bytemuck::{cast, cast_ref};
use zeroize::Zeroizing;

use super::{CoveredBytes, VECTOR_BYTES, WIDTH};
use crate::frame::{BLOCK_BYTES, HEADER_BYTES};
use crate::key::Key;
use crate::plain_frame::HeadedFrame;

/// The texts in one vector.
const PARTS: usize = VECTOR_BYTES / BLOCK_BYTES;
const VECTORS: usize = WIDTH / PARTS;
const ROUNDS: usize = 10;

type Block = [u8; BLOCK_BYTES];

/// The bytes of one text that are decrypted at a time: four vectors keep the processor busy while each waits for its
/// round.
const GROUP_BYTES: usize = 4 * VECTOR_BYTES;

/// Encrypts the text of each frame.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn encrypt(frames: &mut [HeadedFrame<'_>]) {
    let keys: ArrayVec<&Key, WIDTH> =
        frames.iter().take(WIDTH).map(|frame| frame.key.key).collect();
    let mut schedule = Schedule::empty();
    schedule.expand(&keys);
    // The block before the first one is the IV, which ends the header.
    let mut ivs = [Block::default(); WIDTH];
    let mut texts = ArrayVec::<&mut [Block], WIDTH>::new();
    for (iv, frame) in ivs.iter_mut().zip(frames) {
        let (header, text) = frame.covered.split_at_mut(HEADER_BYTES);
        let (_, iv_bytes) = header.split_at(HEADER_BYTES - BLOCK_BYTES);
        iv.copy_from_slice(iv_bytes);
        let (blocks, _) = text.as_chunks_mut();
        texts.push(blocks);
    }
    let mut before = [_mm512_setzero_si512(); VECTORS];
    let (ivs, _) = ivs.as_chunks::<PARTS>();
    for (before, ivs) in before.iter_mut().zip(ivs) {
        *before = cast(*ivs);
    }
    let most = texts.iter().map(|text| text.len()).max().unwrap_or_default();
    for n in 0..most {
        for (before, texts) in before.iter_mut().zip(texts.chunks(PARTS)) {
            *before = _mm512_xor_si512(*before, gather(texts, n));
        }
        schedule.encrypt(&mut before);
        for (encrypted, texts) in before.iter().zip(texts.chunks_mut(PARTS)) {
            scatter(texts, n, *encrypted);
        }
    }
}

/// Decrypts the text of each frame, behind its header: each frame's covered bytes, with the key.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
pub(super) fn decrypt(frames: &mut [CoveredBytes<'_>]) {
    let keys: ArrayVec<&Key, WIDTH> = frames.iter().take(WIDTH).map(|(key, _)| key.key).collect();
    let mut encryption = Schedule::empty();
    encryption.expand(&keys);
    let mut schedule = InverseSchedule(Schedule::empty());
    schedule.invert(&encryption);
    for (n, (_, covered)) in frames.iter_mut().enumerate().take(WIDTH) {
        // The block before the first one is the IV, which ends the header.
        let mut rest = covered.get_mut(HEADER_BYTES - BLOCK_BYTES..).unwrap_or_default();
        // From the end, so that the block before those that are decrypted is still encrypted.
        while let Some(group) = rest.last_chunk_mut() {
            schedule.decrypt(n, group);
            let kept = rest.len() - GROUP_BYTES;
            (rest, _) = rest.split_at_mut(kept);
        }
        if rest.len() > BLOCK_BYTES {
            let mut group = [0; BLOCK_BYTES + GROUP_BYTES];
            let (used, _) = group.split_at_mut(rest.len());
            used.copy_from_slice(rest);
            schedule.decrypt(n, &mut group);
            let (used, _) = group.split_at(rest.len());
            rest.copy_from_slice(used);
        }
    }
}

/// The `n`-th block of each of four texts; zeros where a text has none.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn gather(texts: &[&mut [Block]], n: usize) -> __m512i {
    let block = |part: usize| texts.get(part).and_then(|text| text.get(n)).copied();
    side_by_side(|part| cast(block(part).unwrap_or_default()))
}

/// Four blocks in one vector. They are put together in a register: from memory, the processor would wait until the
/// parts are written.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn side_by_side(part: impl Fn(usize) -> __m128i) -> __m512i {
    let one = _mm512_castsi128_si512(part(0));
    let two = _mm512_inserti32x4::<1>(one, part(1));
    let three = _mm512_inserti32x4::<2>(two, part(2));
    _mm512_inserti32x4::<3>(three, part(3))
}

/// Puts the blocks back where texts have one.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn scatter(texts: &mut [&mut [Block]], n: usize, blocks: __m512i) {
    let parts = [
        _mm512_castsi512_si128(blocks),
        _mm512_extracti32x4_epi32::<1>(blocks),
        _mm512_extracti32x4_epi32::<2>(blocks),
        _mm512_extracti32x4_epi32::<3>(blocks),
    ];
    for (text, part) in texts.iter_mut().zip(parts) {
        if let Some(block) = text.get_mut(n) {
            *block = cast(part);
        }
    }
}

/// The round keys of sixteen texts.
struct Schedule(Zeroizing<[[__m512i; VECTORS]; ROUNDS + 1]>);

impl Schedule {
    /// The constant of each round in the first byte of a word, FIPS 197 section 5.2.
    const ROUND_CONSTANTS: [i32; ROUNDS] =
        [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36];

    /// Memory for round keys. They are made where they stay: what is moved leaves a copy behind.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
    fn empty() -> Self {
        Self(Zeroizing::new([[_mm512_setzero_si512(); VECTORS]; ROUNDS + 1]))
    }

    /// Expands the encryption keys. SubWord is the last round of AES, whose ShiftRows changes nothing where all
    /// columns are equal.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
    fn expand(&mut self, texts: &[&Key]) {
        let Self(keys) = self;
        let (first, later) = keys.split_at_mut(1);
        let mut states = [_mm512_setzero_si512(); VECTORS];
        let vectors = states.iter_mut().zip(first.iter_mut().flatten());
        for ((state, vector), group) in vectors.zip(texts.chunks(PARTS)) {
            *state = side_by_side(|part| {
                // The first half of a key signs, the second one encrypts.
                let words = group.get(part).map(|key| *key.expose_words());
                let [_, _, low, high] = words.unwrap_or_default();
                cast([low, high])
            });
            *vector = *state;
        }
        for (round, constant) in later.iter_mut().zip(Self::ROUND_CONSTANTS) {
            for (state, vector) in states.iter_mut().zip(round) {
                *state = next_round_key(*state, constant);
                *vector = *state;
            }
        }
    }

    /// Encrypts a block of each text. The four vectors keep the processor busy while each waits for its round. The
    /// rounds are written out: in a loop, the blocks would be stored and loaded behind each of them.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
    fn encrypt(&self, blocks: &mut [__m512i; VECTORS]) {
        let Self(keys) = self;
        let [first, key_1, key_2, key_3, key_4, key_5, key_6, key_7, key_8, key_9, last] = &**keys;
        let state = add_key(*blocks, first);
        let state = encrypt_round(state, key_1);
        let state = encrypt_round(state, key_2);
        let state = encrypt_round(state, key_3);
        let state = encrypt_round(state, key_4);
        let state = encrypt_round(state, key_5);
        let state = encrypt_round(state, key_6);
        let state = encrypt_round(state, key_7);
        let state = encrypt_round(state, key_8);
        let state = encrypt_round(state, key_9);
        for (block, (state, key)) in blocks.iter_mut().zip(state.iter().zip(last)) {
            *block = _mm512_aesenclast_epi128(*state, *key);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn add_key(
    [a, b, c, d]: [__m512i; VECTORS],
    [k, l, m, n]: &[__m512i; VECTORS],
) -> [__m512i; VECTORS] {
    [
        _mm512_xor_si512(a, *k),
        _mm512_xor_si512(b, *l),
        _mm512_xor_si512(c, *m),
        _mm512_xor_si512(d, *n),
    ]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn encrypt_round(
    [a, b, c, d]: [__m512i; VECTORS],
    [k, l, m, n]: &[__m512i; VECTORS],
) -> [__m512i; VECTORS] {
    [
        _mm512_aesenc_epi128(a, *k),
        _mm512_aesenc_epi128(b, *l),
        _mm512_aesenc_epi128(c, *m),
        _mm512_aesenc_epi128(d, *n),
    ]
}

/// The round keys of sixteen texts for decryption, in the order of their use: those of the equivalent inverse cipher,
/// FIPS 197 section 5.3.5.
struct InverseSchedule(Schedule);

impl InverseSchedule {
    /// The inverse of each round key, FIPS 197 figure 15. InvMixColumns is a round of decryption behind the last one of
    /// encryption, which undoes the other steps.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
    fn invert(&mut self, Schedule(encryption): &Schedule) {
        let Self(Schedule(keys)) = self;
        let zero = _mm512_setzero_si512();
        let rounds = keys.iter_mut().zip(encryption.iter().rev());
        for (n, (inverse, round)) in rounds.enumerate() {
            for (inverse, key) in inverse.iter_mut().zip(round) {
                *inverse = match n {
                    0 | ROUNDS => *key,
                    _ => _mm512_aesdec_epi128(_mm512_aesenclast_epi128(*key, zero), zero),
                };
            }
        }
    }

    /// Decrypts blocks of the `n`-th text. The first one is the encrypted block before them, and stays.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
    fn decrypt(&self, n: usize, group: &mut [u8; BLOCK_BYTES + GROUP_BYTES]) {
        let Self(Schedule(keys)) = self;
        let before = group.first_chunk::<GROUP_BYTES>().copied();
        let Some(text) = group.last_chunk_mut::<GROUP_BYTES>() else { return };
        let mut blocks: [__m512i; GROUP_BYTES / VECTOR_BYTES] = cast(*text);
        for (round, keys) in keys.iter().enumerate() {
            let keys: &[Block; WIDTH] = cast_ref(keys);
            let key = keys.get(n).copied().unwrap_or_default();
            let key = _mm512_broadcast_i32x4(cast(key));
            for block in &mut blocks {
                *block = match round {
                    0 => _mm512_xor_si512(*block, key),
                    ROUNDS => _mm512_aesdeclast_epi128(*block, key),
                    _ => _mm512_aesdec_epi128(*block, key),
                };
            }
        }
        let before: [__m512i; GROUP_BYTES / VECTOR_BYTES] =
            cast(before.unwrap_or([0; GROUP_BYTES]));
        for (block, before) in blocks.iter_mut().zip(before) {
            *block = _mm512_xor_si512(*block, before);
        }
        *text = cast(blocks);
    }
}

/// The round key behind this one, FIPS 197 section 5.2: each word is the XOR of all words up to it and of the
/// substituted last word.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
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
