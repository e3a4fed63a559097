//! Checks replies: opened with the student's key, they say what the class file says.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use class_files::{KeyFile, ReadLimits, ReadOptions, Source, read_class};
use fernet_batch::{Sealer, Timestamp, open};
use gradebook::sealed;
use gradebook::wire::{self, Grammar, Parsed};
use gradebook::{BatchLimits, Book, EditionNumber, PrivacyPolicy, Requests, UnknownStudent};

use crate::keys::Keys;
use crate::protocol::Protocol;

/// A reply, and the request that it answers.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) id: String,
    pub(crate) command: String,
    pub(crate) reply: Vec<u8>,
}

/// A class: its students, and the answers that they get.
pub(crate) struct Class {
    book: Book,
    keys: Keys,
    ids: Vec<String>,
}

const LIMITS: ReadLimits = ReadLimits { bytes_max: u64::MAX, rows_max: usize::MAX };

impl Class {
    /// Reads the class file that the server reads.
    ///
    /// # Errors
    /// Returns an error if it cannot be read or is invalid.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let open = || File::open(path).with_context(|| format!("cannot open {}", path.display()));
        let class = read_class(open()?, None, &LIMITS)?;
        let book = Book::publish(
            class,
            EditionNumber(1).published_at(Timestamp::default()),
            PrivacyPolicy::EXACT,
        );
        let bytes = LIMITS.read(open()?, 0)?;
        let options = ReadOptions::of_any_file(LIMITS);
        let keys = KeyFile::from_class_file(Source::File(&bytes), &options)?;
        let ids = keys.ids().map(str::to_owned).collect();
        Ok(Self { book, keys: Keys(Arc::new(keys)), ids })
    }

    pub(crate) fn ids(&self) -> &[String] {
        &self.ids
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Compares replies with this class file.
    ///
    /// # Errors
    /// Returns an error at the first reply that is wrong.
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
            let answer = match sealed::Reply::parse(&text) {
                Some(reply) if protocol == Protocol::Sealed => reply.body.unwrap_or_default(),
                _ => text.as_str(),
            };
            // A report contains the time and the edition.
            let is_right = match command.as_str() {
                "REPORT" => answer.len() == expected.len(),
                _ => answer == expected,
            };
            if !is_right {
                bail!("{id} {command} was not answered with what the class file says");
            }
        }
        Ok(())
    }

    fn expected(&self, sealer: &mut Sealer, id: &str, command: &str) -> anyhow::Result<String> {
        let line = format!("{id} {command}\n");
        let grammar = Grammar { id_digits: 7, line_bytes: 1024, sealed: false };
        let Parsed::Request { request, .. } = wire::parse(grammar, line.as_bytes()) else {
            bail!("{id} {command} is not a request");
        };
        let mut requests = Requests::new(BatchLimits { requests: 1, output_bytes: 1 });
        requests.push(request);
        let now = Timestamp::of(SystemTime::now());
        let answers = self.book.answer(requests, &UnknownStudent::Close, now);
        let replies = answers.seal(sealer);
        Ok(std::str::from_utf8(replies.bytes())?.trim_end().to_owned())
    }
}
