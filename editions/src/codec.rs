//! Numbers and texts as bytes: numbers in LEB128 (<https://en.wikipedia.org/wiki/LEB128>), seven bits a
//! byte and the lowest first; texts in UTF-8 behind their length.
//!
//! There is one way to write each value, so that equal contents have equal bytes.

/// Bytes that do not hold what is read from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Appends values.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn number(&mut self, mut number: u64) {
        loop {
            let low = number.to_le_bytes().first().copied().unwrap_or_default() & 0x7f;
            number >>= 7;
            if number == 0 {
                return self.bytes.push(low);
            }
            self.bytes.push(low | 0x80);
        }
    }

    /// The length of a list, or a place in one.
    pub(crate) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.block(text.as_bytes());
    }

    pub(crate) fn block(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads values from the front of bytes.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first().ok_or(Malformed)?;
            self.bytes = rest;
            let low = u64::from(byte & 0x7f);
            let placed = low << shift;
            let is_last = byte & 0x80 == 0;
            // A last byte of zero would be a second way to write the number.
            if placed >> shift != low || (is_last && low == 0 && shift > 0) {
                return Err(Malformed);
            }
            number |= placed;
            if is_last {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    /// The length of a list whose items take at least one byte each, so that a length cannot ask for more
    /// memory than there are bytes.
    pub(crate) fn count(&mut self) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if count > self.bytes.len() { Err(Malformed) } else { Ok(count) }
    }

    /// A place in a list of this length.
    pub(crate) fn place(&mut self, length: usize) -> Result<usize, Malformed> {
        let place = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if place < length { Ok(place) } else { Err(Malformed) }
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.block()?).map_err(|_| Malformed)
    }

    pub(crate) fn block(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.count()?;
        let (block, rest) = self.bytes.split_at_checked(length).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(block)
    }

    /// Checks that nothing is left.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        let mut writer = Writer::default();
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        for number in numbers {
            writer.number(number);
        }
        writer.text("\u{e9}t\u{e9}");
        writer.block(b"");
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        for number in numbers {
            assert_eq!(reader.number(), Ok(number));
        }
        assert_eq!(reader.text(), Ok("\u{e9}t\u{e9}"));
        assert_eq!(reader.block(), Ok(&[][..]));
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn a_number_has_one_form_and_64_bits() {
        for bytes in [&b""[..], b"\x80", b"\x80\x00", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"] {
            assert_eq!(Reader::new(bytes).number(), Err(Malformed), "{bytes:?}");
        }
        let most = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(Reader::new(most).number(), Ok(u64::MAX));
    }

    #[test]
    fn a_length_beyond_the_bytes_and_a_place_beyond_the_list_are_refused() {
        assert_eq!(Reader::new(b"\x05abcd").text(), Err(Malformed));
        assert_eq!(Reader::new(b"\xff\xff\xff\xff\x0f").count(), Err(Malformed));
        assert_eq!(Reader::new(b"\x02\xff\xfe").text(), Err(Malformed));
        assert_eq!(Reader::new(b"\x03").place(3), Err(Malformed));
        assert_eq!(Reader::new(b"\x02").place(3), Ok(2));
        assert_eq!(Reader::new(b"x").end(), Err(Malformed));
    }
}
