//! Checks the raw bytes of a file on their way to the CSV reader.
//!
//! The CSV reader accepts what must be rejected here: NUL bytes, a quote that is never closed. The guard
//! remembers what is wrong with the bytes. It also turns every line end into a line feed, since the
//! reader counts lines by those.

use std::io::{self, Read};

use crate::error::ClassFileError;
use crate::problem::Problem;

/// A reader that passes the bytes of another reader on and checks them.
pub(super) struct CsvGuard<R> {
    inner: R,
    separator: u8,
    /// The line ends outside quotes, those before the bytes included.
    row_ends: u64,
    position: Position,
    /// The last byte that was passed on.
    last: Option<u8>,
    /// Whether the last byte that was read is a carriage return, which may be half a line end.
    after_return: bool,
    ended: bool,
    error: Option<GuardError>,
}

#[derive(Clone, Copy)]
enum GuardError {
    Nul,
    StrayQuote,
}

/// Where in a row the next byte stands (RFC 4180).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: half of a doubled quote, or the cell's end.
    AfterQuote,
    /// Behind a quoted cell and blanks.
    AfterCell,
}

impl<R> CsvGuard<R> {
    pub(super) fn new(inner: R, separator: u8, row_ends: u64) -> Self {
        Self {
            inner,
            separator,
            row_ends,
            position: Position::CellStart,
            last: None,
            after_return: false,
            ended: false,
            error: None,
        }
    }

    /// What is wrong with the bytes so far.
    pub(super) fn error(&self) -> Option<ClassFileError> {
        let row = self.row_ends.saturating_add(1);
        Some(match self.error? {
            GuardError::Nul => Problem::Nul.at_row(row),
            GuardError::StrayQuote => Problem::StrayQuote.at_row(row),
        })
    }

    /// Returns true if the file ended inside quotes.
    pub(super) fn ended_in_quotes(&self) -> bool {
        self.ended && self.position == Position::Quoted
    }

    /// Returns true if the file ended inside a row: without a line end, or inside quotes.
    pub(super) fn ended_in_a_row(&self) -> bool {
        self.ended && (self.last != Some(b'\n') || self.ended_in_quotes())
    }

    /// Turns CR LF and CR into line feeds, in place. Returns the number of bytes that are left.
    fn unify_line_ends(&mut self, bytes: &mut [u8]) -> usize {
        if !self.after_return && memchr::memchr(b'\r', bytes).is_none() {
            return bytes.len();
        }
        let mut kept = 0;
        for at in 0..bytes.len() {
            let Some(byte) = bytes.get(at).copied() else { break };
            let second_half = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if !second_half && let Some(kept_byte) = bytes.get_mut(kept) {
                *kept_byte = if byte == b'\r' { b'\n' } else { byte };
                kept += 1;
            }
        }
        kept
    }

    fn check(&mut self, bytes: &[u8]) -> Result<(), GuardError> {
        let nul = memchr::memchr(0, bytes);
        let clean = nul.and_then(|at| bytes.get(..at)).unwrap_or(bytes);
        self.follow_rows(clean)?;
        self.last = bytes.last().copied().or(self.last);
        match nul {
            Some(_) => Err(GuardError::Nul),
            None => Ok(()),
        }
    }

    /// Counts rows and follows quotes. A quote inside a cell is rejected, since it usually is half of a
    /// pair that turns the rows between into one cell.
    fn follow_rows(&mut self, bytes: &[u8]) -> Result<(), GuardError> {
        let plain = matches!(self.position, Position::CellStart | Position::Plain);
        if plain && memchr::memchr(b'"', bytes).is_none() {
            let rows = u64::try_from(memchr::memchr_iter(b'\n', bytes).count());
            self.row_ends = self.row_ends.saturating_add(rows.unwrap_or(u64::MAX));
            self.position = match bytes.last() {
                None => self.position,
                Some(byte) if *byte == self.separator || *byte == b'\n' => Position::CellStart,
                Some(_) => Position::Plain,
            };
            return Ok(());
        }
        for byte in bytes {
            let separates = *byte == self.separator || *byte == b'\n';
            self.position = self.position.after(*byte, separates).ok_or(GuardError::StrayQuote)?;
            if self.position == Position::CellStart && *byte == b'\n' {
                self.row_ends = self.row_ends.saturating_add(1);
            }
        }
        Ok(())
    }
}

impl Position {
    /// Where the byte behind this one stands; `None` if this one is a quote in a wrong place.
    fn after(self, byte: u8, separates: bool) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Quoted, b'"') => Self::AfterQuote,
            (Self::Quoted, _) | (Self::AfterQuote | Self::CellStart, b'"') => Self::Quoted,
            _ if separates => Self::CellStart,
            (Self::AfterQuote | Self::AfterCell, b' ' | b'\t') => Self::AfterCell,
            (Self::CellStart | Self::Plain, byte) if byte != b'"' => Self::Plain,
            _ => return None,
        })
    }
}

impl<R: Read> Read for CsvGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.inner.read(buffer)?;
            self.ended = read == 0 && !buffer.is_empty();
            let passing = self.unify_line_ends(buffer.get_mut(..read).unwrap_or_default());
            self.check(buffer.get(..passing).unwrap_or_default()).map_err(|error| {
                self.error = Some(error);
                io::Error::from(io::ErrorKind::InvalidData)
            })?;
            // A lone line feed behind a carriage return is dropped, and is not the file's end.
            if passing > 0 || read == 0 {
                return Ok(passing);
            }
        }
    }
}
