//! What floods of rejections leave in the audit: one record for each source and second, with a count.
//! A record for each of them would let anybody fill the disk.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use grade_actors::Source;

use super::record::AuditEvent;

/// How long rejections are counted before they are recorded.
const INTERVAL: Duration = Duration::from_secs(1);

/// The most sources that are counted at one time. If there is another one, the counts are recorded at
/// once, and the one that found no room is not counted.
const SOURCES_MAX: usize = 65_536;

/// What was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rejected {
    /// Requests beyond the rate of their source.
    Requests,
    /// Connections beyond the number of their source.
    Connections,
}

/// The rejections that stand in no record yet.
#[derive(Default)]
pub(super) struct Tally {
    counts: BTreeMap<(Rejected, Source), u64>,
    /// When the counts are due to be recorded.
    due: Option<Instant>,
}

impl Tally {
    /// Counts a rejection.
    pub(super) fn count(&mut self, rejected: Rejected, source: Source) {
        let now = Instant::now();
        let due = self.due.get_or_insert(now + INTERVAL);
        let is_full = self.counts.len() >= SOURCES_MAX;
        match self.counts.get_mut(&(rejected, source)) {
            Some(count) => *count = count.saturating_add(1),
            // While nothing can be written, further sources are not counted: memory is limited.
            None if is_full => *due = now,
            None => drop(self.counts.insert((rejected, source), 1)),
        }
    }

    /// How long until the counts are due to be recorded; `None` if there are none.
    pub(super) fn time_left(&self) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// Takes the counts, as events to record.
    pub(super) fn take(&mut self) -> impl Iterator<Item = AuditEvent<'static>> + use<> {
        self.due = None;
        let counts = std::mem::take(&mut self.counts);
        counts.into_iter().map(|((rejected, source), count)| {
            let source = source.to_string();
            match rejected {
                Rejected::Requests => AuditEvent::TooMany { source, count },
                Rejected::Connections => AuditEvent::ConnectionsRejected { source, count },
            }
        })
    }
}
