//! Finding the students of a batch by their IDs.
//!
//! In a big class each access to a student is a cache miss, so a batch is looked up as a whole and its cache misses
//! overlap.

use std::hint::black_box;

use super::id_set::id_hash;
use super::index::Hash;
use super::short_number::SHORT_BYTES_MAX;
use super::students::{Record, Roster, RowIndex, id_head};

/// The lookup of one ID: its hash, and the row that was found.
#[derive(Clone, Copy)]
pub(crate) struct LookupSlot {
    hash: Hash,
    pub(crate) row: Option<RowIndex>,
}

impl Roster {
    /// Looks up the students with these IDs, `None` standing for a request without one. In a big class, each
    /// step is taken for all IDs before the next step, so that their cache misses overlap.
    pub(crate) fn lookup_batch<'a>(
        &self,
        ids: impl Iterator<Item = Option<&'a str>> + Clone,
        slots: &mut Vec<LookupSlot>,
    ) {
        slots.clear();
        let hash = |id: Option<&str>| self.by_id.hash(id.unwrap_or_default());
        // Looking ahead costs more than it saves, where the caches hold the class.
        if self.is_small() {
            slots.extend(ids.map(|id| {
                let hash = hash(id);
                LookupSlot { hash, row: id.and_then(|id| self.find(hash, id)) }
            }));
            return;
        }
        slots.extend(ids.clone().map(|id| LookupSlot { hash: hash(id), row: None }));
        for slot in slots.iter_mut() {
            slot.row = self.by_id.likely_row(slot.hash).map(RowIndex);
        }
        self.prefetch(slots);
        for (slot, id) in slots.iter_mut().zip(ids) {
            slot.row = id.and_then(|id| self.find(slot.hash, id));
        }
    }

    /// The record of some student: the same one for the same ID, whether the class has it or not.
    pub(crate) fn any_record(&self, id: &str) -> Option<Record<'_>> {
        let students = u64::try_from(self.len()).ok()?;
        let row = id_hash(id).checked_rem(students)?;
        self.row(usize::try_from(row).ok()?)
    }

    /// Brings students and marks that will most likely be needed into the cache, by reading them.
    fn prefetch(&self, slots: &[LookupSlot]) {
        let records = || slots.iter().filter_map(|slot| self.record(slot.row?));
        let mut students = 0;
        for Record { student, .. } in records() {
            let [word, ..] = student.key.expose_words();
            students ^= word ^ u64::from(student.id_bytes);
        }
        black_box(students);
        let marks: usize = records().map(|record| record.marks().count()).sum();
        black_box(marks);
    }

    fn find(&self, hash: Hash, id: &str) -> Option<RowIndex> {
        let head = id_head(id);
        let bytes = id.len();
        let matches = |record: Record<'_>| {
            record.student.id_head == head
                && usize::from(record.student.id_bytes) == bytes
                && (bytes <= SHORT_BYTES_MAX || record.id() == id)
        };
        let row = self.by_id.find(hash, |row| self.record(RowIndex(row)).is_some_and(matches));
        row.map(RowIndex)
    }
}
