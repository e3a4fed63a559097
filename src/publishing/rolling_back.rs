//! Publishing an earlier edition again.

use editions::{Content, LeftBecause, PublishedBy};
use grade_actors::event::ServerEvent;
use gradebook::{
    Decisions, Drawing, EditionNumber, EditionStamp, PrivacyPolicy, Publication, ReleaseHistory,
};

use super::book::{kept_statistics, shown, whole_class};
use super::error::PublisherError;
use super::publisher::{NewEdition, NewStatistics, Publisher};
use super::task::{Done, TaskError};
use crate::files::load::load_course;

impl Publisher {
    /// Publishes an earlier edition again, as a new one. What is on hold or hidden now stays so.
    ///
    /// # Errors
    /// Returns an error if there is no such edition, or it cannot be published; then the current one stays.
    pub(super) fn roll_back(
        &mut self,
        to: EditionNumber,
        who: Option<String>,
    ) -> Result<Done, TaskError> {
        let current = self.current()?;
        let target = self.history.read(to)?;
        let Some(current) = current else {
            return Err(PublisherError::no_edition(&self.settings).into());
        };
        if to == current.record.edition {
            return Ok(Done::Nothing { edition: Some(to.0) });
        }
        let stamp = self.next_stamp();
        let now = stamp.published;
        let content = target.content.shown_as_of(target.record.time, now);
        // What is on hold stays on hold, and what the files hide stays hidden.
        let content = content.with_holds_of(&current.content);
        let content = match load_course(&self.sources) {
            Ok(_) => content,
            // What a course file hides that cannot be read is what the current edition hides.
            Err(_) => content.restricted_by(&current.content, now).unwrap_or(content),
        };
        let content = self.restricted(&content, self.read().ok().as_ref(), now);
        let (decisions, _) = kept_statistics(&target).map_err(PublisherError::from)?;
        if self.settings.policy.is_private() && !decisions.policy().is_private() {
            let text = format!(
                "edition {} was published with exact statistics, which are shown again",
                to.0
            );
            self.events.emit(&ServerEvent::Warning(&text));
        }
        let were_shown = shown(&target.content, target.record.time);
        let are_shown = were_shown.zip(shown(&content, now));
        let keep: Vec<_> = are_shown.filter(|(was, _)| *was).map(|(_, is)| is).collect();
        let mut decisions = decisions.only(&keep);
        let has_more_holds = content.on_hold() > target.content.on_hold();
        if has_more_holds && !decisions.policy().is_private() {
            // Exact figures would contain the marks that are on hold now.
            decisions = self.exact(&content, stamp, decisions.policy())?;
        }
        let left = self.configured_left(&content, Some(&current), LeftBecause::RolledBack);
        let edition = self.publish(NewEdition {
            content,
            stamp,
            base: Some(&current),
            by: PublishedBy::Rollback,
            who,
            statistics: NewStatistics::Of(to, decisions),
            exported_at: target.record.exported_at,
            left,
        })?;
        Ok(Done::Published { edition: edition.0 })
    }

    /// The exact figures of a content.
    fn exact(
        &self,
        content: &Content,
        stamp: EditionStamp,
        policy: PrivacyPolicy,
    ) -> Result<Decisions, PublisherError> {
        let class = &whole_class(content, &self.keys.keys, stamp.published)?;
        let drawing = Drawing::NoHistory;
        let plan = ReleaseHistory::default().plan(Publication { stamp, class, policy, drawing });
        let assessment = String::new();
        Ok(plan.map_err(|error| PublisherError::Redraw { assessment, error })?.staged())
    }
}
