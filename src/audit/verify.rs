//! Verifying an audit log: every record is there, unchanged and in its place.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::may_be_unfinished;
use super::head::{head_of, head_path};
use super::record::{ChainHead, Record, RecordError};
use crate::files::progress::Progress;
use crate::redact::show_path;

/// The longest line that is read as a record, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// How often the head is read, and how long apart, until it counts the last record.
const HEAD_TRIES: u32 = 10;
const HEAD_PAUSE: Duration = Duration::from_millis(100);

/// What a sound audit log contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The number of the first record. Above 1, the records before stand in an earlier file.
    pub first: u64,
    /// The number of the last record.
    pub last: u64,
    /// When the first record was written.
    pub from: String,
    /// When the last record was written.
    pub to: String,
    /// Whether the beginning of an unfinished record stands behind the last record.
    pub unfinished: bool,
}

/// What is wrong with an audit log, with the file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", show_path(path))]
pub struct VerifyError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("contains no record")]
    Empty,
    #[error("line {line} {error}")]
    Line { line: u64, error: RecordError },
    #[error("line {line} has no end: it was cut, or is being written")]
    Truncated { line: u64 },
    #[error("line {line} is longer than any record")]
    TooLong { line: u64 },
    #[error("line {line} is record {found} where {expected} should be: {what}")]
    OutOfPlace { line: u64, found: u64, expected: u64, what: &'static str },
    #[error("line {line} does not follow the record before it: that one was exchanged")]
    Unchained { line: u64 },
    #[error("ends with record {last}, but {written} were written: records were cut off")]
    CutOff { last: u64, written: u64 },
    #[error("does not contain record {record} as it was written: it was exchanged")]
    Exchanged { record: u64 },
    #[error(
        "its end is not proved: {} is {state}, so records may have been cut off or added; restore it from \
         a copy",
        show_path(head)
    )]
    NoHead { head: PathBuf, state: &'static str },
    #[error(
        "ends with record {last}, which says that the log continues in another file; verify the files \
         together, the oldest first"
    )]
    Continued { last: u64 },
    #[error(
        "ends with record {last}, but its .head counts {counted}: records were added, or the server was \
         killed while it wrote them"
    )]
    Added { last: u64, counted: u64 },
}

/// Verifies the files of one audit log, the oldest first.
///
/// # Errors
/// Returns the first problem that it finds.
pub fn verify(paths: &[PathBuf]) -> Result<Verified, VerifyError> {
    let mut verified: Option<Verified> = None;
    let mut before = None;
    for path in paths {
        let error = |problem| VerifyError { path: path.clone(), problem };
        let is_last = Some(path) == paths.last();
        // The head is read first: a log that is being written is never behind it. That of another file
        // than the last one is the head of the log, which may have gone on.
        let head =
            if is_last { head_of(path).map_err(|problem| error(problem.into()))? } else { None };
        let contents = read_file(path, before.as_ref(), head.as_ref()).map_err(error)?;
        if is_last {
            contents.check_end(path, head.as_ref()).map_err(error)?;
        } else if let Some(line) = contents.truncated {
            return Err(error(Problem::Truncated { line }));
        }
        let FileContents { first, last, truncated, .. } = contents;
        before = Some(last.chain_head());
        let (first, from) = match verified {
            None => (first.sequence, first.time),
            Some(verified) => (verified.first, verified.from),
        };
        let unfinished = truncated.is_some();
        verified = Some(Verified { first, last: last.sequence, from, to: last.time, unfinished });
    }
    verified.ok_or_else(|| VerifyError { path: PathBuf::new(), problem: Problem::Empty })
}

/// What one file contains.
struct FileContents {
    first: Record,
    last: Record,
    /// The hash of the record that the head names, if it is in the file.
    headed: Option<String>,
    /// The line that has no end, if there is one.
    truncated: Option<u64>,
}

/// Reads one file, whose first record follows `before`.
fn read_file(
    path: &Path,
    before: Option<&ChainHead>,
    head: Option<&ChainHead>,
) -> Result<FileContents, Problem> {
    let file = File::open(path)?;
    let progress = Progress::new(file.metadata()?.len());
    let mut lines = Lines { reader: BufReader::new(file), number: 0, bytes: 0, line: Vec::new() };
    let mut previous = before.cloned();
    let mut first: Option<Record> = None;
    let mut last: Option<Record> = None;
    let mut headed = None;
    let mut truncated = None;
    while let Some((number, line)) = lines.next()? {
        let Some(line) = line else {
            if !lines.is_unfinished_record() {
                return Err(Problem::Truncated { line: number });
            }
            truncated = Some(number);
            break;
        };
        let record = Record::parse(line).map_err(|error| Problem::Line { line: number, error })?;
        match &previous {
            Some(previous) => check_place(&record, previous, number)?,
            // A file that continues another one says so in its first record.
            None if continues_another(&record) => {}
            None => check_place(&record, &ChainHead::genesis(), number)?,
        }
        previous = Some(record.chain_head());
        if head.is_some_and(|head| head.sequence == record.sequence) {
            headed = Some(record.hash.clone());
        }
        first.get_or_insert_with(|| record.clone());
        last = Some(record);
        progress.advance(lines.bytes);
    }
    match (first, last) {
        (Some(first), Some(last)) => Ok(FileContents { first, last, headed, truncated }),
        _ => Err(Problem::Empty),
    }
}

fn continues_another(record: &Record) -> bool {
    record.sequence > 1 && (record.event == "continues" || record.new_file)
}

fn check_place(record: &Record, previous: &ChainHead, line: u64) -> Result<(), Problem> {
    let found = record.sequence;
    let expected = previous.sequence.saturating_add(1);
    if found > expected {
        return Err(Problem::OutOfPlace { line, found, expected, what: "records were removed" });
    }
    if found < expected {
        let what = "records were moved or repeated";
        return Err(Problem::OutOfPlace { line, found, expected, what });
    }
    if record.previous != previous.hash {
        return Err(Problem::Unchained { line });
    }
    Ok(())
}

impl FileContents {
    /// Checks by the head that nothing was cut off, exchanged or added.
    fn check_end(&self, path: &Path, head: Option<&ChainHead>) -> Result<(), Problem> {
        let last = self.last.sequence;
        let Some(head) = head else {
            if self.last.event == "continued" {
                return Err(Problem::Continued { last });
            }
            let head = head_path(path);
            let state = if head.exists() { "empty" } else { "missing" };
            return Err(Problem::NoHead { head, state });
        };
        if head.sequence > last {
            return Err(Problem::CutOff { last, written: head.sequence });
        }
        // An unfinished record behind the head's record was never acted upon.
        if self.headed.as_ref().is_some_and(|hash| *hash != head.hash) {
            return Err(Problem::Exchanged { record: head.sequence });
        }
        let counted = wait_for_head(path, last)?;
        if counted < last {
            return Err(Problem::Added { last, counted });
        }
        Ok(())
    }
}

/// The number of records that the head counts. A server writes a record first and counts it then, so
/// for a moment the head may be behind the `last` record.
fn wait_for_head(path: &Path, last: u64) -> io::Result<u64> {
    let mut tries = 0;
    loop {
        let counted = head_of(path)?.map_or(0, |head| head.sequence);
        if counted >= last || tries == HEAD_TRIES {
            return Ok(counted);
        }
        std::thread::sleep(HEAD_PAUSE);
        tries += 1;
    }
}

/// The lines of a file, each no longer than a record may be.
struct Lines {
    reader: BufReader<File>,
    number: u64,
    bytes: u64,
    line: Vec<u8>,
}

/// A line's number, and the line if it has an end.
type Line<'a> = (u64, Option<&'a [u8]>);

impl Lines {
    /// Returns true if the line without an end may be an unfinished record.
    fn is_unfinished_record(&self) -> bool {
        may_be_unfinished(&self.line)
    }

    /// The next line with its number, without its end; `None` in place of a line that has no end.
    fn next(&mut self) -> Result<Option<Line<'_>>, Problem> {
        self.line.clear();
        self.number = self.number.saturating_add(1);
        let mut limited = self.reader.by_ref().take(LINE_BYTES_MAX);
        let bytes = limited.read_until(b'\n', &mut self.line)?;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
        match self.line.strip_suffix(b"\n") {
            _ if bytes == 0 => Ok(None),
            None if bytes >= LINE_BYTES_MAX => Err(Problem::TooLong { line: self.number }),
            line => Ok(Some((self.number, line))),
        }
    }
}
