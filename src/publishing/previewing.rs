//! What a student reads, or will read once the class file is published.

use std::time::SystemTime;

use fernet_batch::Timestamp;
use gradebook::{Book, Command, Drawing, Request, StudentId};

use super::book::book;
use super::candidate::Candidate;
use super::error::PublisherError;
use super::publisher::{Publisher, read_keys};
use super::report::State;
use super::task::{Done, TaskError};

impl Publisher {
    /// What a student reads; with `staged`, what they will read.
    ///
    /// # Errors
    /// Returns an error if there is no such student or command, or nothing to read.
    pub(super) fn preview(&self, id: &str, command: &str, staged: bool) -> Result<Done, TaskError> {
        let failed = |text: &str| TaskError(text.to_owned());
        let id = StudentId::new(id.as_bytes()).ok_or_else(|| failed("this is not a student ID"))?;
        let command = Command::parse(command).map_err(|error| failed(error.text()))?;
        let (book, warnings) = match staged {
            true => self.staged_book()?,
            false => (self.current_book()?, Vec::new()),
        };
        let now = Timestamp::of(SystemTime::now());
        let text = book.preview(&Request { id, command }, now);
        let text = text.map_err(|rejection| failed(rejection.text()))?;
        Ok(Done::Preview { text, warnings })
    }

    /// The book of the current edition.
    fn current_book(&self) -> Result<Book, PublisherError> {
        let current = self.current()?.ok_or_else(|| PublisherError::no_edition(&self.settings))?;
        Ok(self.book_of(&current)?)
    }

    /// The book that publishing the class file would make, but for figures that are drawn then; and what the
    /// instructor should know of the file.
    fn staged_book(&self) -> Result<(Book, Vec<String>), TaskError> {
        let subject = self.subject(None)?;
        let base = self.current()?;
        let keys = read_keys(&self.settings)?;
        let stamp = self.next_stamp();
        let Candidate { content, warnings, .. } = &subject.candidate;
        let plan = self.plan(content, stamp, base.as_ref(), Drawing::Confirmed)?;
        if self.review(&subject, base.as_ref(), stamp).state == State::None && !plan.draws() {
            return Ok((self.current_book()?, Vec::new()));
        }
        let book = book(content, stamp, &plan.staged(), &keys.keys);
        Ok((book.map_err(PublisherError::from)?, warnings.clone()))
    }
}
