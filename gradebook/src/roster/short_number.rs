//! Short texts as numbers, which are compared and hashed in one step.

/// The longest text that is a number, in bytes.
pub(super) const SHORT_BYTES_MAX: usize = 8;

/// A text of up to eight bytes as a number; `None` if it is longer. No two texts of the same length have
/// the same number.
pub(super) fn short_number(text: &[u8]) -> Option<u64> {
    Some(match (text, text.first_chunk::<4>(), text.last_chunk::<4>()) {
        // The two halves overlap in a text of fewer than eight bytes.
        (_, Some(first), Some(last)) if text.len() <= SHORT_BYTES_MAX => {
            u64::from(u32::from_le_bytes(*last)) << 32 | u64::from(u32::from_le_bytes(*first))
        }
        (&[], ..) => 0,
        (&[one], ..) => u64::from(one),
        (&[one, two], ..) => u64::from_le_bytes([one, two, 0, 0, 0, 0, 0, 0]),
        (&[one, two, three], ..) => u64::from_le_bytes([one, two, three, 0, 0, 0, 0, 0]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_length_have_different_numbers() {
        for length in 0..=SHORT_BYTES_MAX {
            let text: Vec<u8> = (1..).take(length).collect();
            let number = short_number(&text).unwrap();
            for at in 0..length {
                let mut other = text.clone();
                other[at] ^= 0x80;
                assert_ne!(
                    short_number(&other),
                    Some(number),
                    "{length} bytes, the {at}-th changed"
                );
            }
        }
        assert_eq!(short_number(&[7; 9]), None);
    }
}
