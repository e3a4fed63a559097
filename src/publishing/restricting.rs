//! What takes effect at once: holds and releases that show less than the current edition.

use class_files::Course;
use editions::{Content, PublishedBy, Restrictions, StoredEdition};
use fernet_batch::Timestamp;
use gradebook::Drawing;

use super::candidate::Candidate;
use super::error::PublisherError;
use super::publisher::{NewEdition, NewStatistics, Publisher};
use crate::files::load::load_course;

impl Publisher {
    /// Publishes what the course file, and a class file if there is one, show less than the current edition. Returns
    /// the edition that is current then.
    pub(super) fn restrict(
        &mut self,
        candidate: Option<&Candidate>,
    ) -> Result<Option<StoredEdition>, PublisherError> {
        let Some(current) = self.current()? else { return Ok(None) };
        let stamp = self.next_stamp();
        let now = stamp.published;
        let restricted = self.restricted(&current.content, candidate, now);
        if restricted == current.content {
            return Ok(Some(current));
        }
        // An assessment that is due is released by an edition of its own.
        let content = restricted.shown_as_of(current.record.time, now);
        let is_due = content != restricted;
        let edition = |content, stamp, by| NewEdition {
            content,
            stamp,
            base: None,
            by,
            who: None,
            statistics: NewStatistics::Decided(Drawing::AsConfirmed),
            exported_at: current.record.exported_at,
            left: self.history.left().cloned(),
        };
        let hold = edition(content, stamp, PublishedBy::Hold);
        let release = edition(restricted, stamp, PublishedBy::Release);
        self.publish(NewEdition { base: Some(&current), ..hold })?;
        let current = self.current()?;
        if !is_due {
            return Ok(current);
        }
        let stamp = self.next_stamp();
        self.publish(NewEdition { base: current.as_ref(), stamp, ..release })?;
        self.current()
    }

    /// A content with everything that the course file and a class file show less from a time on.
    pub(super) fn restricted(
        &self,
        content: &Content,
        candidate: Option<&Candidate>,
        now: Timestamp,
    ) -> Content {
        let mut restricted = content.clone();
        // An error in the course file is one of reading the class.
        if let Ok(course) = load_course(&self.sources) {
            let restrictions = restrictions(&course);
            restricted = restricted.restricted_to(&restrictions, now).unwrap_or(restricted);
        }
        if let Some(candidate) = candidate {
            let next = &candidate.content;
            restricted = restricted.restricted_by(next, now).unwrap_or(restricted);
        }
        restricted
    }
}

/// What a course file says about what students may see.
fn restrictions(course: &Course) -> Restrictions {
    let holds = course.holds().map(|(id, names)| (id.to_owned(), names.map(<[String]>::to_vec)));
    let releases = course.releases().map(|(name, release)| (name.to_owned(), release));
    Restrictions { holds: holds.collect(), releases: releases.collect() }
}
