//! What the publisher does by itself: when the class file was saved, when an assessment is released, and at
//! the start.

use std::time::SystemTime;

use editions::{PublishedBy, StoredEdition};
use fernet_batch::Timestamp;
use grade_actors::event::{PublishingEvent, ServerEvent, SharedSink};
use gradebook::Drawing;

use super::book::{kept_statistics, next_release};
use super::candidate::Candidate;
use super::checks::drawing_warning;
use super::error::PublisherError;
use super::publisher::{NewEdition, NewStatistics, Publisher, Started};
use super::report::State;
use super::review::Review;
use crate::files::load::LoadedKeys;
use crate::settings::PublishMode;

impl Publisher {
    /// Reads the files again, and publishes what they say as far as the settings want it. What cannot be
    /// published is an event, and changes nothing.
    pub(crate) fn save(&mut self) {
        self.unsaved = None;
        self.save_again();
    }

    /// Returns true if what was saved last could not be stored, and is to be [saved again](Self::save_again).
    pub(crate) fn has_unsaved(&self) -> bool {
        self.unsaved.is_some()
    }

    /// Does what [`save`](Self::save) does. It is no event that it fails as it did before.
    pub(crate) fn save_again(&mut self) {
        let before = self.unsaved.take();
        let keys = self.reload_keys();
        let saved = self.read().and_then(|candidate| match &keys {
            Ok(_) => self.save_candidate(&candidate),
            // What shows less needs no new key.
            Err(_) => self.restrict(Some(&candidate)).map(drop),
        });
        let saved = match saved {
            // Nor does it need a class file that is valid.
            Err(error) => self.restrict(None).and(Err(error)),
            saved => saved,
        };
        let has_new_keys = matches!(keys, Ok(true));
        if let Err(error) = keys.map(drop).and(saved) {
            self.note_unsaved(&error);
            if self.unsaved.is_none() || self.unsaved != before {
                self.keep(&error);
            }
        }
        if has_new_keys {
            self.exchange_keys();
        }
    }

    fn note_unsaved(&mut self, error: &PublisherError) {
        self.unsaved = error.may_pass().then(|| error.to_string());
    }

    fn save_candidate(&mut self, candidate: &Candidate) -> Result<(), PublisherError> {
        let state = self.take(candidate)?;
        if self.has_book() {
            self.warn(&candidate.warnings);
        } else if state == State::None {
            self.events.emit(&ServerEvent::ClassUnchanged(self.current_number()));
        }
        Ok(())
    }

    /// Publishes an edition if an assessment is released now.
    pub(crate) fn release(&mut self) {
        if let Err(error) = self.release_due() {
            self.keep(&error);
        }
    }

    /// Takes the class file as if it had just been saved, and makes the book of the current edition. From now on
    /// `events` records what happens.
    ///
    /// # Errors
    /// Returns an error if there is no edition that could be served.
    pub(crate) fn start(&mut self, events: SharedSink) -> Result<Started, PublisherError> {
        self.events = events;
        let mut warnings = std::mem::take(&mut self.keys.warnings);
        let candidate = self.read();
        let taken = match &candidate {
            Ok(candidate) => {
                warnings.extend(candidate.warnings.iter().cloned());
                self.take(candidate).map(drop)
            }
            Err(_) => self.restrict(None).map(drop),
        };
        let (candidate, error) = match (candidate, taken) {
            (Ok(candidate), taken) => (Some(candidate), taken.err()),
            (Err(error), _) => (None, Some(error)),
        };
        if let Some(error) = error {
            if self.history.current().is_none() {
                return Err(error);
            }
            self.note_unsaved(&error);
            let edition = self.current_number().0;
            warnings.push(format!("serving edition {edition}, which was published last: {error}"));
        }
        if let Err(error) = self.release_due() {
            warnings.push(format!("an assessment is not released: {error}"));
        }
        let current = self.current()?.ok_or_else(|| PublisherError::no_edition(&self.settings))?;
        if !self.has_book() {
            self.make_book(&current)?;
            warnings.extend(self.policy_warning(&current)?);
        }
        let releases = self.releases(Some(&current))?;
        warnings.extend(drawing_warning(&self.settings, &releases));
        let book = self.take_book().ok_or_else(|| PublisherError::no_edition(&self.settings))?;
        // From now on there are sessions.
        self.sources = self.sources.read_in_background();
        Ok(Started { book, candidate, warnings })
    }

    /// Reads the configured class file.
    ///
    /// # Errors
    /// Returns an error if it cannot be read or is invalid.
    pub(super) fn read(&self) -> Result<Candidate, PublisherError> {
        self.read_with(&self.keys)
    }

    /// Reads the configured class file, whose students must be those of these keys.
    pub(super) fn read_with(&self, keys: &LoadedKeys) -> Result<Candidate, PublisherError> {
        Ok(Candidate::read(&self.sources, &keys.keys, &self.settings.read_limits)?)
    }

    /// Publishes a class file, or lets it wait. Returns how it stands to the edition that was current before.
    fn take(&mut self, candidate: &Candidate) -> Result<State, PublisherError> {
        let base = self.restrict(Some(candidate))?;
        let mode = self.settings.history()?.mode;
        let Some(base) = base else {
            return self.take_first(candidate, mode).map(|()| State::Staged);
        };
        let now = self.next_stamp().published;
        let review = Review::of(candidate, Some(&base), self.history.left(), &self.settings, now);
        self.note_change(&review)?;
        match (review.state, mode) {
            (State::None, _) => {}
            (State::Held, _) => self.emit_held(&review),
            (State::Staged, PublishMode::OnCommand) => {
                let (edition, digest) = (self.current_number(), &*candidate.digest);
                self.emit(PublishingEvent::Staged { edition, digest });
            }
            (State::Staged, PublishMode::OnSave) => {
                self.publish_candidate(candidate, Some(&base), PublishedBy::Save)?;
            }
        }
        Ok(review.state)
    }

    fn take_first(
        &mut self,
        candidate: &Candidate,
        mode: PublishMode,
    ) -> Result<(), PublisherError> {
        if mode == PublishMode::OnCommand {
            return Err(PublisherError::no_edition(&self.settings));
        }
        let by = if self.imports() { PublishedBy::Import } else { PublishedBy::Save };
        self.publish_candidate(candidate, None, by)
    }

    fn publish_candidate(
        &mut self,
        candidate: &Candidate,
        base: Option<&StoredEdition>,
        by: PublishedBy,
    ) -> Result<(), PublisherError> {
        self.publish(NewEdition {
            content: candidate.content.clone(),
            stamp: self.next_stamp(),
            base,
            by,
            who: None,
            statistics: NewStatistics::Decided(Drawing::AsConfirmed),
            exported_at: candidate.exported_at,
            left: None,
        })?;
        Ok(())
    }

    /// Notes in the history that the file that was left alone has changed.
    pub(super) fn note_change(&mut self, review: &Review) -> Result<(), PublisherError> {
        let is_left = review.state == State::None || review.is_left_alone();
        if !is_left && self.history.left().is_some() {
            self.history.file_changed()?;
        }
        Ok(())
    }

    fn release_due(&mut self) -> Result<(), PublisherError> {
        let now = Timestamp::of(SystemTime::now());
        let Some(current) = self.current()? else { return Ok(()) };
        let moment = next_release(&current.content, current.record.time);
        if moment.is_none_or(|moment| moment > now) {
            return Ok(());
        }
        self.publish(NewEdition {
            content: current.content.clone(),
            stamp: self.next_stamp(),
            base: Some(&current),
            by: PublishedBy::Release,
            who: None,
            statistics: NewStatistics::Decided(Drawing::AsConfirmed),
            exported_at: current.record.exported_at,
            left: self.history.left().cloned(),
        })?;
        Ok(())
    }

    /// Reads the key file and the class file again. New keys take effect.
    ///
    /// # Errors
    /// Returns an error if the keys cannot be read; the inner one, if the class file cannot.
    pub(super) fn read_all(&mut self) -> Result<Result<Candidate, PublisherError>, PublisherError> {
        if self.reload_keys()? {
            self.exchange_keys();
        }
        Ok(self.read())
    }

    /// Joins the current edition with the new keys.
    fn exchange_keys(&mut self) {
        if !self.has_book() {
            let made = self.current().and_then(|current| match current {
                Some(current) => self.make_book(&current),
                None => Ok(()),
            });
            if let Err(error) = made {
                return self.keep(&error);
            }
        }
        let warnings = std::mem::take(&mut self.keys.warnings);
        self.warn(&warnings);
    }

    fn warn(&self, warnings: &[String]) {
        for warning in warnings {
            self.events.emit(&ServerEvent::Warning(warning));
        }
    }

    fn emit_held(&self, review: &Review) {
        let rules: Vec<_> = review.held.iter().map(|held| held.rule.word()).collect();
        let texts: Vec<_> = review.held.iter().map(|held| held.text.as_str()).collect();
        let (rules, reason) = (&*rules.join(","), &*texts.join("; "));
        self.emit(PublishingEvent::Held { edition: self.current_number(), rules, reason });
    }

    fn keep(&self, error: &PublisherError) {
        let edition = self.current_number();
        // An event is one line, and a file may have many errors.
        let mut reason = error.to_string().replace("\n  ", " | ");
        if self.has_unsaved() {
            reason.push_str("; the server tries again until it succeeds");
        }
        self.events.emit(&ServerEvent::EditionKept { edition, reason: &reason });
    }

    /// Says that the settings have another policy for statistics than the edition.
    fn policy_warning(&self, current: &StoredEdition) -> Result<Option<String>, PublisherError> {
        let (decisions, _) = kept_statistics(current)?;
        Ok((decisions.policy() != self.settings.policy).then(|| {
            format!(
                "edition {} was published with other settings for statistics; those of now are applied when the \
                 next edition is published",
                current.record.edition.0
            )
        }))
    }
}
