//! A look at the raw bytes of a class file on their way to the CSV reader.
//!
//! The CSV reader forgives what must be refused here: NUL bytes, a quote that is never closed, a
//! file without an end. The screen counts what passes and remembers what is wrong with it.

use std::io::{self, Read};

use crate::class_file::ClassFileError;

pub(crate) struct Screen<R> {
    inner: R,
    bytes_max: u64,
    bytes: u64,
    line_ends: u64,
    quotes: usize,
    ended: bool,
    fault: Option<Fault>,
}

#[derive(Clone, Copy)]
enum Fault {
    TooManyBytes,
    Nul,
}

impl<R> Screen<R> {
    pub(crate) fn new(inner: R, bytes_max: u64) -> Self {
        Self { inner, bytes_max, bytes: 0, line_ends: 0, quotes: 0, ended: false, fault: None }
    }

    /// What is wrong with the bytes that have passed.
    pub(crate) fn fault(&self) -> Option<ClassFileError> {
        Some(match self.fault? {
            Fault::TooManyBytes => ClassFileError::TooManyBytes(self.bytes_max),
            Fault::Nul => ClassFileError::Nul { row: self.line_ends.saturating_add(1) },
        })
    }

    /// Whether the file ended inside quotes, by RFC 4180, where every quote has its second half.
    pub(crate) fn ended_in_quotes(&self) -> bool {
        self.ended && self.quotes % 2 == 1
    }

    fn look_at(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let nul = memchr::memchr(0, bytes);
        let clean = nul.and_then(|at| bytes.get(..at)).unwrap_or(bytes);
        let line_ends = u64::try_from(memchr::memchr_iter(b'\n', clean).count());
        self.line_ends = self.line_ends.saturating_add(line_ends.unwrap_or(u64::MAX));
        self.quotes = self.quotes.wrapping_add(memchr::memchr_iter(b'"', clean).count());
        let passed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(passed);
        match nul {
            Some(_) => Err(Fault::Nul),
            None if self.bytes > self.bytes_max => Err(Fault::TooManyBytes),
            None => Ok(()),
        }
    }
}

impl<R: Read> Read for Screen<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.ended = read == 0 && !buffer.is_empty();
        self.look_at(buffer.get(..read).unwrap_or_default()).map_err(|fault| {
            self.fault = Some(fault);
            io::Error::from(io::ErrorKind::InvalidData)
        })?;
        Ok(read)
    }
}
