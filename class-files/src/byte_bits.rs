//! Where a byte stands in a block of a text: a bit for each byte of the block.

use wide::u8x16;

/// The bytes of a block, one for each bit of a word.
pub(crate) const BLOCK_BYTES: usize = 64;

/// A bit for each byte of a block that is `wanted`.
pub(crate) fn bits_of(block: &[u8; BLOCK_BYTES], wanted: u8) -> u64 {
    const VECTOR_BYTES: usize = 16;
    let (vectors, _) = block.as_chunks::<VECTOR_BYTES>();
    vectors.iter().rev().fold(0, |bits, vector| {
        let equal = u8x16::new(*vector).simd_eq(u8x16::splat(wanted));
        bits << VECTOR_BYTES | u64::from(equal.to_bitmask())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_a_bit_for_each_byte_that_is_wanted() {
        for wanted in [0, b',', 0x7f, 0x80, 0xff] {
            for other in [1, b'-', 0x7e, 0x81, 0xfe] {
                for n in 0..u64::BITS {
                    let bits = 1_u64 << n | 0x8421_0000_0000_1248;
                    let mut block = [other; BLOCK_BYTES];
                    for (bit, byte) in block.iter_mut().enumerate() {
                        if bits >> bit & 1 == 1 {
                            *byte = wanted;
                        }
                    }
                    assert_eq!(bits_of(&block, wanted), bits);
                }
            }
        }
    }
}
