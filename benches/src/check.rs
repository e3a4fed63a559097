//! Whether replies are right: opened with the student's key, they say what the class file says.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use gradebook::sealed;
use gradebook::wire::{self, Grammar, Parsed};
use gradebook::{
    BatchLimits, Book, EditionNumber, Key, KeyFile, PrivacyPolicy, ReadOptions, ReleaseHistory,
    Requests, Sealer, Timestamp, UnknownStudent, open, read_class_file,
};

use crate::protocol::Protocol;

/// A reply that came, and what had been asked.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) id: String,
    pub(crate) command: String,
    pub(crate) reply: Vec<u8>,
}

/// A class: its students and what they may be told.
pub(crate) struct Class {
    book: Book,
    keys: Keys,
    ids: Vec<String>,
}

/// The keys of a class, by student.
#[derive(Clone, Default)]
pub(crate) struct Keys(Arc<KeyFile>);

impl Keys {
    /// The key of one student.
    ///
    /// # Errors
    /// When there is none of this ID.
    pub(crate) fn of(&self, id: &str) -> anyhow::Result<&Key> {
        let keys = self.0.keys(id).with_context(|| format!("{id} is not in the class"))?;
        Ok(keys.current())
    }
}

/// It tells how many there are, and none of them.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

const READ_OPTIONS: ReadOptions =
    ReadOptions { bytes_max: u64::MAX, rows_max: usize::MAX, policy: PrivacyPolicy::NONE };

impl Class {
    /// Reads the class file that the server reads.
    ///
    /// # Errors
    /// When it cannot be read, or is refused.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let open = || File::open(path).with_context(|| format!("cannot open {}", path.display()));
        let book =
            read_class_file(open()?, &READ_OPTIONS, EditionNumber(1), &ReleaseHistory::default())?;
        let keys =
            KeyFile::from_class_file(open()?, READ_OPTIONS.bytes_max, READ_OPTIONS.rows_max)?;
        let ids = keys.ids().map(str::to_owned).collect();
        Ok(Self { book, keys: Keys(Arc::new(keys)), ids })
    }

    pub(crate) fn ids(&self) -> &[String] {
        &self.ids
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Compares replies with what this class file gives.
    ///
    /// # Errors
    /// At the first reply that is not what it should be.
    pub(crate) fn check(&self, protocol: Protocol, samples: &[Sample]) -> anyhow::Result<()> {
        let mut sealer = Sealer::new()?;
        for Sample { id, command, reply } in samples {
            let key = self.keys.of(id)?;
            let reply = std::str::from_utf8(reply)?.trim_end();
            let opened = |token: &str| {
                open(key, token)
                    .map(|opened| opened.text)
                    .with_context(|| format!("the reply to {id} {command}"))
            };
            let expected = opened(&self.expected(&mut sealer, id, command)?)?;
            let text = opened(reply)?;
            let told = match sealed::Reply::parse(&text) {
                Some(reply) if protocol == Protocol::Sealed => reply.body,
                _ => text.as_str(),
            };
            // A report holds the time and the edition.
            let same =
                if command == "REPORT" { told.len() == expected.len() } else { told == expected };
            if !same {
                bail!("{id} {command} was not answered with what the class file says");
            }
        }
        Ok(())
    }

    fn expected(&self, sealer: &mut Sealer, id: &str, command: &str) -> anyhow::Result<String> {
        let line = format!("{id} {command}\n");
        let grammar = Grammar { id_digits: 7, line_bytes: 1024, sealed: false };
        let Parsed::Request { request, .. } = wire::parse(grammar, line.as_bytes()) else {
            bail!("{id} {command} is no request");
        };
        let mut questions = Requests::new(BatchLimits { requests: 1, output_bytes: 1 });
        questions.push(request);
        let now = Timestamp::of(SystemTime::now());
        let replies = sealer.seal(self.book.answer(questions, &UnknownStudent::Close, now));
        Ok(std::str::from_utf8(replies.bytes())?.trim_end().to_owned())
    }
}
