//! Reads a file whole, and hashes its bytes while they are in the processor's cache.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::mpsc;
use std::thread;

use class_files::{ClassFileError, ReadLimits, Threads};
use fernet_batch::SecretBytes;
use twox_hash::XxHash3_128;

use super::progress::Progress;

/// Hashes and counts the bytes of a file as they are read.
pub(crate) struct HashingReader<'a> {
    file: &'a File,
    hasher: XxHash3_128,
    bytes: u64,
    progress: Progress,
    /// The length that the file had when it was opened.
    expected: u64,
}

impl<'a> HashingReader<'a> {
    /// Reads a file that has so many bytes.
    pub(super) fn new(file: &'a File, expected: u64) -> Self {
        let progress = Progress::new(expected);
        Self { file, hasher: XxHash3_128::new(), bytes: 0, progress, expected }
    }

    /// The XXH3 of the bytes that were read.
    pub(super) fn finish(self) -> u128 {
        self.hasher.finish_128()
    }

    /// Reads the whole file.
    pub(crate) fn read_whole(
        &mut self,
        limits: &ReadLimits,
        threads: Threads,
    ) -> Result<SecretBytes, ClassFileError> {
        let expected = self.expected;
        let bytes = usize::try_from(expected).ok().filter(|_| expected <= limits.bytes_max);
        let bytes = bytes.filter(|bytes| threads.parts_of(*bytes) > 1);
        match bytes.and_then(|bytes| self.read_in_two(bytes)) {
            Some(content) => Ok(content?),
            None => limits.read(&mut *self, expected),
        }
    }

    /// Reads a file of so many bytes, the second part on another thread. Returns `None`, as if nothing had been read, if
    /// no thread can be started or the file is longer.
    fn read_in_two(&mut self, bytes: usize) -> Option<io::Result<SecretBytes>> {
        let mut content = SecretBytes::zeros(bytes);
        // This thread reads less, since it hashes all.
        let (first, second) = content.split_at_mut(bytes / 5 * 2);
        let start = u64::try_from(first.len()).ok()?;
        let file = self.file;
        let (sender, chunks) = mpsc::channel();
        let read = thread::scope(|scope| {
            let thread = thread::Builder::new().name("file-part".to_owned());
            let second = thread.spawn_scoped(scope, move || {
                read_chunks(file, start, second, |chunk| _ = sender.send(chunk))
            });
            let second = second.ok()?;
            let first = read_chunks(file, 0, first, |chunk| self.count(chunk));
            for chunk in chunks {
                self.count(chunk);
            }
            let second = second.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            Some(first.and(second))
        })?;
        if read.is_ok() && file.read_at(&mut [0], self.bytes).is_ok_and(|more| more > 0) {
            self.hasher = XxHash3_128::new();
            self.bytes = 0;
            return None;
        }
        Some(read.map(|()| content))
    }

    /// Hashes and counts the bytes that come next.
    fn count(&mut self, read: &[u8]) {
        self.hasher.write(read);
        self.bytes = self.bytes.saturating_add(u64::try_from(read.len()).unwrap_or(u64::MAX));
        self.progress.advance(self.bytes);
    }
}

/// Fills a buffer with the bytes of a file from a place on, chunk by chunk.
fn read_chunks<'b>(
    file: &File,
    mut at: u64,
    buffer: &'b mut [u8],
    mut take: impl FnMut(&'b [u8]),
) -> io::Result<()> {
    /// The bytes that are read at once, and hashed while they are in the processor's cache.
    const READ_BYTES: usize = 512 * 1024;
    for chunk in buffer.chunks_mut(READ_BYTES) {
        file.read_exact_at(chunk, at)?;
        at = at.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        take(chunk);
    }
    Ok(())
}

impl Read for HashingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.count(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_read_what_one_reads_unless_the_file_has_another_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..=250).cycle().take(1_500_001).collect();
        std::fs::write(&path, &content).unwrap();
        let file = File::open(&path).unwrap();
        let mut reader = HashingReader::new(&file, 0);
        let longer = reader.read_in_two(content.len() + 1);
        assert_eq!(longer.unwrap().map(drop).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mut reader = HashingReader::new(&file, 0);
        assert!(reader.read_in_two(content.len() - 1).is_none(), "the file is longer");
        let bytes = reader.read_in_two(content.len()).unwrap().unwrap();
        assert!(*bytes == *content);
        assert_eq!(reader.bytes, 1_500_001);
        let mut by_one = HashingReader::new(&file, 0);
        let limits = ReadLimits { bytes_max: u64::MAX, rows_max: 0 };
        assert!(*by_one.read_whole(&limits, Threads::ONE).unwrap() == *content);
        assert_eq!(reader.finish(), by_one.finish());
    }
}
