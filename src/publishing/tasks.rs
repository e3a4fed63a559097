//! What the publisher does for the commands.

use editions::{
    Content, HistoryError, LeftBecause, LeftFile, PublishedBy, StoredEdition, marks_changed,
};
use fernet_batch::Timestamp;
use gradebook::{Book, Command, EditionNumber, Request, StatisticDecision, StudentId};

use super::book::{book, kept_statistics, shown};
use super::candidate::Candidate;
use super::offer::Offer;
use super::publisher::{NewEdition, Publisher, PublisherError, read_keys};
use super::report::{DiffReport, EditionReport, EditionsReport, StagedReport, State, lines};
use super::review::Review;
use super::task::{Done, PublishOptions, Task, TaskError};

impl From<PublisherError> for TaskError {
    fn from(error: PublisherError) -> Self {
        Self(error.to_string())
    }
}

impl From<HistoryError> for TaskError {
    fn from(error: HistoryError) -> Self {
        PublisherError::from(error).into()
    }
}

/// A class file that a task is about.
struct Subject {
    candidate: Candidate,
    /// Whether it is the configured file.
    is_configured: bool,
}

impl Publisher {
    /// Does what a command asks for. `offer` is another file than the configured one, and `who` the user.
    ///
    /// # Errors
    /// Returns an error if it cannot be done; then nothing was published, but what shows less.
    pub(crate) fn run(
        &mut self,
        task: Task,
        offer: Option<Offer>,
        who: Option<String>,
    ) -> Result<Done, TaskError> {
        match task {
            Task::Diff { marks } => {
                let subject = self.subject(offer)?;
                let base = self.current()?;
                Ok(Done::Diff(self.diff(&subject, base.as_ref(), marks)?))
            }
            Task::Publish(options) => self.publish_subject(offer, &options, who),
            Task::Editions => self.editions().map(Done::Editions),
            Task::Rollback { edition } => self.roll_back(EditionNumber(edition), who),
            Task::Preview { id, command, staged } => self.preview(&id, &command, staged),
        }
    }

    /// The file that a task is about: the one that was offered, or else the configured one, with the key file
    /// as it is on disk.
    fn subject(&self, offer: Option<Offer>) -> Result<Subject, TaskError> {
        let Some(Offer { content, exported_at }) = offer else {
            let keys = read_keys(&self.settings)?;
            return Ok(Subject { candidate: self.read_with(&keys)?, is_configured: true });
        };
        let digest = content.digest().to_string();
        let candidate = Candidate {
            content,
            digest,
            bytes: String::new(),
            exported_at,
            warnings: Vec::new(),
            files: Vec::new(),
        };
        Ok(Subject { candidate, is_configured: false })
    }

    fn review(&self, subject: &Subject, base: Option<&StoredEdition>) -> Review {
        let left = self.history.left().filter(|_| subject.is_configured);
        let now = self.next_stamp().published;
        Review::of(&subject.candidate, base, left, &self.settings, now)
    }

    fn diff(
        &self,
        subject: &Subject,
        base: Option<&StoredEdition>,
        marks: bool,
    ) -> Result<DiffReport, PublisherError> {
        let candidate = &subject.candidate;
        let review = self.review(subject, base);
        let stamp = self.next_stamp();
        let decided: Vec<StatisticDecision> = match base {
            // Publishing it would change nothing.
            Some(base) if review.state == State::None => {
                let (decisions, _) = kept_statistics(base)?;
                decisions.of(stamp.number).collect()
            }
            _ => {
                let (decisions, _) = self.decide(&candidate.content, stamp, base)?;
                decisions.of(stamp.number).collect()
            }
        };
        let is_change = review.state != State::None;
        let changes = || marks_changed(base.map(|base| &base.content), &candidate.content);
        Ok(DiffReport {
            base: base.map(|base| base.record.edition.0),
            state: review.state,
            digest: is_change.then(|| candidate.digest.clone()),
            students: review.difference.students,
            assessments: lines(&review.difference, decided.into_iter()),
            held: review.held,
            marks: marks.then(changes),
        })
    }

    fn publish_subject(
        &mut self,
        offer: Option<Offer>,
        options: &PublishOptions,
        who: Option<String>,
    ) -> Result<Done, TaskError> {
        let configured = self.read_all()?;
        if let Ok(configured) = &configured {
            // A file that nobody has looked at may show less than the current edition.
            self.restrict(configured)?;
        }
        let subject = match offer {
            Some(_) => self.subject(offer)?,
            None => Subject { candidate: configured?, is_configured: true },
        };
        let base = self.current()?;
        let report = self.diff(&subject, base.as_ref(), false)?;
        if options.digest.as_ref().is_some_and(|digest| *digest != subject.candidate.digest) {
            return Err(TaskError(
                "the file has changed since the digest was shown; look at it again with diff"
                    .to_owned(),
            ));
        }
        match report.state {
            State::None => {
                let edition = base.map(|base| base.record.edition.0);
                return Ok(Done::Nothing { edition });
            }
            State::Held if !options.accept => return Ok(Done::Held(report)),
            State::Held | State::Staged => {}
        }
        let Subject { candidate, is_configured } = subject;
        // The configured file waits until it changes, and is not published in place of this one.
        let left = match is_configured {
            true => None,
            false => self.configured_left(&candidate.content, LeftBecause::Replaced),
        };
        let edition = self.publish(NewEdition {
            content: candidate.content,
            base: base.as_ref(),
            by: PublishedBy::Command,
            who,
            of: None,
            exported_at: candidate.exported_at,
            left,
        })?;
        Ok(Done::Published { edition: edition.0 })
    }

    /// The configured file, to be left alone, if it says something else than this content.
    fn configured_left(&self, content: &Content, why: LeftBecause) -> Option<LeftFile> {
        let candidate = self.read().ok()?;
        let is_same = candidate.digest == content.digest().to_string();
        (!is_same).then(|| candidate.left_alone(why))
    }

    fn roll_back(&mut self, to: EditionNumber, who: Option<String>) -> Result<Done, TaskError> {
        let current = self.current()?;
        let target = self.history.read(to)?;
        let Some(current) = current else {
            return Err(PublisherError::NoEdition.into());
        };
        if to == current.record.edition {
            return Ok(Done::Nothing { edition: Some(to.0) });
        }
        let now = self.next_stamp().published;
        let content = target.content.shown_as_of(target.record.time, now);
        // What is on hold stays on hold, and what was withdrawn stays so.
        let content = content.with_holds_of(&current.content);
        let content = match self.read() {
            Ok(file) => content.restricted_by(&file.content, now).unwrap_or(content),
            Err(_) => content,
        };
        let (decisions, _) = kept_statistics(&target).map_err(PublisherError::from)?;
        let were_shown = shown(&target.content, target.record.time);
        let are_shown = were_shown.zip(shown(&content, now));
        let keep: Vec<_> = are_shown.filter(|(was, _)| *was).map(|(_, is)| is).collect();
        let left = self.configured_left(&content, LeftBecause::RolledBack);
        let edition = self.publish(NewEdition {
            content,
            base: Some(&current),
            by: PublishedBy::Rollback,
            who,
            of: Some((to, decisions.only(&keep))),
            exported_at: target.record.exported_at,
            left,
        })?;
        Ok(Done::Published { edition: edition.0 })
    }

    fn editions(&self) -> Result<EditionsReport, TaskError> {
        let base = self.current()?;
        // A file that cannot be read does not wait to be published.
        let staged = self.subject(None).ok().and_then(|subject| {
            let review = self.review(&subject, base.as_ref());
            let Candidate { content, digest, .. } = subject.candidate;
            (review.state != State::None).then(|| StagedReport {
                state: review.state,
                digest,
                held: review.held,
                students: content.students(),
                assessments: content.assessments().len(),
                marks: content.marks(),
                on_hold: content.on_hold(),
            })
        });
        Ok(EditionsReport {
            current: self.history.current().map(|record| record.edition.0),
            editions: self.history.kept().map(EditionReport::of).collect(),
            staged,
        })
    }

    fn preview(&self, id: &str, command: &str, staged: bool) -> Result<Done, TaskError> {
        let failed = |text: &str| TaskError(text.to_owned());
        let id = StudentId::new(id.as_bytes()).ok_or_else(|| failed("this is not a student ID"))?;
        let command = Command::parse(command).map_err(|error| failed(error.text()))?;
        let (book, warnings) = match staged {
            true => self.staged_book()?,
            false => (self.current_book()?, Vec::new()),
        };
        let now = Timestamp::of(std::time::SystemTime::now());
        let text = book.preview(&Request { id, command }, now);
        let text = text.map_err(|rejection| failed(rejection.text()))?;
        Ok(Done::Preview { text, warnings })
    }

    /// The book of the current edition.
    fn current_book(&self) -> Result<Book, PublisherError> {
        let current = self.current()?.ok_or(PublisherError::NoEdition)?;
        let (decisions, releases) = kept_statistics(&current)?;
        let stamp = current.record.edition.published_at(current.record.time);
        Ok(book(&current.content, stamp, (&decisions, releases), &self.keys.keys)?)
    }

    /// The book that publishing the class file would make, and what the instructor should know of the file;
    /// the book of the current edition if there is nothing to publish.
    fn staged_book(&self) -> Result<(Book, Vec<String>), TaskError> {
        let subject = self.subject(None)?;
        let base = self.current()?;
        if self.review(&subject, base.as_ref()).state == State::None {
            return Ok((self.current_book()?, Vec::new()));
        }
        let keys = read_keys(&self.settings)?;
        let stamp = self.next_stamp();
        let Candidate { content, warnings, .. } = subject.candidate;
        let decided = self.decide(&content, stamp, base.as_ref()).map_err(PublisherError::from)?;
        let book = book(&content, stamp, (&decided.0, decided.1), &keys.keys);
        Ok((book.map_err(PublisherError::from)?, warnings))
    }
}
