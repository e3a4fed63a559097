//! The end of an audit file: the records that are being written, and the record before them.
//!
//! A write that fails can leave a part of a record in the file. The journal knows how much, so that
//! the part is removed, or completed before anything else.

use std::io::{self, ErrorKind};
use std::time::SystemTime;

use super::file::AuditFile;
use super::record::{AuditEvent, ChainHead, RecordTime};

/// An audit file and its unwritten records.
pub(super) struct Journal {
    pub(super) file: AuditFile,
    /// The last record, written or unwritten.
    last: ChainHead,
    /// The unwritten records as text.
    text: Vec<u8>,
    /// The bytes of `text` that the file has already.
    written: usize,
    /// The record before `text`.
    before: ChainHead,
    time: RecordTime,
}

impl Journal {
    /// A journal that continues the chain behind the record `last`.
    pub(super) fn new(file: AuditFile, last: ChainHead) -> Self {
        Self {
            file,
            before: last.clone(),
            last,
            text: Vec::new(),
            written: 0,
            time: RecordTime::default(),
        }
    }

    /// The number of the last record.
    pub(super) const fn last_record(&self) -> u64 {
        self.last.sequence
    }

    pub(super) const fn unwritten_bytes(&self) -> usize {
        self.text.len()
    }

    pub(super) const fn is_written(&self) -> bool {
        self.text.is_empty()
    }

    /// Appends a record, unwritten.
    pub(super) fn record(&mut self, event: &AuditEvent<'_>) {
        self.record_at(event, SystemTime::now());
    }

    /// Appends a record of something that happened `now`, unwritten.
    pub(super) fn record_at(&mut self, event: &AuditEvent<'_>, now: SystemTime) {
        if self.text.is_empty() {
            self.before.clone_from(&self.last);
        }
        let time = self.time.text(now);
        self.last.append(event, time, &mut self.text);
    }

    /// Writes the records, or as much of them as the system takes.
    pub(super) fn write(&mut self) -> io::Result<()> {
        while let Some(rest) = self.text.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.file.append(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written = self.written.saturating_add(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.written > 0 {
            self.file.write_head(&self.last);
            self.text.clear();
            self.written = 0;
        }
        Ok(())
    }

    /// Removes the records that could not be written completely. Returns false if a part of them stays
    /// (see [`AuditFile::truncate_end`]): then the rest must be written before anything else.
    pub(super) fn remove_unwritten(&mut self) -> bool {
        let removed = self.file.truncate_end(self.written);
        if removed {
            self.forget_unwritten();
        }
        removed
    }

    /// Continues behind the last record that was written completely.
    pub(super) fn forget_unwritten(&mut self) {
        self.last.clone_from(&self.before);
        self.text.clear();
        self.written = 0;
    }
}
