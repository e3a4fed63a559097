//! The publisher: it owns the history, decides what an edition shows, and writes it before it is installed.

use std::sync::Arc;
use std::time::SystemTime;

use editions::{Content, EditionRecord, History, LeftFile, PublishedBy, Repair, StoredEdition};
use fernet_batch::{SystemRandomness, Timestamp};
use grade_actors::event::{PublishingEvent, ServerEvent, SharedSink};
use gradebook::{
    Book, Decisions, Drawing, EditionNumber, EditionStamp, LastEdition, Publication,
    ReleaseHistory, StatisticsPlan,
};

use super::book::{BookError, book, kept_statistics, next_release, whole_class};
use super::candidate::Candidate;
use super::checks::{check_replies, check_students};
use super::error::PublisherError;
use crate::files::load::{LoadedKeys, Sources, load_keys};
use crate::files::state;
use crate::settings::{HistorySettings, Settings};

/// The history of a class, and everything that publishes.
pub(crate) struct Publisher {
    pub(super) settings: Arc<Settings>,
    /// What a class is read from, and by how many threads.
    pub(super) sources: Sources,
    pub(super) history: History,
    pub(super) keys: LoadedKeys,
    pub(super) events: SharedSink,
    /// What an earlier version has released, until the first edition.
    imported: Option<(ReleaseHistory, LastEdition)>,
    /// The book of the current edition, if it has not been taken.
    pending: Option<Book>,
    next_release: Option<Timestamp>,
    /// Why what was saved last could not be stored, if that may pass.
    pub(super) unsaved: Option<String>,
}

/// What the server starts with.
pub(crate) struct Started {
    /// The book of the current edition.
    pub(crate) book: Book,
    /// The class file, if it could be read.
    pub(crate) candidate: Option<Candidate>,
    /// What the operator should know.
    pub(crate) warnings: Vec<String>,
}

/// An edition that is to be published.
pub(super) struct NewEdition<'a> {
    pub(super) content: Content,
    /// Its number and time. What students may see is decided for this time.
    pub(super) stamp: EditionStamp,
    /// The current edition.
    pub(super) base: Option<&'a StoredEdition>,
    pub(super) by: PublishedBy,
    pub(super) who: Option<String>,
    pub(super) statistics: NewStatistics<'a>,
    pub(super) exported_at: Option<u64>,
    pub(super) left: Option<LeftFile>,
}

/// Where the statistics of an edition come from.
pub(super) enum NewStatistics<'a> {
    /// They are decided, and figures are drawn.
    Decided(Drawing<'a>),
    /// They are those of an earlier edition.
    Of(EditionNumber, Decisions),
}

impl Publisher {
    /// Opens the history, and reads the keys.
    ///
    /// # Errors
    /// Returns an error if another process has the history, or a file cannot be read.
    pub(crate) fn open(
        settings: Arc<Settings>,
        events: SharedSink,
    ) -> Result<Self, PublisherError> {
        let HistorySettings { folder, editions_max, import, .. } = settings.history()?;
        let (history, repairs) = History::open(folder, *editions_max)?;
        for repair in repairs {
            events.emit(&ServerEvent::Warning(&repair_text(&repair)));
        }
        let imported = match import {
            Some(path) if history.current().is_none() => {
                if !path.exists() {
                    let text =
                        "gradebook.state_file does not exist, so nothing is taken over from it";
                    events.emit(&ServerEvent::Warning(text));
                }
                Some(state::read(path)?)
            }
            _ => None,
        };
        let imported = imported.filter(|(releases, _)| releases.exact_shown());
        let keys = read_keys(&settings)?;
        let sources = settings.sources.clone();
        Ok(Self {
            settings,
            sources,
            history,
            keys,
            events,
            imported,
            pending: None,
            next_release: None,
            unsaved: None,
        })
    }

    /// The current edition, if one has been published.
    ///
    /// # Errors
    /// Returns an error if its file is damaged.
    pub(super) fn current(&self) -> Result<Option<StoredEdition>, PublisherError> {
        let current = self.history.current().map(|record| record.edition);
        Ok(current.map(|edition| self.history.read(edition)).transpose()?)
    }

    /// The number of the current edition; 0 if there is none.
    pub(crate) fn current_number(&self) -> EditionNumber {
        self.history.current().map(|record| record.edition).unwrap_or_default()
    }

    /// The stamp of the next edition. Times never fall, even if the clock does.
    pub(super) fn next_stamp(&self) -> EditionStamp {
        let now = Timestamp::of(SystemTime::now());
        match (self.history.current(), &self.imported) {
            (Some(current), _) => self.history.next_number().published_at(now.max(current.time)),
            (None, Some((_, last))) => last.number.next().published_at(now.max(last.published)),
            (None, None) => self.history.next_number().published_at(now),
        }
    }

    /// Returns true if the first edition takes over what an earlier version has released.
    pub(super) fn imports(&self) -> bool {
        self.imported.is_some()
    }

    /// What the next edition would release.
    pub(super) fn plan(
        &self,
        content: &Content,
        stamp: EditionStamp,
        base: Option<&StoredEdition>,
        drawing: Drawing<'_>,
    ) -> Result<StatisticsPlan, PublisherError> {
        let class = &whole_class(content, &self.keys.keys, stamp.published)?;
        let policy = self.settings.policy;
        let plan = self.releases(base)?.plan(Publication { stamp, class, policy, drawing });
        plan.map_err(|error| {
            let assessment = match drawing {
                Drawing::Again(name) => name.to_owned(),
                _ => String::new(),
            };
            PublisherError::Redraw { assessment, error }
        })
    }

    /// Everything that was released up to now.
    pub(super) fn releases(
        &self,
        base: Option<&StoredEdition>,
    ) -> Result<ReleaseHistory, BookError> {
        match (base, &self.imported) {
            (Some(base), _) => Ok(kept_statistics(base)?.1),
            (None, Some((releases, _))) => Ok(releases.clone()),
            (None, None) => Ok(ReleaseHistory::default()),
        }
    }

    /// Publishes an edition: it is in the history when this returns, and its book is
    /// [pending](Self::take_book).
    pub(super) fn publish(&mut self, new: NewEdition<'_>) -> Result<EditionNumber, PublisherError> {
        let NewEdition { content, stamp, base, by, who, statistics, exported_at, left } = new;
        let (of, (decisions, releases)) = match statistics {
            NewStatistics::Of(of, decisions) => (Some(of), (decisions, self.releases(base)?)),
            NewStatistics::Decided(drawing) => {
                let plan = self.plan(&content, stamp, base, drawing)?;
                // Whether an edition is refused must not depend on what is drawn, and nothing may be drawn twice.
                self.check(&content, stamp, &plan.longest())?;
                (None, plan.draw(&mut SystemRandomness)?)
            }
        };
        let book = self.check(&content, stamp, &decisions)?;
        let next_release = next_release(&content, stamp.published);
        let record = EditionRecord {
            edition: stamp.number,
            parent: base.map(|base| base.record.edition),
            time: stamp.published,
            by,
            who,
            of,
            students: content.students(),
            assessments: content.assessments().len(),
            marks: content.marks(),
            on_hold: content.on_hold(),
            digest: content.digest().to_string(),
            exported_at,
            left,
        };
        let last = LastEdition { number: stamp.number, published: stamp.published, content: None };
        let edition = StoredEdition {
            record,
            content,
            decisions: decisions.to_json(),
            releases: releases.to_json(last),
        };
        self.history.publish(&edition)?;
        self.imported = None;
        self.pending = Some(book);
        self.next_release = next_release;
        self.emit(PublishingEvent::Published { edition: stamp.number, by: by.word(), of });
        self.prune();
        Ok(stamp.number)
    }

    /// The book of an edition, if it fits the limits of the settings.
    fn check(
        &self,
        content: &Content,
        stamp: EditionStamp,
        decisions: &Decisions,
    ) -> Result<Book, PublisherError> {
        check_students(content.students(), &self.settings.profile)?;
        let book = book(content, stamp, decisions, &self.keys.keys)?;
        check_replies(&book, &self.settings)?;
        Ok(book)
    }

    fn prune(&mut self) {
        match self.history.prune() {
            Ok(pruned) if pruned.is_empty() => {}
            Ok(pruned) => self.emit(PublishingEvent::Pruned(&pruned)),
            Err(error) => {
                let text = format!("cannot remove the oldest editions: {error}");
                self.events.emit(&ServerEvent::Warning(&text));
            }
        }
    }

    /// Makes the book of an edition that was published, with the keys that are in use.
    pub(super) fn make_book(&mut self, edition: &StoredEdition) -> Result<(), PublisherError> {
        let book = self.book_of(edition)?;
        check_replies(&book, &self.settings)?;
        self.next_release = next_release(&edition.content, edition.record.time);
        self.pending = Some(book);
        Ok(())
    }

    /// The book of an edition that was published, with the keys that are in use.
    pub(super) fn book_of(&self, edition: &StoredEdition) -> Result<Book, BookError> {
        let (decisions, _) = kept_statistics(edition)?;
        let stamp = edition.record.edition.published_at(edition.record.time);
        book(&edition.content, stamp, &decisions, &self.keys.keys)
    }

    /// The book of the current edition, if it was made since the last call.
    pub(crate) fn take_book(&mut self) -> Option<Book> {
        self.pending.take()
    }

    /// Returns true if a book waits to be taken.
    pub(super) fn has_book(&self) -> bool {
        self.pending.is_some()
    }

    /// When an assessment of the current edition is released by itself.
    pub(crate) fn next_release(&self) -> Option<Timestamp> {
        self.next_release
    }

    /// Reads the key file again. Returns true if it has changed.
    ///
    /// # Errors
    /// Returns an error if it cannot be read; then the keys in use stay.
    pub(super) fn reload_keys(&mut self) -> Result<bool, PublisherError> {
        let keys = read_keys(&self.settings)?;
        let has_changed = keys.digest != self.keys.digest;
        self.keys = keys;
        Ok(has_changed)
    }

    pub(super) fn emit(&self, event: PublishingEvent<'_>) {
        self.events.emit(&ServerEvent::Publishing(event));
    }
}

/// Reads the key file of the settings.
pub(super) fn read_keys(settings: &Settings) -> Result<LoadedKeys, PublisherError> {
    let path = &settings.history()?.keys;
    Ok(load_keys(path, settings.sources.strict, &settings.read_limits)?)
}

fn repair_text(repair: &Repair) -> String {
    match repair {
        Repair::Cut(bytes) => format!(
            "the journal of gradebook.history ended in {bytes} bytes of a line that was never complete; they \
             were removed"
        ),
        Repair::Pruned(edition) => format!(
            "edition {} is no longer kept, and the journal of gradebook.history did not say so; it was noted",
            edition.0
        ),
        Repair::Adopted(edition) => format!(
            "edition {} was published, and the journal of gradebook.history did not have it yet; it was added",
            edition.0
        ),
    }
}
