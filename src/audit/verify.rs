//! Checking an audit: whether every record is there, as it was written and in its place.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::file::{head_of, head_path, may_be_unfinished};
use super::record::{ChainHead, NoRecord, Record};
use crate::progress::Progress;

/// The longest line that is read as a record, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// AuditEvent a sound audit holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The number of the first record; above 1, those before stand in an earlier file.
    pub first: u64,
    /// The number of the last record.
    pub last: u64,
    /// When the first was written.
    pub from: String,
    /// When the last was written.
    pub to: String,
    /// Whether the beginning of a record that was never finished stands behind the last.
    pub unfinished: bool,
}

/// AuditEvent is wrong with an audit, with the file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct VerifyError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("holds no record")]
    Empty,
    #[error("line {line} {why}")]
    Line { line: u64, why: NoRecord },
    #[error("line {line} has no end: it was cut, or is being written")]
    Truncated { line: u64 },
    #[error("line {line} is longer than any record")]
    TooLong { line: u64 },
    #[error("line {line} is record {found} where {expected} should be: {what}")]
    OutOfPlace { line: u64, found: u64, expected: u64, what: &'static str },
    #[error("line {line} does not follow the record before it: that one was exchanged")]
    Unchained { line: u64 },
    #[error("ends with record {last}, but {told} were written: records were cut off")]
    CutOff { last: u64, told: u64 },
    #[error("has not the record {record} that was written: it was exchanged")]
    Exchanged { record: u64 },
    #[error(
        "ends with record {last}, which is no end, and there is no {} to tell whether more were \
         written", head.display()
    )]
    OpenEnd { last: u64, head: PathBuf },
}

/// Checks the files of one audit, the oldest first.
///
/// # Errors
/// The first [`VerifyError`] there is.
pub fn verify(paths: &[PathBuf]) -> Result<Verified, VerifyError> {
    let mut verified: Option<Verified> = None;
    let mut before = None;
    for path in paths {
        let error = |problem| VerifyError { path: path.clone(), problem };
        // The head is read first: an audit that is being written is never behind it.
        let head = head_of(path).map_err(|why| error(why.into()))?;
        let read = read_file(path, before.as_ref(), head.as_ref()).map_err(error)?;
        match (Some(path) == paths.last(), read.truncated) {
            (true, _) => read.check_end(path, head.as_ref()).map_err(error)?,
            (false, Some(line)) => return Err(error(Problem::Truncated { line })),
            (false, None) => {}
        }
        let FileRead { first, last, truncated, .. } = read;
        let unfinished = truncated.is_some();
        verified = Some(match verified {
            None => Verified {
                first: first.sequence,
                last: last.sequence,
                from: first.time,
                to: last.time.clone(),
                unfinished,
            },
            Some(before) => {
                Verified { last: last.sequence, to: last.time.clone(), unfinished, ..before }
            }
        });
        before = Some(last.chain_head());
    }
    verified.ok_or_else(|| VerifyError { path: PathBuf::new(), problem: Problem::Empty })
}

/// AuditEvent was found in one file.
struct FileRead {
    first: Record,
    last: Record,
    /// The hash of the record that the head speaks of, if it is here.
    headed: Option<String>,
    /// The line that has no end, if there is one.
    truncated: Option<u64>,
}

/// Reads one file, whose first record follows the one `before`.
fn read_file(
    path: &Path,
    before: Option<&ChainHead>,
    head: Option<&ChainHead>,
) -> Result<FileRead, Problem> {
    let file = File::open(path)?;
    let progress = Progress::of(file.metadata()?.len());
    let mut lines = Lines { reader: BufReader::new(file), number: 0, bytes: 0, line: Vec::new() };
    let mut follows = before.cloned();
    let (mut first, mut last, mut headed, mut truncated) = (None, None, None, None);
    while let Some((number, line)) = lines.next()? {
        let Some(line) = line else {
            truncated = Some(number);
            if lines.is_unfinished_record() {
                break;
            }
            return Err(Problem::Truncated { line: number });
        };
        let record = Record::parse(line).map_err(|why| Problem::Line { line: number, why })?;
        let goes_on = record.event == "continues" || record.new_file;
        match follows {
            Some(follows) => check_place(&record, &follows, number)?,
            // A file that goes on with another one's records says so.
            None if goes_on && record.sequence > 1 => {}
            None => check_place(&record, &ChainHead::genesis(), number)?,
        }
        follows = Some(record.chain_head());
        if head.is_some_and(|head| head.sequence == record.sequence) {
            headed = Some(record.hash.clone());
        }
        first.get_or_insert_with(|| record.clone());
        last = Some(record);
        progress.advance(lines.bytes);
    }
    match (first, last) {
        (Some(first), Some(last)) => Ok(FileRead { first, last, headed, truncated }),
        _ => Err(Problem::Empty),
    }
}

fn check_place(record: &Record, before: &ChainHead, line: u64) -> Result<(), Problem> {
    let (found, expected) = (record.sequence, before.sequence.saturating_add(1));
    if found != expected {
        let what = match found > expected {
            true => "records were taken out",
            false => "records were moved or repeated",
        };
        return Err(Problem::OutOfPlace { line, found, expected, what });
    }
    if record.previous != before.hash {
        return Err(Problem::Unchained { line });
    }
    Ok(())
}

impl FileRead {
    /// Whether nothing was cut off: as the head tells, or by a record that is an end.
    fn check_end(&self, path: &Path, head: Option<&ChainHead>) -> Result<(), Problem> {
        let last = self.last.sequence;
        match head {
            // An unfinished record behind the head's was never acted upon.
            Some(head) if head.sequence <= last => match &self.headed {
                Some(hash) if *hash != head.hash => {
                    Err(Problem::Exchanged { record: head.sequence })
                }
                _ => Ok(()),
            },
            Some(head) => Err(Problem::CutOff { last, told: head.sequence }),
            None => match (self.truncated, self.last.event.as_str()) {
                (Some(line), _) => Err(Problem::Truncated { line }),
                (None, "stop" | "continued") => Ok(()),
                _ => Err(Problem::OpenEnd { last, head: head_path(path) }),
            },
        }
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
    /// Whether the line that has no end may be a record that was not finished.
    fn is_unfinished_record(&self) -> bool {
        may_be_unfinished(&self.line)
    }

    /// The next line with its number, without its end; nothing in place of one that has no end.
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
