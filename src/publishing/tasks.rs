//! What the publisher does for the commands.

use editions::{
    Content, HistoryError, LeftBecause, LeftFile, PublishedBy, StoredEdition, marks_changed,
};
use grade_actors::event::ServerEvent;
use gradebook::{
    Drawing, EditionNumber, EditionStamp, StatisticForecast, StatisticsMode, StatisticsPlan,
};

use super::book::kept_statistics;
use super::candidate::{Candidate, bytes_text};
use super::checks::drawing_warning;
use super::error::PublisherError;
use super::offer::Offer;
use super::publisher::{NewEdition, NewStatistics, Publisher, read_keys};
use super::report::{DiffReport, EditionReport, EditionsReport, StagedReport, State, lines};
use super::review::Review;
use super::task::{Done, PublishOptions, Task, TaskError};
use crate::files::load::class_file_digest;
use crate::settings::Settings;

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
pub(super) struct Subject {
    pub(super) candidate: Candidate,
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
                let at = (self.next_stamp(), Drawing::Confirmed);
                Ok(Done::Diff(self.diff(&subject, base.as_ref(), at, marks)?))
            }
            Task::Publish(options) => self.publish_subject(offer, &options, who),
            Task::Editions => self.editions().map(Done::Editions),
            Task::Rollback { edition } => self.roll_back(EditionNumber(edition), who),
            Task::Preview { id, command, staged } => self.preview(&id, &command, staged),
        }
    }

    /// The file that a task is about: the one that was offered, or else the configured one, with the key file
    /// as it is on disk.
    pub(super) fn subject(&self, offer: Option<Offer>) -> Result<Subject, TaskError> {
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

    pub(super) fn review(
        &self,
        subject: &Subject,
        base: Option<&StoredEdition>,
        stamp: EditionStamp,
    ) -> Review {
        let left = self.history.left().filter(|_| subject.is_configured);
        Review::of(&subject.candidate, base, left, &self.settings, stamp.published)
    }

    /// Compares a file with the current edition, with what a publication at this time would release.
    fn diff(
        &self,
        subject: &Subject,
        base: Option<&StoredEdition>,
        (stamp, drawing): (EditionStamp, Drawing<'_>),
        marks: bool,
    ) -> Result<DiffReport, PublisherError> {
        let candidate = &subject.candidate;
        let review = self.review(subject, base, stamp);
        let plan = self.plan(&candidate.content, stamp, base, drawing)?;
        let mut forecasts: Vec<StatisticForecast> = plan.forecasts().collect();
        let state = match (review.state, base) {
            // The content is published, and its figures are not.
            (State::None, _) if plan.draws() || self.must_confirm(base)? => State::Staged,
            (State::None, Some(base)) if self.shows_other_statistics(base, &plan)? => State::Staged,
            (State::None, Some(base)) => {
                let (decisions, _) = kept_statistics(base)?;
                for (forecast, decision) in forecasts.iter_mut().zip(decisions.of(stamp.number)) {
                    forecast.decision = decision;
                }
                State::None
            }
            (state, _) => state,
        };
        let changes = || marks_changed(base.map(|base| &base.content), &candidate.content);
        Ok(DiffReport {
            base: base.map(|base| base.record.edition.0),
            state,
            digest: (state != State::None).then(|| candidate.digest.clone()),
            students: review.difference.students,
            assessments: lines(&review.difference, forecasts.into_iter()),
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
        // A file that nobody has looked at may show less than the current edition.
        self.restrict(configured.as_ref().ok())?;
        let subject = match offer {
            Some(_) => self.subject(offer)?,
            None => Subject { candidate: configured?, is_configured: true },
        };
        let base = self.current()?;
        let stamp = self.next_stamp();
        let drawing = options.redraw.as_deref().map_or(Drawing::Confirmed, Drawing::Again);
        let mut report = self.diff(&subject, base.as_ref(), (stamp, drawing), false)?;
        if let Some(name) = &options.redraw {
            report.accept_range_of(name);
        }
        if options.digest.as_ref().is_some_and(|digest| *digest != subject.candidate.digest) {
            return Err(TaskError(
                "the file has changed since the digest was shown; look at it again with diff"
                    .to_owned(),
            ));
        }
        if report.state == State::None {
            let edition = base.map(|base| base.record.edition.0);
            return Ok(Done::Nothing { edition });
        }
        let questions = self.questions(base.as_ref(), options)?;
        if !options.accept && (report.state == State::Held || !questions.is_empty()) {
            return Ok(Done::Unconfirmed { report, questions });
        }
        let releases = self.releases(base.as_ref()).map_err(PublisherError::from)?;
        if releases.exact_shown()
            && let Some(text) = drawing_warning(&self.settings, &releases)
        {
            self.events.emit(&ServerEvent::Warning(&text));
        }
        let Subject { candidate, is_configured } = subject;
        // The configured file waits until it changes, and is not published in place of this one.
        let left = match is_configured {
            true => None,
            false => self.configured_left(&candidate.content, base.as_ref(), LeftBecause::Replaced),
        };
        let edition = self.publish(NewEdition {
            content: candidate.content,
            stamp,
            base: base.as_ref(),
            by: PublishedBy::Command,
            who,
            statistics: NewStatistics::Decided(drawing),
            exported_at: candidate.exported_at,
            left,
        })?;
        Ok(Done::Published { edition: edition.0 })
    }

    /// Returns true if the history has not been confirmed to be the first one.
    fn must_confirm(&self, base: Option<&StoredEdition>) -> Result<bool, PublisherError> {
        Ok(self.settings.policy.is_private() && !self.releases(base)?.is_confirmed())
    }

    /// Returns true if an edition of the same content would show other statistics: under other settings, or after a
    /// rollback.
    fn shows_other_statistics(
        &self,
        base: &StoredEdition,
        plan: &StatisticsPlan,
    ) -> Result<bool, PublisherError> {
        let policy = self.settings.policy;
        let (decisions, _) = kept_statistics(base)?;
        let is_other = || policy.is_private() && plan.staged().to_json() != base.decisions;
        Ok(decisions.policy() != policy || is_other())
    }

    /// What must be confirmed before figures are drawn.
    fn questions(
        &self,
        base: Option<&StoredEdition>,
        options: &PublishOptions,
    ) -> Result<Vec<String>, PublisherError> {
        let StatisticsMode::Private(budget) = self.settings.policy.mode else {
            return Ok(Vec::new());
        };
        let mut questions = Vec::new();
        if self.must_confirm(base)? {
            let costs = format!("{} instead of {}", budget.times(2), budget.times(1));
            questions.push(format!(
                "nothing has been drawn into this history yet. Were figures of this class ever shown, from another \
                 history, a backup, or as exact figures? Then each mark is disclosed a second time: {costs}"
            ));
        }
        if let Some(name) = &options.redraw {
            let spent = self.releases(base)?.spent(name);
            let costs = format!("{} instead of {spent}", spent.plus(budget.to_decimal()));
            questions.push(format!(
                "{name:?} is drawn again: each mark is disclosed a second time: {costs}"
            ));
        }
        Ok(questions)
    }

    /// The configured file, to be left alone until it changes, if it says something else than this content. One
    /// that cannot be read now may come back as it was.
    pub(super) fn configured_left(
        &self,
        content: &Content,
        current: Option<&StoredEdition>,
        why: LeftBecause,
    ) -> Option<LeftFile> {
        if let Ok(candidate) = self.read() {
            let is_same = candidate.digest == content.digest().to_string();
            return (!is_same).then(|| candidate.left_alone(why));
        }
        let Settings { sources, read_limits, .. } = &*self.settings;
        let bytes = class_file_digest(&sources.class, read_limits).map(bytes_text);
        let digest = current.map(|current| current.record.digest.clone());
        Some(LeftFile { digest: digest.unwrap_or_default(), bytes: bytes.unwrap_or_default(), why })
    }

    fn editions(&self) -> Result<EditionsReport, TaskError> {
        let base = self.current()?;
        // A file that cannot be read does not wait to be published.
        let staged = self.subject(None).ok().and_then(|subject| {
            let review = self.review(&subject, base.as_ref(), self.next_stamp());
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
}
